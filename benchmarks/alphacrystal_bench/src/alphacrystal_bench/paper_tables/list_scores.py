"""Superpose distances of lists of structures, as printed in the paper and in the invariant form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Structure

from alphacrystal.evaluate import (
    METRICS,
    MetricValue,
    NotComparableError,
    compare_many,
    match_pair,
    sinkhorn_distance,
    superpose_rmsd,
)
from alphacrystal_bench.cspbench.compounds import Compound
from alphacrystal_bench.harness.progress import Progress
from alphacrystal_bench.harness.resumable_rows import append_row, read_rows
from alphacrystal_bench.paper_tables.paper_compounds import structure_of

Row = dict[str, Any]
Best = dict[str, float | None]

TOPS = (1, 10, 20)
RANDOM_ORIGIN = "random_origin"
PRINTED, INVARIANT = "superpose_rmsd", "superpose_invariant"
POINT_METRICS = {PRINTED: superpose_rmsd, "sinkhorn_dist": sinkhorn_distance}
TIME_LIMIT_S = 60.0  # per pair


def same_with_random_origins(structure: Structure, count: int, seed: int) -> list[Structure]:
    """The crystal itself, its origin moved: what a metric gives it is the metric's own error."""
    random = np.random.default_rng(seed)
    found = []
    for shift in random.random((count, 3)):
        moved = structure.copy()
        moved.translate_sites(list(range(len(moved))), shift.tolist(), to_unit_cell=True)
        found.append(moved)
    return found


def list_scores(
    metrics: Sequence[str],
    compounds: Sequence[Compound],
    rows: Mapping[tuple[str, str], Row],
    methods: Sequence[str],
    out: Path,
    seed: int,
    tell: Progress,
    *,
    potential: str = "chgnet",
    most: Mapping[str, int] | None = None,
    only_matches: bool = False,
) -> dict[tuple[str, str], list[Row]]:
    """Metrics of the structures of every row, and of the known crystal with random origins.

    Structures whose cell holds another number of atoms than the known one get no value, for the paper's
    metrics compare cells of one size; they keep their place in the list. Each row says whether its structure
    is the known crystal (``match``), for a small distance of bare points does not mean that.

    Args:
        metrics: Names; the invariant forms come with them.
        compounds: Known structures, as they are stored.
        rows: Of `method_rows`.
        methods: Whose rows are compared.
        out: Folder of the finished scores.
        seed: Of the random origins.
        tell: Called with (stage, done, total).
        potential: For energy distances.
        most: How many structures of a method get the metrics that take long; all where it does not say.
        only_matches: The invariant forms of the metrics of bare points are worked out for structures that
            match the known one alone.

    Returns:
        By (method, compound id) one row of values per structure, None where there is none.
    """
    file = out / "scores.jsonl"
    kept = read_rows(file)
    found: dict[tuple[str, str], list[Row]] = {}
    for done, compound in enumerate(compounds):
        tell("compare", done, len(compounds))
        lists = {
            method: [structure_of(item) for item in rows[method, compound.id]["structures"]]
            for method in methods
        }
        lists[RANDOM_ORIGIN] = same_with_random_origins(compound.structure, max(TOPS), seed)
        known = kept.get(compound.id, {})
        waiting = {method: own for method, own in lists.items() if method not in known}
        if waiting:
            values = _compared(metrics, compound, waiting, most or {}, potential, only_matches=only_matches)
            kept[compound.id] = {"id": compound.id, **known, **values}
            append_row(file, kept[compound.id])
        for method in lists:
            found[method, compound.id] = kept[compound.id][method]
    tell("compare", len(compounds), len(compounds))
    return found


def _compared(
    metrics: Sequence[str],
    compound: Compound,
    lists: Mapping[str, Sequence[Structure]],
    most: Mapping[str, int],
    potential: str,
    *,
    only_matches: bool,
) -> dict[str, list[Row]]:
    size = len(compound.structure)
    found: dict[str, list[Row]] = {method: [{} for _ in own] for method, own in lists.items()}
    costly: list[tuple[str, int]] = []
    laid: list[tuple[str, int]] = []  # to be laid on the known crystal, whatever the origin
    for method, structures in lists.items():
        for place, structure in enumerate(structures):
            if len(structure) != size:
                continue
            found[method][place] = _point_metrics(metrics, compound.structure, structure)
            if place < most.get(method, len(structures)):
                costly.append((method, place))
            match = bool(match_pair(structure, compound.structure).matched)
            found[method][place]["match"] = match
            if (match or not only_matches) and (method != RANDOM_ORIGIN or place == 0):
                laid.append((method, place))
    others = [name for name in metrics if name not in POINT_METRICS]
    forms = [METRICS[name].invariant or name for name in metrics if name in POINT_METRICS]
    for names, places in ((others, costly), (forms, laid)):
        if not names or not places:
            continue
        pairs = [(lists[method][place], compound.structure) for method, place in places]
        values = compare_many(pairs, names, potential=potential, time_limit_s=TIME_LIMIT_S)
        for (method, place), measured in zip(places, values, strict=True):
            found[method][place] |= {name: _plain(value) for name, value in measured.items()}
    return found


def _point_metrics(metrics: Sequence[str], known: Structure, structure: Structure) -> Row:
    """Metrics of the atoms of both cells as bare points."""
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
    """The least value of a metric among the first k, for each k; None where there is none.

    ``matches``: of structures that are the known crystal alone.
    """
    values = [row.get(name) if row.get("match") or not matches else None for row in scores]
    return {
        f"top-{top}": min((value for value in values[:top] if value is not None), default=None)
        for top in tops
    }
