"""`alphacrystal benchmark table4`: the paper's Table 4, ours beside AlphaCrystal-I and -II as printed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alphacrystal.errors import InputError
from alphacrystal_bench.cost.methods import (
    OURS,
    RELAXED_TRUTH,
    TRUE_CELL,
    MethodSettings,
    Row,
    method_rows,
    row_facts,
)
from alphacrystal_bench.harness.progress import Progress, silent
from alphacrystal_bench.harness.run_facts import run_facts
from alphacrystal_bench.harness.sampling import drawn
from alphacrystal_bench.paper_tables.list_scores import RANDOM_ORIGIN, best_of, list_scores
from alphacrystal_bench.paper_tables.paper_compounds import PaperCompound
from alphacrystal_bench.paper_tables.table3 import STANDARD, add_standard_rows, match_place

TABLE4_METHODS = (OURS, TRUE_CELL, RELAXED_TRUTH)
COMPARED = (*TABLE4_METHODS, *STANDARD.values())
SCORED = (*COMPARED, RANDOM_ORIGIN)
ENERGY = "energy_eV"
#: Column of the paper, our metric, its invariant form.
COLUMNS = (
    (ENERGY, "energy_distance", "energy_distance_per_atom"),
    ("sinkhorn_A", "sinkhorn_dist", "sinkhorn_invariant"),
    ("superpose_A", "superpose_rmsd", "superpose_invariant"),
    ("fingerprint", "fingerprint", "fingerprint_by_element"),
    ("ofm", "ofm_dist", "ofm_dist"),
)
SYSTEM = "AlphaCrystal-II"
GOAL = 7  # of 8
FIRST, FEW, BEST = "top-1", "top-5", "top-20"
CONTROLS = 5  # random crystals that are measured


def benchmark_table4(
    compounds: Sequence[PaperCompound],
    settings: MethodSettings,
    out: Path,
    *,
    limit: int | None = None,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Predict the eight cells and measure them as the paper does; finished parts are kept in ``out``.

    As in the paper the cell content is given, the first twenty structures are looked at, and each metric is
    minimised over them for itself; the value of the first structure stands beside.

    Args:
        compounds: Of `read_table4`.
        settings: Of the methods.
        out: Folder of the rows and the run folders.
        limit: Compounds drawn at random; all if None.
        on_progress: Called with (stage, done, total).

    Raises:
        InputError: There are no compounds, or the folder holds a run with other settings.
    """
    if not compounds:
        raise InputError("There are no compounds to predict.")
    facts = run_facts(settings.seed)
    begun = time.monotonic()
    tell = on_progress or silent
    compounds = drawn(compounds, limit, settings.seed)
    known = [own.compound for own in compounds]
    cells = {own.compound.id: own.cell for own in compounds}
    rows = method_rows(TABLE4_METHODS, known, settings, out, tell, cells)
    add_standard_rows(rows, known)
    names = [metric for _, metric, _ in COLUMNS if settings.relax or metric != "energy_distance"]
    scores = list_scores(
        names,
        known,
        rows,
        COMPARED,
        out,
        settings.seed,
        tell,
        potential=settings.potential,
        most={TRUE_CELL: CONTROLS, STANDARD[TRUE_CELL]: CONTROLS, RANDOM_ORIGIN: 1},
        only_matches=True,
    )
    lines = [_line(own, rows, scores) for own in compounds]
    return {
        "n": len(lines),
        "better_than_paper": _better(lines),
        "better_than_paper, invariant": _better(lines, invariant=True),
        "goal": GOAL,
        "matched": {
            f"top-{top}": sum(
                line["match_place"] is not None and line["match_place"] <= top for line in lines
            )
            for top in (1, 10, 20)
        },
        **facts,
        **row_facts(rows),
        **settings.noted(),
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "compounds": lines,
    }


def _line(
    own: PaperCompound, rows: Mapping[tuple[str, str], Row], scores: Mapping[tuple[str, str], list[Row]]
) -> Row:
    identifier = own.compound.id
    ours = rows[OURS, identifier]
    metrics = dict.fromkeys(name for _, *pair in COLUMNS for name in pair)
    return {
        "id": identifier,
        "cell": own.cell,
        "reason": own.reason,
        "others": list(own.others),
        "printed": {system: dict(values) for system, values in own.printed.items()},
        "match_place": match_place(ours),
        "refused": ours["refused"],
        "cpu_seconds": ours["cpu_seconds"],
        "evaluations": ours["evaluations"],
        "methods": {
            method: {name: best_of(scores[method, identifier], name, (1, CONTROLS, 20)) for name in metrics}
            for method in SCORED
        },
    }


def _better(lines: Sequence[Row], *, invariant: bool = False) -> dict[str, dict[str, dict[str, int | None]]]:
    """Compounds whose value is below the one printed for AlphaCrystal-II, by method, column and k.

    With ``invariant`` the value is that of the invariant form; None for the energy, whose form is per atom.
    """
    return {
        method: {
            column: {
                top: None
                if invariant and column == ENERGY
                else sum(
                    line["methods"][method][metric][top] is not None
                    and line["methods"][method][metric][top] < line["printed"][SYSTEM][column]
                    for line in lines
                )
                for top in (FIRST, FEW, BEST)
            }
            for column, *pair in COLUMNS
            for metric in [pair[invariant]]
        }
        for method in SCORED
    }
