"""Speed of relaxation compared with chgnet, agreement of the results, and conservation of symmetry."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from alphacrystal.crystal import structure_from_json
from alphacrystal.errors import InputError
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.rows import Row, Rows, check_settings
from alphacrystal_bench.speed.chgnet_baseline import ChgnetBaseline, TimedRelaxation
from alphacrystal_bench.speed.evaluation import agreement, evaluation_speed, process_speed
from alphacrystal_bench.speed.structures import (
    StartingPoint,
    candidates_of,
    chosen_records,
    random_crystals,
)
from alphacrystal_bench.speed.symmetry import SymmetryComparison, compare_symmetry
from alphacrystal_bench.speed.whole_predictions import prediction_speed

if TYPE_CHECKING:
    from alphacrystal.data import StructureRecord

FMAX, STEPS = 0.1, 150  # eV/Å and largest number of steps, those of the goal
SAME_BASIN = 0.005  # eV/atom: largest difference of two results in the same basin
GROUP = 25  # crystals per turn; both programs take turns, so that the load of the machine affects both
BATCHES = (16, 32, 64)
PARTS = ("random", "candidates", "evaluation", "processes", "agreement", "predict")
NEED_DATA = ("candidates", "agreement", "predict")
#: Crystals or formulas of each part, unless --limit is lower.
SIZES = {"random": 50, "candidates": 20, "evaluation": 64, "processes": 16, "agreement": 200, "predict": 20}
CANDIDATES = 3  # per formula
CHGNET = "chgnet_fire"  # key of the results of chgnet with the FIRE optimiser of ASE

Optimizer = Literal["fire", "quasi-newton"]
OPTIMIZERS: tuple[Optimizer, ...] = ("fire", "quasi-newton")


@dataclass(frozen=True, slots=True)
class SpeedSettings:
    """Settings of the benchmark.

    Attributes:
        parts: Some of `PARTS`.
        limit: Largest number of crystals or formulas of a part; None for `SIZES`.
        seed: Seed of the random crystals, the sample of records and the predictions.
    """

    parts: tuple[str, ...] = PARTS
    limit: int | None = None
    seed: int = 0

    def size(self, part: str) -> int:
        """Number of crystals or formulas of a part."""
        return SIZES[part] if self.limit is None else min(self.limit, SIZES[part])


def benchmark_speed(
    settings: SpeedSettings,
    out: Path,
    *,
    source: Path | None = None,
    on_progress: Progress = lambda *_: None,
) -> dict[str, Any]:
    """Run the parts one after the other.

    Args:
        settings: Settings of the benchmark.
        out: Existing folder; each finished group of crystals is kept there, and parts may be added later.
        source: Records with a validation split, for the parts that need real compounds.
        on_progress: Called with (stage, done, total).

    Raises:
        InputError: A part needs records and there are none, or ``out`` belongs to other settings.
    """
    missing = [part for part in settings.parts if part in NEED_DATA]
    if source is None and missing:
        raise InputError(
            f"The part {missing[0]} needs records of real compounds: name them with --data, or choose "
            "--parts random,evaluation."
        )
    check_settings(out, {"seed": settings.seed, "limit": settings.limit, "fmax": FMAX, "steps": STEPS})
    records = _validation_records(source) if source is not None and missing else []
    chgnet = ChgnetBaseline()
    result: dict[str, Any] = {
        "fmax_ev_per_a": FMAX,
        "steps": STEPS,
        "same_basin_ev_per_atom": SAME_BASIN,
    }
    rng = np.random.default_rng(settings.seed)
    random = [StartingPoint(crystal) for crystal in random_crystals(SIZES["random"], rng)]
    for part in settings.parts:
        size = settings.size(part)
        if part == "random":
            groups = _relaxations(part, random[:size], chgnet, out, on_progress)
            result[part] = _compared(groups)
        elif part == "candidates":
            points = _candidates(records, size, settings.seed, out, on_progress)
            groups = _relaxations(part, points, chgnet, out, on_progress)
            result[part] = _compared(groups) | _symmetry(groups)
        elif part == "evaluation":
            batches = [batch for batch in BATCHES if batch <= max(size, BATCHES[0])]
            result[part] = evaluation_speed(batches, chgnet, on_progress)
        elif part == "processes":
            result[part] = process_speed([point.structure for point in random[:size]], on_progress)
        elif part == "agreement":
            chosen = np.random.default_rng(settings.seed).permutation(len(records))[:size]
            structures = [records[int(index)].structure() for index in chosen]
            result[part] = agreement(structures, chgnet, on_progress)
        else:
            formulas = [record.reduced_formula for record in _chosen(records, size, settings.seed)]
            result[part] = prediction_speed(formulas, settings.seed, out, on_progress)
    return result


def _validation_records(source: Path) -> list[StructureRecord]:
    from alphacrystal.data import read_records

    records = [record for record in read_records(source) if record.split == "val"]
    if not records:
        raise InputError(f"{source} contains no records of the validation split.")
    return records


def _chosen(records: Sequence[StructureRecord], count: int, seed: int) -> list[StructureRecord]:
    return chosen_records(records, count, np.random.default_rng(seed))


def _candidates(
    records: Sequence[StructureRecord], formulas: int, seed: int, out: Path, on_progress: Progress
) -> list[StartingPoint]:
    """Candidates of validation formulas; those of an earlier run are read from the folder."""
    file = out / "starts.json"
    if file.is_file():
        stored = json.loads(file.read_text(encoding="utf-8"))
        return [StartingPoint(structure_from_json(structure), group) for structure, group in stored]
    chosen = [record.reduced_formula for record in _chosen(records, formulas, seed)]
    points = candidates_of(chosen, CANDIDATES, seed, lambda done: on_progress("generate", done, len(chosen)))
    file.write_text(json.dumps([(p.structure.as_dict(), p.space_group) for p in points]), encoding="utf-8")
    return points


def _relaxations(
    part: str, points: Sequence[StartingPoint], chgnet: ChgnetBaseline, out: Path, on_progress: Progress
) -> list[Row]:
    """Relaxations of groups of crystals, by both programs in turn; ``out`` keeps finished groups."""
    rows = count(0)  # rows of earlier versions have no id
    finished = Rows(out / f"{part}.jsonl", key=lambda row: str(row.get("id", next(rows))))
    groups = []
    for index, begin in enumerate(range(0, len(points), GROUP)):
        on_progress(part, begin, len(points))
        chosen = points[begin : begin + GROUP]
        if str(index) not in finished:
            group: Row = {"id": index}
            for optimizer in OPTIMIZERS:
                ends, symmetries = _relax_batch(chosen, optimizer)
                group[optimizer] = [asdict(end) for end in ends]
                group["symmetry"] = [asdict(symmetry) for symmetry in symmetries]
            group["theirs"] = [
                asdict(chgnet.relax_with_fire(point.structure, FMAX, STEPS)) for point in chosen
            ]
            finished.add(str(index), group)
        groups.append(finished[str(index)])
    on_progress(part, len(points), len(points))
    return groups


def _relax_batch(
    points: Sequence[StartingPoint], optimizer: Optimizer
) -> tuple[list[TimedRelaxation], list[SymmetryComparison]]:
    from alphacrystal.relaxation import RelaxSettings, load_potential, relax

    potential = load_potential()
    structures = [point.structure for point in points]
    settings = RelaxSettings(fmax=FMAX, max_steps=STEPS, optimizer=optimizer, time_limit_s=None)
    relax(structures[:1], potential, settings.model_copy(update={"max_steps": 1}))  # imports do not count
    begin = time.process_time()
    ends = relax(structures, potential, settings)
    share = (time.process_time() - begin) / len(structures)
    timed = [TimedRelaxation(share, end.energy_per_atom, end.converged, end.steps) for end in ends]
    symmetries = [
        compare_symmetry(point.structure, end.structure, point.space_group)
        for point, end in zip(points, ends, strict=True)
    ]
    return timed, symmetries


def _joined(groups: Sequence[Row], key: str) -> list[dict[str, Any]]:
    return [item for group in groups for item in group[key]]


def _compared(groups: Sequence[Row]) -> dict[str, Any]:
    """Costs and final energies of both programs; the ratio is the cost of chgnet divided by ours."""
    chgnet = _joined(groups, "theirs")
    cost = sum(item["cpu_s"] for item in chgnet)
    table: dict[str, Any] = {"n": len(chgnet), CHGNET: _totals(chgnet)}
    for optimizer in OPTIMIZERS:
        ours = _joined(groups, optimizer)
        differences = np.array(
            [
                item["energy_per_atom"] - other["energy_per_atom"]
                for item, other in zip(ours, chgnet, strict=True)
                if item["converged"] and other["converged"]
            ]
        )
        table[optimizer.replace("-", "_")] = {
            **_totals(ours),
            "ratio": round(cost / sum(item["cpu_s"] for item in ours), 2),
            "both_converged": len(differences),
            "same_basin": _share(np.abs(differences) < SAME_BASIN),
            "deeper": _share(differences <= -SAME_BASIN),
            "shallower": _share(differences >= SAME_BASIN),
        }
    return table


def _totals(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "cpu_s": round(sum(item["cpu_s"] for item in items), 2),
        "converged": sum(item["converged"] for item in items),
        "steps": sum(item["steps"] for item in items),
    }


def _share(truth: np.ndarray) -> float | None:
    return round(float(truth.mean()), 4) if len(truth) else None


def _symmetry(groups: Sequence[Row]) -> dict[str, Any]:
    compared = _joined(groups, "symmetry")
    return {
        "space_group_kept": _share(np.array([item["operations_kept"] for item in compared])),
        "hypothesis_found": _share(np.array([item["hypothesis_found"] for item in compared])),
    }
