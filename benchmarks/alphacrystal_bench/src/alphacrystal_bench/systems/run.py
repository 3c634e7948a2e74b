"""Explore chemical systems, and compare their hulls with the experimental phases."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from alphacrystal.data import read_records
from alphacrystal.errors import InputError
from alphacrystal.exploration import Exploration, explore
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.facts import commit_of
from alphacrystal_bench.harness.pages import fact_line, markdown_table, percent
from alphacrystal_bench.harness.registry import Result
from alphacrystal_bench.harness.rows import Rows, check_settings
from alphacrystal_bench.systems.choice import MAX_ATOMS, MIN_PHASES, KnownSystem, known_systems
from alphacrystal_bench.systems.comparison import (
    FALSE_PHASE,
    NEAR,
    TRUE_PHASE,
    compared,
    explored_phases,
    relaxed_experiment,
)

ABOUT = f"""\
Systems with at least {MIN_PHASES} experimental compounds of up to {MAX_ATOMS} atoms, drawn at random. The
experimental structures are relaxed with the same potential. An experimental phase counts as known if it is
within {1000 * TRUE_PHASE:.0f} meV/atom of the joint hull of experimental and predicted phases. It is found if
a predicted phase is within the distance from the explored hull, with the same formula, or also with the same
structure (StructureMatcher, 0.2, 0.3, 5°). A false phase is on the explored hull and more than
{1000 * FALSE_PHASE:.0f} meV/atom above the joint hull. A new phase is on both hulls and has no experimental
entry. The table of known phases is not used.

Most of these formulas are in the training data of the networks, and the network of the existence knows them
as compounds; *held out* are those of the validation split. The shares of the others are those of seen
compounds.
In the second table, a known phase is bold if its structure was found within {1000 * NEAR[-1]:.0f} meV/atom.
"""


def benchmark_explore(
    data: Path,
    folder: Path,
    on_progress: Progress,
    *,
    budgets: Mapping[int, int],
    limit: int | None,
    generators: tuple[str, ...],
    workers: int,
    seed: int,
    earlier: Path | None = None,
) -> Result:
    """Explore the systems one by one; finished ones are kept in ``folder``.

    Args:
        data: Records.
        folder: Output folder.
        on_progress: Called with (stage, done, total).
        budgets: Formulas of each system by its number of elements.
        limit: Number of systems of each number of elements; all of them if None.
        generators: Generators of the predictions.
        workers: Worker processes.
        seed: Of the choice of systems and of the predictions.
        earlier: Result of an earlier run with the same settings, whose systems are not explored again.

    Raises:
        InputError: The earlier result is unreadable or has other settings.
    """
    settings = _settings(budgets, generators, seed)
    check_settings(folder, settings)
    systems = _alternating(known_systems(read_records(data), seed), limit)
    rows = Rows(folder / "rows.jsonl")
    for row in _earlier_rows(earlier, settings) if earlier else ():
        if row["id"] not in rows:
            rows.add(row["id"], row)
    left = [system for system in systems if system.name not in rows]
    finished = len(systems) - len(left)
    for done, system in enumerate(left, start=finished):
        on_progress("systems", done, len(systems))
        rows.add(system.name, _row(system, folder, budgets, generators, workers, seed))
    on_progress("systems", len(systems), len(systems))
    return summarised([rows[system.name] for system in systems], settings)


def _settings(budgets: Mapping[int, int], generators: Sequence[str], seed: int) -> dict[str, Any]:
    budget = {str(size): count for size, count in budgets.items()}
    return {"budget": budget, "generators": list(generators), "seed": seed}


def _alternating(systems: Sequence[KnownSystem], limit: int | None) -> list[KnownSystem]:
    """The first systems of each number of elements in turn, so that a stopped run has some of each."""
    by_size: dict[int, list[KnownSystem]] = {}
    for system in systems:
        by_size.setdefault(system.name.count("-"), []).append(system)
    turns = zip_longest(*(members[:limit] for members in by_size.values()))
    return [system for turn in turns for system in turn if system is not None]


def _earlier_rows(file: Path, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
        rows, found = list(result["rows"]), {key: result[key] for key in settings}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} cannot be read as a result of `benchmark explore`: {error}.") from error
    if found != settings:
        raise InputError(f"{file} has other settings ({found}): continue it with these.")
    return rows


def _row(
    system: KnownSystem,
    folder: Path,
    budgets: Mapping[int, int],
    generators: tuple[str, ...],
    workers: int,
    seed: int,
) -> dict[str, Any]:
    budget = budgets[system.name.count("-") + 1]
    place = folder / "systems" / system.name
    result, cost = explored_system(system, place, budget, generators, workers, seed)
    return {
        "id": system.name,
        "commit": commit_of(Path(__file__)),
        "formulas": result.predicted,
        **cost,
        **compared(explored_phases(result), relaxed_experiment(system)),
    }


def explored_system(
    system: KnownSystem, folder: Path, budget: int, generators: tuple[str, ...], workers: int, seed: int
) -> tuple[Exploration, dict[str, float]]:
    """Explore a system without the table of known phases; the result and its cost in s."""
    begun, before = time.monotonic(), _processor_seconds()
    result = explore(
        system.name,
        budget=f"{budget}formulas",
        folder=folder,
        workers=workers,
        known_phases=False,
        generators=generators,
        seed=seed,
        page=False,
    )
    return result, {
        "seconds": round(time.monotonic() - begun, 1),
        "processor_seconds": round(_processor_seconds() - before, 1),
    }


def _processor_seconds() -> float:
    """Processor time of this process and of its ended worker processes, in s."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def summarised(rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> Result:
    """The result of the rows of all systems."""
    groups = {2: "binary", 3: "ternary"}
    return {
        **settings,
        "systems": len(rows),
        "groups": {
            name: _scores([row for row in rows if row["id"].count("-") + 1 == size])
            for size, name in groups.items()
            if any(row["id"].count("-") + 1 == size for row in rows)
        },
        "rows": [dict(row) for row in rows],
    }


