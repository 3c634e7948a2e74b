"""The paper's Table 4: our predictions, the published values of AlphaCrystal-I and -II, and controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alphacrystal.errors import InputError
from alphacrystal.typing import Progress
from alphacrystal_bench.cost.methods import (
    OURS,
    RELAXED_TRUTH,
    TRUE_CELL,
    MethodSettings,
    Row,
    method_rows,
    row_facts,
)
from alphacrystal_bench.harness.rows import sample
from alphacrystal_bench.paper_tables.list_scores import RANDOM_ORIGIN, best_of, list_scores
from alphacrystal_bench.paper_tables.paper_compounds import PaperCompound
from alphacrystal_bench.paper_tables.table3 import STANDARD, add_standard_rows, match_rank

TABLE4_METHODS = (OURS, TRUE_CELL, RELAXED_TRUTH)
COMPARED = (*TABLE4_METHODS, *STANDARD.values())
SCORED = (*COMPARED, RANDOM_ORIGIN)
ENERGY = "energy_eV"
#: Column of the paper, metric, invariant form of the metric.
COLUMNS = (
    (ENERGY, "energy_distance", "energy_distance_per_atom"),
    ("sinkhorn_A", "sinkhorn_dist", "sinkhorn_invariant"),
    ("superpose_A", "superpose_rmsd", "superpose_invariant"),
    ("fingerprint", "fingerprint", "fingerprint_by_element"),
    ("ofm", "ofm_dist", "ofm_dist"),
)
SYSTEM = "AlphaCrystal-II"
GOAL = 7  # of 8
FIRST, FEW, BEST = "top_1", "top_5", "top_20"
CONTROLS = 5  # random structures that are evaluated


def benchmark_table4(
    compounds: Sequence[PaperCompound],
    settings: MethodSettings,
    out: Path,
    *,
    limit: int | None = None,
    on_progress: Progress = lambda *_: None,
) -> dict[str, Any]:
    """Predict the eight cells and evaluate the paper's metrics; finished parts are kept in ``out``.

    As in the paper, the cell content is given, the first twenty structures are compared, and each metric is
    minimised over them separately; the value of the first structure is reported too.

    Args:
        compounds: Compounds of `read_table4`.
        settings: Settings of the methods.
        out: Folder of the rows and the run folders.
        limit: Number of compounds, drawn at random; all of them if None.
        on_progress: Called with (stage, done, total).

    Raises:
        InputError: There are no compounds, or the folder holds a run with other settings.
    """
    if not compounds:
        raise InputError("There are no compounds to predict.")
    compounds = sample(compounds, limit, settings.seed)
    known = [entry.compound for entry in compounds]
    cells = {entry.compound.id: entry.cell for entry in compounds}
    rows = method_rows(TABLE4_METHODS, known, settings, out, on_progress, cells)
    add_standard_rows(rows, known)
    names = [metric for _, metric, _ in COLUMNS if settings.relax or metric != "energy_distance"]
    scores = list_scores(
        names,
        known,
        rows,
        COMPARED,
        out,
        settings.seed,
        on_progress,
        potential=settings.potential,
        max_structures={TRUE_CELL: CONTROLS, STANDARD[TRUE_CELL]: CONTROLS, RANDOM_ORIGIN: 1},
        only_matches=True,
    )
    lines = [_line(entry, rows, scores) for entry in compounds]
    return {
        "n": len(lines),
        "better_than_paper": _better(lines),
        "better_than_paper_invariant": _better(lines, invariant=True),
        "goal": GOAL,
        "matched": {
            f"top_{top}": sum(line["match_rank"] is not None and line["match_rank"] <= top for line in lines)
            for top in (1, 10, 20)
        },
        **row_facts(rows),
        **settings.fixed(),
        "compounds": lines,
    }


def _line(
    entry: PaperCompound, rows: Mapping[tuple[str, str], Row], scores: Mapping[tuple[str, str], list[Row]]
) -> Row:
    identifier = entry.compound.id
    ours = rows[OURS, identifier]
    metrics = dict.fromkeys(name for _, *pair in COLUMNS for name in pair)
    return {
        "id": identifier,
        "cell": entry.cell,
        "reason": entry.reason,
        "others": list(entry.others),
        "printed": {system: dict(values) for system, values in entry.printed.items()},
        "match_rank": match_rank(ours),
        "refused": ours["refused"],
        "cpu_seconds": ours["cpu_seconds"],
        "evaluations": ours["evaluations"],
        "methods": {
            method: {name: best_of(scores[method, identifier], name, (1, CONTROLS, 20)) for name in metrics}
            for method in SCORED
        },
    }


def _better(lines: Sequence[Row], *, invariant: bool = False) -> dict[str, dict[str, dict[str, int | None]]]:
    """Compounds whose value is below the published one of AlphaCrystal-II, by method, column and k.

    With ``invariant``, the values of the invariant forms; None for the energy, whose form is per atom.
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
