"""How fast relaxation is beside chgnet's own ways, whether it ends in the same places, and keeps symmetry."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from alphacrystal.crystal import structure_from_json
from alphacrystal.errors import InputError
from alphacrystal_bench.harness.progress import Progress
from alphacrystal_bench.harness.run_facts import run_facts
from alphacrystal_bench.speed.chgnet_baseline import ChgnetItself, TimedRelaxation
from alphacrystal_bench.speed.structures import (
    StartingPoint,
    candidates_of,
    chosen_records,
    random_crystals,
)
from alphacrystal_bench.speed.symmetry import SymmetryKept, symmetry_kept

if TYPE_CHECKING:
    from alphacrystal.data import StructureRecord

FMAX, STEPS = 0.1, 150  # eV/Å, and steps at most: those of the mark
SAME_BASIN = 0.005  # eV/atom between two ends in the same basin
GROUP = 25  # crystals that both sides take in turn, so that both meet the same load of the machine
BATCHES = (16, 32, 64)
PARTS = ("random", "candidates", "evaluation", "processes", "agreement", "predict")
NEED_DATA = ("candidates", "agreement", "predict")
#: Crystals or formulas of each part where --limit does not lower them.
SIZES = {"random": 50, "candidates": 20, "evaluation": 64, "processes": 16, "agreement": 200, "predict": 20}
EACH = 3  # candidates of one formula

Optimizer = Literal["fire", "quasi-newton"]


@dataclass(frozen=True, slots=True)
class SpeedSettings:
    """What to run.

    Attributes:
        parts: Of `PARTS`.
        limit: Most crystals or formulas of a part; None for `SIZES`.
        seed: Of the random crystals, the choice of records and the predictions.
    """

    parts: tuple[str, ...] = PARTS
    limit: int | None = None
    seed: int = 0

    def size(self, part: str) -> int:
        """Crystals or formulas of a part."""
        return SIZES[part] if self.limit is None else min(self.limit, SIZES[part])


def benchmark_speed(
    settings: SpeedSettings,
    out: Path,
    *,
    source: Path | None = None,
    resume: bool = False,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure the parts, one after the other, and write speed.json.

    Args:
        settings: What to run.
        out: Folder, made if need be; each finished group of crystals is kept there.
        source: Records with a validation split, for the parts that need real compounds.
        resume: Take over what an earlier run with the same settings finished.
        on_progress: Called with a stage, how much of it is done and how much there is.

    Raises:
        InputError: A part needs records and there are none, or ``out`` is of other settings.
    """
    tell = on_progress or (lambda stage, done, total: None)
    missing = [part for part in settings.parts if part in NEED_DATA]
    if source is None and missing:
        raise InputError(
            f"The part {missing[0]} needs records of real compounds: give --data, or choose --parts "
            "random,evaluation."
        )
    facts = run_facts(settings.seed)  # now: the tree may change while this runs
    _check_settings(settings, out, resume)
    begin = time.monotonic()
    records = _validation_records(source) if source is not None and missing else []
    chgnet = ChgnetItself()
    result: dict[str, Any] = {
        **facts,
        "fmax_ev_per_a": FMAX,
        "steps": STEPS,
        "same_basin_ev_per_atom": SAME_BASIN,
    }
    rng = np.random.default_rng(settings.seed)
    random = [StartingPoint(crystal) for crystal in random_crystals(SIZES["random"], rng)]
    for part in settings.parts:
        size = settings.size(part)
        if part == "random":
            groups = _relaxations(part, random[:size], ("fire", "quasi-newton"), chgnet, out, tell)
            result[part] = _compared(groups, ("fire", "quasi-newton"))
        elif part == "candidates":
            points = _candidates(records, size, settings.seed, out, tell)
            groups = _relaxations(part, points, ("fire", "quasi-newton"), chgnet, out, tell)
            result[part] = _compared(groups, ("fire", "quasi-newton")) | _symmetry(groups)
        elif part == "evaluation":
            from alphacrystal_bench.speed.evaluation import evaluation_speed

            result[part] = evaluation_speed([b for b in BATCHES if b <= max(size, BATCHES[0])], chgnet, tell)
        elif part == "processes":
            from alphacrystal_bench.speed.processes import process_speed

            result[part] = process_speed([point.structure for point in random[:size]], tell)
        elif part == "agreement":
            from alphacrystal_bench.speed.evaluation import agreement

            chosen = np.random.default_rng(settings.seed).permutation(len(records))[:size]
            result[part] = agreement([records[int(i)].structure() for i in chosen], chgnet, tell)
        else:
            from alphacrystal_bench.speed.whole_predictions import prediction_speed

            result[part] = prediction_speed(
                [r.reduced_formula for r in _chosen(records, size, settings.seed)], settings.seed, out, tell
            )
    result["minutes"] = round((time.monotonic() - begin) / 60, 1)
    (out / "speed.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def _check_settings(settings: SpeedSettings, out: Path, resume: bool) -> None:
    """One folder holds one choice of crystals; parts may be added."""
    file = out / "settings.json"
    own = {"seed": settings.seed, "limit": settings.limit, "fmax": FMAX, "steps": STEPS}
    if file.is_file():
        if not resume:
            raise InputError(
                f"{out} holds an earlier run: continue it with --resume or choose another --out."
            )
        if json.loads(file.read_text(encoding="utf-8")) != own:
            raise InputError(f"{out} holds a run with other settings: choose another --out.")
    file.write_text(json.dumps(own) + "\n", encoding="utf-8")


def _validation_records(source: Path) -> list[StructureRecord]:
    from alphacrystal.data import read_records

    records = [record for record in read_records(source) if record.split == "val"]
    if not records:
        raise InputError(f"{source} holds no records of the validation split.")
    return records


def _chosen(records: Sequence[StructureRecord], count: int, seed: int) -> list[StructureRecord]:
    return chosen_records(records, count, np.random.default_rng(seed))


def _candidates(
    records: Sequence[StructureRecord], formulas: int, seed: int, out: Path, tell: Progress
) -> list[StartingPoint]:
    """Candidates of validation formulas; those of an earlier run are read again."""
    file = out / "starts.json"
    if file.is_file():
        stored = json.loads(file.read_text(encoding="utf-8"))
        return [StartingPoint(structure_from_json(structure), group) for structure, group in stored]
    chosen = [record.reduced_formula for record in _chosen(records, formulas, seed)]
    points = candidates_of(chosen, EACH, seed, lambda done: tell("generate", done, len(chosen)))
    file.write_text(json.dumps([(p.structure.as_dict(), p.space_group) for p in points]), encoding="utf-8")
    return points


def _relaxations(
    part: str,
    points: Sequence[StartingPoint],
    optimizers: Sequence[Optimizer],
    chgnet: ChgnetItself,
    out: Path,
    tell: Progress,
) -> list[dict[str, Any]]:
    """Both sides relax each group of crystals in turn; finished groups are kept on disk."""
    file = out / f"{part}.jsonl"
    groups = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
    done = sum(len(group["theirs"]) for group in groups)
    tell(part, done, len(points))
    for begin in range(done, len(points), GROUP):
        mine = points[begin : begin + GROUP]
        group: dict[str, Any] = {}
        for optimizer in optimizers:
            ends, kept = _relax_batch(mine, optimizer)
            group[optimizer] = [asdict(end) for end in ends]
            group["symmetry"] = [asdict(item) for item in kept]
        theirs = []
        for place, point in enumerate(mine, start=1):
            theirs.append(asdict(chgnet.relax_with_fire(point.structure, FMAX, STEPS)))
            tell(part, begin + place, len(points))
        group["theirs"] = theirs
        with file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(group) + "\n")
        groups.append(group)
    return groups


