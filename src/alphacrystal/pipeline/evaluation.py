"""Compare predicted structures with known ones, from files or from memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.errors import InputError
from alphacrystal.runtime.torch_device import AUTO, check_device

if TYPE_CHECKING:
    from alphacrystal.evaluation import EvaluationResult
    from alphacrystal.typing import Progress


def evaluate(
    predicted: Path | str,
    target: Path | str,
    *,
    metrics: str | Sequence[str] | None = None,
    preset: str = "cspbench",
    potential: str = "chgnet",
    device: str = AUTO,
    top: int = 20,
    workers: int = 1,
    time_limit: float = 60.0,
    progress: Progress | None = None,
) -> EvaluationResult:
    """Compare predicted structures with known ones: match, space group, distances.

    Args:
        predicted: Structure file, folder of ranked files, run folder or folder of runs.
        target: Structure file, folder or records of the true structures.
        metrics: Names and sets of metrics; by default paper for two single structures, else none.
        preset: Tolerances of the structure match: cspbench or diffcsp.
        potential: Potential of the energy distance.
        device: Its device: auto, cpu, cuda, cuda:N or mps.
        top: Candidates of each target that are compared.
        workers: Processes.
        time_limit: Processor time in s per pair and group of metrics; beyond it there is no value.
        progress: Called with (stage, done, total).

    Raises:
        InputError: A file cannot be read, a name or number is invalid, or no prediction has the formula of a
            target.
        PotentialError: The potential is unknown, or the device cannot be used.
    """
    from alphacrystal import evaluation

    if not 0 < time_limit < math.inf:
        raise InputError(f"The time limit must be a number of seconds, not {time_limit}.")
    if min(top, workers) < 1:
        raise InputError(f"top and workers must be at least 1, not {top} and {workers}.")
    evaluation.match_preset(preset)
    names = None if metrics is None else evaluation.metric_names(metrics)
    candidates = evaluation.read_predicted(Path(predicted))
    targets = evaluation.read_targets(Path(target))
    if names is None:
        names = evaluation.metric_names("paper" if len(candidates) == len(targets) == 1 else "none")
    if any(name.startswith("energy") for name in names):
        from alphacrystal.relaxation import check_potential

        check_potential(potential, forces=False, device=device)
        check_device(device)
    depths = [depth for depth in evaluation.DEPTHS if depth <= top]
    return evaluation.evaluate(
        candidates,
        targets,
        preset=preset,
        metrics=names,
        potential=potential,
        device=device,
        depths=depths if top in depths else [*depths, top],
        workers=workers,
        time_limit_s=time_limit,
        on_progress=progress,
    )
