"""Superpose distances of lists of structures, as printed in the paper and in the invariant form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Structure

from alphacrystal.evaluation import (
    METRICS,
    MetricValue,
    NotComparableError,
    compare_many,
    match_pair,
    sinkhorn_distance,
    superpose_rmsd,
)
from alphacrystal.typing import Progress
from alphacrystal_bench.cspbench.compounds import Compound
from alphacrystal_bench.harness.rows import Rows
from alphacrystal_bench.paper_tables.paper_compounds import structure_of

Row = dict[str, Any]
Best = dict[str, float | None]

TOPS = (1, 10, 20)
RANDOM_ORIGIN = "random_origin"
PRINTED, INVARIANT = "superpose_rmsd", "superpose_invariant"
POINT_METRICS = {PRINTED: superpose_rmsd, "sinkhorn_dist": sinkhorn_distance}
TIME_LIMIT_S = 60.0  # per pair


def same_with_random_origins(structure: Structure, count: int, seed: int) -> list[Structure]:
    """Copies of a crystal with random origins, for which the value of a metric is an error of the metric."""
    random = np.random.default_rng(seed)
    copies = []
    for shift in random.random((count, 3)):
        moved = structure.copy()
        moved.translate_sites(list(range(len(moved))), shift.tolist(), to_unit_cell=True)
        copies.append(moved)
    return copies


def list_scores(
    metrics: Sequence[str],
    compounds: Sequence[Compound],
    rows: Mapping[tuple[str, str], Row],
    methods: Sequence[str],
    out: Path,
    seed: int,
    on_progress: Progress,
    *,
    potential: str = "chgnet",
    max_structures: Mapping[str, int] | None = None,
    only_matches: bool = False,
) -> dict[tuple[str, str], list[Row]]:
    """Metrics of the structures of every row, and of the known crystal with random origins.

    Structures whose cell has another number of atoms than the known one get no value, because the metrics of
    the paper compare cells of one size; they keep their rank in the list. Each row says whether its
    structure is the known crystal (``match``), because a small distance between bare points does not imply
    it.

    Args:
        metrics: Names; their invariant forms are computed too.
        compounds: Known structures, in their stored cells.
        rows: Rows of `method_rows`.
        methods: Methods whose rows are compared.
        out: Folder of the finished scores.
        seed: Seed of the random origins.
        on_progress: Called with (stage, done, total).
        potential: Potential of energy distances.
        max_structures: By method, the number of structures for which slow metrics are computed; all of them
            by default.
        only_matches: Compute the invariant forms of point metrics only for structures that match the known
            one.

    Returns:
        By (method, compound id) one row of values per structure, None for undefined values.
    """
    finished = Rows(out / "scores.jsonl")
    scores: dict[tuple[str, str], list[Row]] = {}
    for done, compound in enumerate(compounds):
        on_progress("compare", done, len(compounds))
        lists = {
            method: [structure_of(item) for item in rows[method, compound.id]["structures"]]
            for method in methods
        }
        lists[RANDOM_ORIGIN] = same_with_random_origins(compound.structure, max(TOPS), seed)
        known = finished.get(compound.id) or {}
        waiting = {method: structures for method, structures in lists.items() if method not in known}
        if waiting:
            values = _compared(
                metrics, compound, waiting, max_structures or {}, potential, only_matches=only_matches
            )
            finished.add(compound.id, {"id": compound.id, **known, **values})
        for method in lists:
            scores[method, compound.id] = finished[compound.id][method]
    on_progress("compare", len(compounds), len(compounds))
    return scores


def _compared(
    metrics: Sequence[str],
    compound: Compound,
    lists: Mapping[str, Sequence[Structure]],
    max_structures: Mapping[str, int],
    potential: str,
    *,
    only_matches: bool,
) -> dict[str, list[Row]]:
    size = len(compound.structure)
    scores: dict[str, list[Row]] = {method: [{} for _ in structures] for method, structures in lists.items()}
    slow: list[tuple[str, int]] = []
    superposed: list[tuple[str, int]] = []  # superposed on the known crystal, for the invariant forms
    for method, structures in lists.items():
        for index, structure in enumerate(structures):
            if len(structure) != size:
                continue
            scores[method][index] = _point_metrics(metrics, compound.structure, structure)
            if index < max_structures.get(method, len(structures)):
                slow.append((method, index))
            match = bool(match_pair(structure, compound.structure).matched)
            scores[method][index]["match"] = match
            if (match or not only_matches) and (method != RANDOM_ORIGIN or index == 0):
                superposed.append((method, index))
    others = [name for name in metrics if name not in POINT_METRICS]
    forms = [METRICS[name].invariant or name for name in metrics if name in POINT_METRICS]
    for names, chosen in ((others, slow), (forms, superposed)):
        if not names or not chosen:
            continue
        pairs = [(lists[method][index], compound.structure) for method, index in chosen]
        values = compare_many(pairs, names, potential=potential, time_limit_s=TIME_LIMIT_S)
        for (method, index), measured in zip(chosen, values, strict=True):
            scores[method][index] |= {name: _plain(value) for name, value in measured.items()}
    return scores


def _point_metrics(metrics: Sequence[str], known: Structure, structure: Structure) -> Row:
    """Metrics that compare the atoms of both cells as points without elements."""
    row: Row = {}
    for name in metrics:
        if name in POINT_METRICS:
            try:
                row[name] = round(float(POINT_METRICS[name](known.cart_coords, structure.cart_coords)), 6)
            except NotComparableError:
                row[name] = None
    return row


def _plain(measured: MetricValue) -> float | None:
    return None if measured.value is None else round(measured.value, 6)


def best_of(scores: Sequence[Row], name: str, tops: Sequence[int] = TOPS, *, matches: bool = False) -> Best:
    """The least value of a metric among the first k, for each k; None if there is no value.

    With ``matches``, only structures that match the known crystal count.
    """
    values = [row.get(name) if row.get("match") or not matches else None for row in scores]
    return {
        f"top_{top}": min((value for value in values[:top] if value is not None), default=None)
        for top in tops
    }