def _scores(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    phases = [phase for row in rows for phase in row["known"]]
    if not phases:
        return {"systems": len(rows), "known_phases": 0}

    def share(key: str, limit: float, among: Sequence[Mapping[str, Any]] = phases) -> float:
        return float(np.mean([phase[key] is not None and phase[key] <= limit for phase in among]))

    held_out = [phase for phase in phases if not phase["in_training"]]
    return {
        "systems": len(rows),
        "known_phases": len(phases),
        "in_training": float(np.mean([phase["in_training"] for phase in phases])),
        **{f"formula_within_{int(1000 * near)}": share("above_hull", near) for near in NEAR},
        **{f"structure_within_{int(1000 * near)}": share("matched_above_hull", near) for near in NEAR},
        "held_out_phases": len(held_out),
        "held_out_structure_within_50": share("matched_above_hull", NEAR[-1], held_out) if held_out else None,
        "false_phases": sum(len(row["false"]) for row in rows),
        "new_phases": sum(len(row["new"]) for row in rows),
        "mean_hull_error": float(np.mean([phase["hull_error"] for phase in phases])),
        "processor_seconds": float(np.mean([row["processor_seconds"] for row in rows])),
    }


def _found(phase: Mapping[str, Any]) -> str:
    """Formula of a known phase, with a mark for how it was found."""
    if phase["matched_above_hull"] is not None and phase["matched_above_hull"] <= NEAR[-1]:
        return f"**{phase['formula']}**"
    return f"{phase['formula']} ({'other structure' if phase['explored'] else 'not predicted'})"


def render(result: Result) -> str:
    """The Markdown page of a result."""
    header = (
        "systems",
        "known phases",
        "held out",
        "formula within 30 meV",
        "structure within 30 meV",
        "structure within 50 meV",
        "… of those held out",
        "false phases",
        "new phases",
        "hull error, meV/atom",
        "processor s per system",
    )
    table = [
        [
            f"{scores['systems']} {name}",
            scores["known_phases"],
            scores["held_out_phases"],
            percent(scores["formula_within_30"]),
            percent(scores["structure_within_30"]),
            percent(scores["structure_within_50"]),
            "–" if not scores["held_out_phases"] else percent(scores["held_out_structure_within_50"]),
            scores["false_phases"],
            scores["new_phases"],
            f"{1000 * scores['mean_hull_error']:.1f}",
            f"{scores['processor_seconds']:.0f}",
        ]
        for name, scores in result["groups"].items()
        if scores["known_phases"]
    ]
    systems = [
        [
            row["id"],
            row["formulas"],
            ", ".join(_found(phase) for phase in row["known"]),
            ", ".join(row["on_hull"]),
            ", ".join(row["false"]) or "none",
        ]
        for row in result["rows"]
    ]
    budget, commits = result["budget"], sorted({row["commit"] for row in result["rows"]})
    details = (
        f", at most {budget['2']} formulas of a binary and {budget['3']} of a ternary system, "
        f"generators {', '.join(result['generators'])}, systems explored at {', '.join(commits)}"
    )
    lines = [
        "# Exploration of chemical systems",
        "",
        fact_line("explore", result, details=details),
        "",
        ABOUT,
        *markdown_table(header, table),
        "",
        *markdown_table(("system", "formulas", "known phases", "explored hull", "false phases"), systems),
    ]
    return "\n".join(lines) + "\n"
