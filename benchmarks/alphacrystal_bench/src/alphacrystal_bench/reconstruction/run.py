"""`alphacrystal benchmark reconstruction`: crystals rebuilt from their distance matrices, beside rivals."""

from __future__ import annotations

import json
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
from alphacrystal_bench.harness.progress import Progress
from alphacrystal_bench.harness.run_facts import run_facts
from alphacrystal_bench.harness.sampling import drawn
from alphacrystal_bench.reconstruction.ablation import ablation
from alphacrystal_bench.reconstruction.baselines import RIVALS, Rival, rival_note
from alphacrystal_bench.reconstruction.speed import evaluation_speed
from alphacrystal_bench.reconstruction.tasks import Puzzle, puzzles, spoiled

Row = dict[str, Any]

EXTRAS = ("noise", "weights", "rivals", "speed", "ablation")
SMALL_CELL = 12  # atoms
NOISE = 0.3  # Å
STRETCH = 0.03
DRAWN_SMALL, DRAWN_LARGE = 500, 200  # of a split, up to and above SMALL_CELL, unless a limit is given
WEIGHTED = 60  # puzzles with noise, for the weights of short distances
CONTESTED = 40  # puzzles that the rivals are given
SPOILED = 200  # puzzles that are given noise
ABLATED = 100  # puzzles of the ablation
POWERS = (0.0, 1.0, 2.0)


