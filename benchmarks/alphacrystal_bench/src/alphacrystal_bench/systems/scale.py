"""Simulated explorations of thousands of formulas: the real rounds and files, with random energies.

The predictions are left out: each formula gets phases with random energies at once. What remains is the work
of the exploration itself: the choice of formulas, the hull, the log, the tables and the page.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
import zlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from alphacrystal import __version__
from alphacrystal.composition import parse_formula
from alphacrystal.config import PredictConfig, make_config
from alphacrystal.errors import InputError
from alphacrystal.exploration import (
    EVENTS_FILE,
    Budget,
    ExplorationRun,
    ExploreLog,
    Phase,
    parse_system,
)
from alphacrystal.relaxation import elemental_references
from alphacrystal.report import EventLog
from alphacrystal.scale import CampaignTask, TaskOutcome
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.pages import fact_line, markdown_table

SYSTEM = "Li-Fe-P-O"  # quaternary, with more than 12,000 compositions
MIXING = -0.5  # eV/atom: formation energy in the middle of the system
SCATTER, SPREAD = 0.08, 0.03  # eV/atom: of the formulas, and of the phases of one formula
PHASES = 5  # of each formula, as many as an exploration keeps


class Immediate(AbstractContextManager[Any]):
    """An executor that ends each task at once, without work."""

    capacity = 64
    workers = 1

    def __init__(self) -> None:
        self._done: list[TaskOutcome] = []

    def __exit__(self, *_: object) -> None:
        """End."""

    def submit(self, task: CampaignTask) -> None:
        """Accept a task."""
        self._done.append(TaskOutcome(task.key))

    def finished(self, timeout_s: float) -> list[TaskOutcome]:
        """The outcomes of all accepted tasks."""
        done, self._done = self._done, []
        return done


def random_phases(folder: Path, name: str, config: PredictConfig) -> list[Phase]:
    """Phases of a formula with random energies; the same for the same name."""
    formula = name.rpartition("/")[2]
    counts = parse_formula(formula).counts
    total = sum(counts.values())
    references = elemental_references(config.potential) or {}
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    elemental = sum(references[symbol] * count for symbol, count in counts.items()) / total
    largest = max(counts.values()) / total
    lowest = elemental + 2 * MIXING * (1 - largest) + rng.normal(0, SCATTER)
    energies = np.sort(rng.exponential(SPREAD, PHASES))
    return [
        Phase(
            counts=counts,
            energy_per_atom_ev=float(lowest + energy),
            source="predicted",
            space_group_number=int(rng.integers(1, 231)),
            space_group_symbol="P1",
            n_atoms=total,
            volume_per_atom_a3=float(rng.uniform(8, 20)),
            probability=float(rng.random()),
            converged=True,
            folder=name,
        )
        for energy in energies
    ]


def benchmark_explore_scale(on_progress: Progress, *, formulas: Sequence[int]) -> dict[str, Any]:
    """Processor time, memory and files of simulated explorations.

    Args:
        on_progress: Called with (stage, done, total).
        formulas: Formulas of each exploration, ascending, because the memory is the largest so far.

    Returns:
        One row for each exploration, and the median processor time of a real formula of a campaign.

    Raises:
        InputError: The system has fewer compositions.
    """
    times = json.loads(files("alphacrystal_bench").joinpath("data/campaign_times.json").read_text("utf-8"))
    measured = float(np.median([sum(item.values()) for item in times["stages_s"]]))
    return {
        "system": SYSTEM,
        "formula_s": measured,
        "runs": [_simulated(count, on_progress) for count in sorted(formulas)],
    }


def _simulated(count: int, on_progress: Progress) -> dict[str, float]:
    system = parse_system(SYSTEM)
    config = make_config(max_atoms=40, dispersion="none", known_phases=False, workers=1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        log = ExploreLog(
            elements=list(system.elements),
            pressures=[0.0],
            settings=config.model_dump(mode="json"),
            models={},
            version=__version__,
        )
        begin = time.process_time()
        with EventLog(folder / EVENTS_FILE) as events:
            run = ExplorationRun(
                system, config, [0.0], folder, log, events, page=True, read=random_phases, patience=count
            )
            if count > len(run.compositions):
                raise InputError(
                    f"{SYSTEM} has {len(run.compositions)} compositions: --formulas {count} is too many."
                )
            run.explore(Budget(formulas=count), Immediate(), on_progress, None)
        seconds = time.process_time() - begin
        sizes = {
            name: (folder / name).stat().st_size / 1e6
            for name in ("hull.csv", "hull.json", "hull.html", "explore.json")
        }
        result = run.result()
    return {
        "formulas": result.predicted,
        "rounds": result.rounds,
        "phases": len(result.hull.phases),
        "seconds": seconds,
        "seconds_per_formula": seconds / result.predicted,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **{f"{name.replace('.', '_')}_mb": size for name, size in sizes.items()},
    }


def render(result: Mapping[str, Any]) -> str:
    """Cost of the exploration itself, by number of formulas."""
    header = [
        "formulas",
        "rounds",
        "phases",
        "s in all",
        "ms per formula",
        "memory, MB",
        "hull.csv, MB",
        "hull.html, MB",
        "workers kept busy",
    ]
    rows = [
        [
            f"{run['formulas']:,}",
            str(run["rounds"]),
            f"{run['phases']:,}",
            f"{run['seconds']:.0f}",
            f"{1000 * run['seconds_per_formula']:.1f}",
            f"{run['memory_mb']:.0f}",
            f"{run['hull_csv_mb']:.1f}",
            f"{run['hull_html_mb']:.1f}",
            f"{result['formula_s'] / run['seconds_per_formula']:.0f}",
        ]
        for run in result["runs"]
    ]
    text = (
        f"The rounds, hulls and files of explorations of {result['system']} with random energies; the "
        "predictions are left out, and no CIF files are written. Processor time; memory is the largest of "
        "the process so far. *Workers kept busy*: the median processor time of a formula of a measured "
        f"campaign, {result['formula_s']:.1f} s, divided by the time of the exploration for each formula."
    )
    lines = [
        "# Simulated explorations of a chemical system",
        "",
        fact_line("explore-scale", result),
        "",
        text,
        "",
    ]
    return "\n".join([*lines, *markdown_table(header, rows)]) + "\n"
