"""Reconstruction of crystals from their distance matrices, with baselines."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alphacrystal.crystal import primitive_orbits
from alphacrystal.data import read_records
from alphacrystal.errors import InputError
from alphacrystal.reconstruct import MatrixQuality, rebuild
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.rows import Row, Rows, sample
from alphacrystal_bench.reconstruction.ablation import ablation
from alphacrystal_bench.reconstruction.baselines import BASELINES, Baseline, missing_package
from alphacrystal_bench.reconstruction.speed import evaluation_speed
from alphacrystal_bench.reconstruction.tasks import ReconstructionTask, perturbed, tasks_of

Solve = Callable[[ReconstructionTask, int], Row]

EXTRAS = ("noise", "weights", "baselines", "speed", "ablation")
SMALL_CELL = 12  # atoms
NOISE = 0.3  # Å
STRETCH = 0.03
SAMPLED_SMALL, SAMPLED_LARGE = 500, 200  # of a split, up to and above SMALL_CELL, unless a limit is given
WEIGHTED = 60  # tasks with noise, for the weights of short distances
COMPARED = 40  # tasks of the baselines
PERTURBED = 200  # tasks with noise
ABLATED = 100  # tasks of the ablation
POWERS = (0, 1, 2)
# Names of tables in rows of format 1.
OLD_TABLES = {
    "noise, each entry its own noise": "independent_noise",
    "noise, both halves the same noise": "symmetric_noise",
    "random crystals": "random_crystals",
    "random crystals (pyxtal)": "random_crystals_pyxtal",
    "contact map, NumPy evolution": "contact_map_evolution",
    "distance matrix, NumPy evolution": "distance_matrix_evolution",
}


def benchmark_reconstruction(
    source: Path,
    *,
    split: str | None = None,
    limit: int | None = None,
    extras: Sequence[str] = (),
    seed: int = 0,
    out: Path | None = None,
    on_progress: Progress = lambda *_: None,
) -> dict[str, Any]:
    """Match rates and times over the structures of a record file.

    Args:
        source: Record file or folder.
        split: Use only records of this split.
        limit: Number of structures, drawn at random; by default all of a file, and 500 small and 200 large
            ones of a split.
        extras: More tables, of EXTRAS.
        seed: Seed of the sample, the noise and the searches.
        out: Folder of the finished structures, so that an interrupted run continues.
        on_progress: Called with (table, structures done, total).

    Returns:
        ``n``, ``match_rate``, ``median_s``, ``p95_s`` over all structures with exact input, the same by size
        and crystal system, and the extras.

    Raises:
        InputError: The file contains no crystal with up to 20 atoms.
    """
    tasks = tasks_of(r for r in read_records(source) if split is None or r.split == split)
    if limit is not None:
        tasks = sample(tasks, limit, seed)
    elif split is not None:
        large = [task for task in tasks if len(task.numbers) > SMALL_CELL]
        tasks = sample(_small(tasks), SAMPLED_SMALL, seed) + sample(large, SAMPLED_LARGE, seed)
    if not tasks:
        raise InputError(f"{source} contains no structure with up to 20 atoms in its primitive cell.")
    for number in {task.space_group for task in tasks}:
        primitive_orbits(number)  # reads the tables, whose time does not count
    finished = Rows(out / "rows.jsonl" if out else None, key=_key, upgrade=_upgraded)

    def rows_of(table: str, chosen: Sequence[ReconstructionTask], solve: Solve) -> list[Row]:
        rows = []
        for done, task in enumerate(chosen, start=1):
            row = {"table": table, "id": task.id, "seed": seed}
            if _key(row) not in finished:
                task_seed = int(np.random.default_rng([seed, *task.id.encode()]).integers(2**31))
                finished.add(_key(row), row | solve(task, task_seed))
            rows.append(finished[_key(row)])
            on_progress(table, done, len(chosen))
        return rows

    exact = rows_of("exact", tasks, lambda task, task_seed: _solve(task, task, MatrixQuality(), task_seed))
    result: dict[str, Any] = {**_summary(exact), **_parts(tasks, exact)}
    small = _small(tasks)
    if "noise" in extras:
        chosen = sample(small, PERTURBED, seed)
        result["noise"] = {
            name: _summary(rows_of(name, chosen, _with_noise(symmetric)))
            for name, symmetric in (("independent_noise", False), ("symmetric_noise", True))
        }
    if "weights" in extras:
        chosen = sample(small, WEIGHTED, seed)
        result["short_distance_weights"] = {
            f"power_{power}": _summary(rows_of(f"weights {power}", chosen, _with_noise(True, power)))
            for power in POWERS
        }
    if "baselines" in extras:
        chosen = sample(small, COMPARED, seed)
        solved = {row["id"]: row for row in exact}
        result["baselines"] = {"ours": _summary([solved[task.id] for task in chosen])}
        for name, baseline in BASELINES.items():
            if (reason := missing_package(name)) is not None:
                result["baselines"][name] = {"skipped": reason}
            else:
                result["baselines"][name] = _summary(rows_of(name, chosen, _with(baseline)))
    if "speed" in extras:
        result["evaluations_per_second"] = evaluation_speed(seed)
    if "ablation" in extras:
        result["ablation"] = ablation(sample(small, ABLATED, seed), rows_of, seed)
    return result


def _key(row: Row) -> str:
    return f"{row['table']} {row['id']} {row['seed']}"


def _upgraded(row: Row) -> Row:
    """A row of format 1, in which tables had other names."""
    table = row["table"]
    if table.startswith("ablation, "):
        table = table.replace(",", "").replace(" ", "_")
    return row | {"table": OLD_TABLES.get(table, table)}


def _small(tasks: Sequence[ReconstructionTask]) -> list[ReconstructionTask]:
    return [task for task in tasks if len(task.numbers) <= SMALL_CELL]


def _solve(task: ReconstructionTask, given: ReconstructionTask, quality: MatrixQuality, seed: int) -> Row:
    def search() -> tuple[Any, ...] | None:
        crystals = rebuild(
            given.distances, given.numbers, given.space_group, given.lattice, quality=quality, seed=seed
        )
        return (crystals[0].lattice, crystals[0].numbers, crystals[0].positions) if crystals else None

    return _timed(task, search)


def _timed(task: ReconstructionTask, search: Callable[[], tuple[Any, ...] | None]) -> Row:
    wall, processor = time.perf_counter(), time.process_time()
    crystal = search()
    times = {"cpu_s": time.process_time() - processor, "wall_s": time.perf_counter() - wall}
    return {**times, "match": crystal is not None and task.solved_by(*crystal)}


def _with(baseline: Baseline) -> Solve:
    return lambda task, seed: _timed(task, lambda: baseline(task, seed))


def _with_noise(symmetric: bool, power: int = 0) -> Solve:
    quality = MatrixQuality(NOISE if symmetric else NOISE / math.sqrt(2), STRETCH, float(power))

    def solve(task: ReconstructionTask, seed: int) -> Row:
        return _solve(task, perturbed(task, NOISE, STRETCH, seed, symmetric=symmetric), quality, seed)

    return solve


def _parts(tasks: Sequence[ReconstructionTask], rows: Sequence[Row]) -> dict[str, Any]:
    """The same by size and by crystal system, and the ids of the tasks without a match."""
    pairs = list(zip(tasks, rows, strict=True))
    table: dict[str, Any] = {"sizes": {}, "systems": {}}
    for name, small in ((f"atoms_up_to_{SMALL_CELL}", True), (f"atoms_{SMALL_CELL + 1}_to_20", False)):
        chosen = [row for task, row in pairs if (len(task.numbers) <= SMALL_CELL) == small]
        if chosen:
            table["sizes"][name] = _summary(chosen)
    for system in sorted({task.system for task in tasks}):
        table["systems"][system] = _summary([row for task, row in pairs if task.system == system])
    table["missed"] = [task.id for task, row in pairs if not row["match"]]
    return table


def _summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Processor seconds (one thread) and wall seconds, which depend on other work on the machine."""
    cpu, wall = (np.array([row[name] for row in rows]) for name in ("cpu_s", "wall_s"))
    return {
        "n": len(rows),
        "match_rate": round(float(np.mean([row["match"] for row in rows])), 4),
        "median_s": round(float(np.median(cpu)), 4),
        "p95_s": round(float(np.percentile(cpu, 95)), 4),
        "median_wall_s": round(float(np.median(wall)), 4),
        "p95_wall_s": round(float(np.percentile(wall, 95)), 4),
    }
