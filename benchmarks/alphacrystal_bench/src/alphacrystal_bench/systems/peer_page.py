"""The page of the comparison of explorations with CrySPY."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from alphacrystal_bench.harness.pages import fact_line, markdown_table
from alphacrystal_bench.harness.registry import Result
from alphacrystal_bench.systems.comparison import NEAR, TRUE_PHASE
from alphacrystal_bench.systems.cryspy import MAX_ATOMS
from alphacrystal_bench.systems.cryspy_process import MAX_FORCE, MAX_STEPS, OPTIMIZER
from alphacrystal_bench.systems.peer import is_found

PROGRAMS = {"exploration": "AlphaCrystal", "cryspy": "CrySPY"}

ABOUT = f"""\
Both programs search the same binary systems with the potential CHGNet 0.3.0 on one processor core.

- AlphaCrystal: `alphacrystal benchmark explore` with the given number of formulas and one worker.
- CrySPY: the evolutionary algorithm of variable composition (`EA-vc`) with the settings of its tutorial, up
  to {MAX_ATOMS} atoms of each element in a cell (its tutorial has cells of up to 24 atoms), and the same
  energies of the elements. Its interactive interface relaxes with CHGNet's calculator and ASE ({OPTIMIZER},
  Frechet cell filter, symmetry kept, {MAX_FORCE} eV/Å, at most {MAX_STEPS} steps). It ends with as many
  relaxations as the exploration, or with its limit of processor time; the table has the generation that it
  reached, of which the first is random.

Both results are compared with the experimental phases by the same rules as in `benchmark explore`. The known
phases are those within {1000 * TRUE_PHASE:.0f} meV/atom of the joint hull of experiment and both programs. A
phase is found if its structure is within {1000 * NEAR[-1]:.0f} meV/atom of the hull of the program. *Hull
error*: mean energy of that hull above the joint hull at the known phases.

The comparison is of whole programs. The networks of AlphaCrystal were trained on known crystals, and most of
these phases are among them; CrySPY uses no known crystals. AlphaCrystal relaxes with its implementation of
CHGNet, which computes several structures at once.
"""

TIMES = (
    "Processor time until each program had its first, second and further known phases. The time of the "
    "exploration is divided among its formulas in proportion to their wall time."
)


def render(result: Result) -> str:
    """The Markdown page of a result."""
    rows: Sequence[Mapping[str, Any]] = result["rows"]
    header = (
        "system",
        "program",
        "known phases found",
        "formulas",
        "relaxations",
        "steps per relaxation",
        "hull error, meV/atom",
        "processor s",
        "s per relaxation",
    )
    details = (
        f", {result['budget']} formulas of each exploration, at most {result['peer_seconds']:g} s of "
        "processor time of each search by CrySPY, systems searched at "
        f"{', '.join(sorted({row['commit'] for row in rows}))}"
    )
    lines = [
        "# Explorations compared with CrySPY",
        "",
        fact_line("explore-peer", result, details=details),
        "",
        ABOUT,
        *markdown_table(header, [line for row in rows for line in _cost_lines(row)]),
        "",
        _totals(result),
        "",
        TIMES,
        "",
        *markdown_table(
            ("system", "phases", "AlphaCrystal, s", "CrySPY, s", "CrySPY / AlphaCrystal"),
            [line for row in rows for line in _recall_lines(row)],
        ),
        "",
        *markdown_table(
            ("system", "known phases (atoms in the cell)", "AlphaCrystal", "CrySPY"), map(_phases, rows)
        ),
    ]
    return "\n".join(lines) + "\n"


def _cost_lines(row: Mapping[str, Any]) -> Iterator[list[object]]:
    for key, name in PROGRAMS.items():
        part = row[key]
        errors = [phase["hull_error"] for phase in part["known"]]
        count = part["relaxations"]
        limited = "stopped" in part and part["stopped"] != "relaxations"
        yield [
            row["id"],
            f"{name}, generation {part['generations']}" if "generations" in part else name,
            f"{sum(map(is_found, part['known']))} of {len(errors)}",
            part["formulas"],
            f"{count} ({part['stopped']})" if limited else count,
            f"{part['steps'] / count:.0f}",
            f"{1000 * sum(errors) / len(errors):.0f}" if errors else "–",
            f"{part['processor_seconds']:.0f}",
            f"{part['processor_seconds'] / count:.2f}",
        ]


def _totals(result: Result) -> str:
    ours, theirs = (result["totals"][key] for key in PROGRAMS)
    share = f"of {ours['known_phases']} known phases"
    ratio = theirs["processor_seconds"] / ours["processor_seconds"]
    each = ratio * ours["relaxations"] / theirs["relaxations"]
    return (
        f"In all, AlphaCrystal found {ours['structure_within_50']} {share} in "
        f"{ours['processor_seconds']:.0f} s ({ours['relaxations']} relaxations), CrySPY "
        f"{theirs['structure_within_50']} in {theirs['processor_seconds']:.0f} s ({theirs['relaxations']} "
        f"relaxations): {ratio:.1f} times the processor time, and {each:.1f} times for each relaxation. "
        f"{theirs['reachable']} of the phases fit into CrySPY's cells."
    )


def _recall_lines(row: Mapping[str, Any]) -> Iterator[list[object]]:
    """One line for each number of phases that a program found."""
    ours, theirs = (
        sorted(phase["found_after"] for phase in row[key]["known"] if is_found(phase)) for key in PROGRAMS
    )
    for count, (first, second) in enumerate(zip_longest(ours, theirs), start=1):
        both = first is not None and second is not None
        ratio = f"{second / first:.1f}" if both else "–"
        if second is None:
            ratio = f"over {row['cryspy']['processor_seconds'] / first:.1f}"
        yield [
            row["id"],
            count,
            "not reached" if first is None else f"{first:.0f}",
            f"not in {row['cryspy']['processor_seconds']:.0f}" if second is None else f"{second:.0f}",
            ratio,
        ]


def _phases(row: Mapping[str, Any]) -> list[str]:
    known = row["exploration"]["known"]
    found = (
        ", ".join(phase["formula"] for phase in row[key]["known"] if is_found(phase)) or "none"
        for key in PROGRAMS
    )
    return [row["id"], ", ".join(f"{phase['formula']} ({phase['atoms']})" for phase in known), *found]