def _relax_batch(
    points: Sequence[StartingPoint], optimizer: Optimizer
) -> tuple[list[TimedRelaxation], list[SymmetryKept]]:
    from alphacrystal.relax import RelaxSettings, load_potential, relax

    potential = load_potential()
    structures = [point.structure for point in points]
    settings = RelaxSettings(fmax=FMAX, max_steps=STEPS, optimizer=optimizer, time_limit_s=None)
    relax(structures[:1], potential, settings.model_copy(update={"max_steps": 1}))  # imports are no work
    begin = time.process_time()
    ends = relax(structures, potential, settings)
    share = (time.process_time() - begin) / len(structures)
    timed = [TimedRelaxation(share, end.energy_per_atom, end.converged, end.steps) for end in ends]
    kept = [
        symmetry_kept(point.structure, end.structure, point.space_group)
        for point, end in zip(points, ends, strict=True)
    ]
    return timed, kept


def _joined(groups: Sequence[dict[str, Any]], who: str) -> Iterator[dict[str, Any]]:
    return (item for group in groups for item in group[who])


def _compared(groups: Sequence[dict[str, Any]], optimizers: Sequence[str]) -> dict[str, Any]:
    """Costs and ends of both sides; the ratio is theirs over ours."""
    theirs = list(_joined(groups, "theirs"))
    cost = sum(item["cpu_s"] for item in theirs)
    table: dict[str, Any] = {
        "n": len(theirs),
        "chgnet with ASE's FIRE": {
            "cpu_s": round(cost, 2),
            "converged": sum(item["converged"] for item in theirs),
            "steps": sum(item["steps"] for item in theirs),
        },
    }
    for optimizer in optimizers:
        ours = list(_joined(groups, optimizer))
        own = sum(item["cpu_s"] for item in ours)
        differences = np.array(
            [
                mine["energy_per_atom"] - other["energy_per_atom"]
                for mine, other in zip(ours, theirs, strict=True)
                if mine["converged"] and other["converged"]
            ]
        )
        table[optimizer] = {
            "cpu_s": round(own, 2),
            "ratio": round(cost / own, 2),
            "converged": sum(item["converged"] for item in ours),
            "steps": sum(item["steps"] for item in ours),
            "both_converged": len(differences),
            "same_basin": _share(np.abs(differences) < SAME_BASIN),
            "deeper": _share(differences <= -SAME_BASIN),
            "shallower": _share(differences >= SAME_BASIN),
        }
    return table


def _share(truth: np.ndarray) -> float | None:
    return round(float(truth.mean()), 4) if len(truth) else None


def _symmetry(groups: Sequence[dict[str, Any]]) -> dict[str, Any]:
    kept = list(_joined(groups, "symmetry"))
    return {
        "space_group_kept": _share(np.array([item["operations_kept"] for item in kept])),
        "hypothesis_found": _share(np.array([item["hypothesis_found"] for item in kept])),
    }