def benchmark_reconstruction(
    source: Path,
    *,
    split: str | None = None,
    limit: int | None = None,
    extras: Sequence[str] = (),
    seed: int = 0,
    out: Path | None = None,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Match rates and seconds over the structures of a record file.

    Args:
        source: Record file or folder.
        split: Use only records of this split.
        limit: Structures drawn at random; by default all of a file, and 500 small and 200 large ones of a
            split.
        extras: More tables, of EXTRAS.
        seed: Of the draw, the noise and the searches.
        out: Folder that finished structures are kept in, so that an interrupted run goes on.
        on_progress: Called with (table, structures done, in total).

    Returns:
        ``n``, ``match_rate``, ``median_s``, ``p95_s`` over all structures from exact inputs, the same by size
        and crystal system, the extras, and the facts of the run.

    Raises:
        InputError: The file holds no crystal of up to 20 atoms.
    """
    facts = run_facts(seed)
    begun = time.monotonic()
    given = puzzles(r for r in read_records(source) if split is None or r.split == split)
    if limit is not None:
        given = drawn(given, limit, seed)
    elif split is not None:
        small = [puzzle for puzzle in given if len(puzzle.numbers) <= SMALL_CELL]
        large = [puzzle for puzzle in given if len(puzzle.numbers) > SMALL_CELL]
        given = drawn(small, DRAWN_SMALL, seed) + drawn(large, DRAWN_LARGE, seed)
    if not given:
        raise InputError(f"{source} holds no structure with up to 20 atoms in its primitive cell.")
    for number in {puzzle.space_group for puzzle in given}:
        primitive_orbits(number)  # tables are read once; that is not what we time
    rows = _Rows(out, seed, on_progress)
    exact = rows.of("exact", given, lambda puzzle, own: _solve(puzzle, puzzle, MatrixQuality(), own))
    result: dict[str, Any] = {**_summary(exact), **_parts(given, exact)}
    small = [puzzle for puzzle in given if len(puzzle.numbers) <= SMALL_CELL]
    if "noise" in extras:
        result["noise"] = _noise(drawn(small, SPOILED, seed), rows)
    if "weights" in extras:
        result["short_distance_weights"] = _weights(drawn(small, WEIGHTED, seed), rows)
    if "rivals" in extras:
        contested = drawn(small, CONTESTED, seed)
        solved = {row["id"]: row for row in exact}
        result["rivals"] = {"ours": _summary([solved[puzzle.id] for puzzle in contested])}
        for name, rival in RIVALS.items():
            if (note := rival_note(name)) is not None:
                result["rivals"][name] = {"skipped": note}
                continue

            def solve(puzzle: Puzzle, own: int, rival: Rival = rival) -> Row:
                return _timed(puzzle, lambda: rival(puzzle, own))

            result["rivals"][name] = _summary(rows.of(name, contested, solve))
    if "speed" in extras:
        result["evaluations_per_second"] = evaluation_speed(seed)
    if "ablation" in extras:
        result["ablation"] = ablation(drawn(small, ABLATED, seed), rows.of, seed)
    result["minutes"] = round((time.monotonic() - begun) / 60, 1)
    return {**result, **facts}


def _solve(puzzle: Puzzle, told: Puzzle, quality: MatrixQuality, seed: int) -> Row:
    def search() -> tuple[Any, ...] | None:
        found = rebuild(
            told.distances, told.numbers, told.space_group, told.lattice, quality=quality, seed=seed
        )
        return (found[0].lattice, found[0].numbers, found[0].positions) if found else None

    return _timed(puzzle, search)


def _timed(puzzle: Puzzle, search: Callable[[], tuple[Any, ...] | None]) -> Row:
    wall, processor = time.perf_counter(), time.process_time()
    found = search()
    spent = {"cpu_s": time.process_time() - processor, "wall_s": time.perf_counter() - wall}
    return {**spent, "match": found is not None and puzzle.solved_by(*found)}


def _noise(small: list[Puzzle], rows: _Rows) -> dict[str, Any]:
    table = {}
    for name, alike in (("each entry its own noise", False), ("both halves the same noise", True)):
        quality = MatrixQuality(NOISE if alike else NOISE / math.sqrt(2), STRETCH)

        def solve(puzzle: Puzzle, own: int, alike: bool = alike, quality: MatrixQuality = quality) -> Row:
            told = spoiled(puzzle, NOISE, STRETCH, own, halves_alike=alike)
            return _solve(puzzle, told, quality, own)

        table[name] = _summary(rows.of(f"noise, {name}", small, solve))
    return table


def _weights(chosen: list[Puzzle], rows: _Rows) -> dict[str, Any]:
    table = {}
    for power in POWERS:

        def solve(puzzle: Puzzle, own: int, power: float = power) -> Row:
            told = spoiled(puzzle, NOISE, STRETCH, own, halves_alike=True)
            return _solve(puzzle, told, MatrixQuality(NOISE, STRETCH, power), own)

        table[f"d^-{power:g}"] = _summary(rows.of(f"weights {power:g}", chosen, solve))
    return table


def _parts(given: list[Puzzle], rows: list[Row]) -> dict[str, Any]:
    """The same by size and by crystal system."""
    sizes = {f"up to {SMALL_CELL} atoms": True, f"{SMALL_CELL + 1} to 20 atoms": False}
    table: dict[str, Any] = {"sizes": {}, "systems": {}}
    for name, small in sizes.items():
        both = zip(given, rows, strict=True)
        own = [row for puzzle, row in both if (len(puzzle.numbers) <= SMALL_CELL) == small]
        if own:
            table["sizes"][name] = _summary(own)
    for system in sorted({puzzle.system for puzzle in given}):
        own = [row for puzzle, row in zip(given, rows, strict=True) if puzzle.system == system]
        table["systems"][system] = _summary(own)
    table["missed"] = [puzzle.id for puzzle, row in zip(given, rows, strict=True) if not row["match"]]
    return table


def _summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Seconds are those of the process (one thread); ``wall`` ones depend on what else the machine does."""
    cpu, wall = (np.array([row[name] for row in rows]) for name in ("cpu_s", "wall_s"))
    return {
        "n": len(rows),
        "match_rate": round(float(np.mean([row["match"] for row in rows])), 4),
        "median_s": round(float(np.median(cpu)), 4),
        "p95_s": round(float(np.percentile(cpu, 95)), 4),
        "median_wall_s": round(float(np.median(wall)), 4),
        "p95_wall_s": round(float(np.percentile(wall, 95)), 4),
    }


class _Rows:
    """Results structure by structure, kept in a file when there is a folder."""

    def __init__(self, out: Path | None, seed: int, on_progress: Progress | None) -> None:
        self.path = out / "rows.jsonl" if out else None
        self.seed = seed
        self.on_progress = on_progress
        self.known: dict[tuple[str, str, int], Row] = {}
        if self.path and self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self.known[row["table"], row["id"], row["seed"]] = row

    def of(self, table: str, given: Sequence[Puzzle], solve: Callable[[Puzzle, int], Row]) -> list[Row]:
        """The rows of one table; ``solve`` gets the puzzle and a seed of its own."""
        rows = []
        for done, puzzle in enumerate(given, start=1):
            key = (table, puzzle.id, self.seed)
            if key not in self.known:
                own = int(np.random.default_rng([self.seed, *puzzle.id.encode()]).integers(2**31))
                self.known[key] = {
                    "table": table,
                    "id": puzzle.id,
                    "seed": self.seed,
                    **solve(puzzle, own),
                }
                if self.path:
                    with self.path.open("a", encoding="utf-8") as stream:
                        stream.write(json.dumps(self.known[key]) + "\n")
            rows.append(self.known[key])
            if self.on_progress:
                self.on_progress(table, done, len(given))
        return rows
