"""Subsets of the validation entries in the tables, reference entries, and the early-stopping split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from alphacrystal.data import PreparedStructures, StructureRecord
from alphacrystal.typing import BoolArray, IntArray

SMALL_CELL, MEDIUM_CELL = 12, 20  # atoms in the primitive cell
NEARLY_STABLE = 0.1  # eV/atom above the hull
UNKNOWN_HULL = 9.0  # eV/atom: sorts last
EARLY_STOPPING_SHARE = 0.05  # of the training formulas


def reference_entries(data: PreparedStructures, rows: IntArray) -> BoolArray:
    """One entry of each formula: experimental first, then lowest above the hull, then smallest cell.

    Returns:
        Mask over ``rows``, shape (rows,).
    """
    hull = np.nan_to_num(data.above_hull[rows], nan=UNKNOWN_HULL)
    order = np.lexsort((data.sizes[rows], hull, data.experimental[rows] != 1, data.formulas[rows]))
    _, first = np.unique(data.formulas[rows][order], return_index=True)
    chosen = np.zeros(len(rows), dtype=bool)
    chosen[order[first]] = True
    return chosen


def reference_records(records: Iterable[StructureRecord]) -> list[StructureRecord]:
    """The reference record of each formula, as in ``reference_entries``, sorted by formula."""
    groups: dict[str, list[StructureRecord]] = defaultdict(list)
    for record in records:
        groups[record.reduced_formula].append(record)

    def key(record: StructureRecord) -> tuple[bool, float, int]:
        hull = UNKNOWN_HULL if record.e_above_hull is None else record.e_above_hull
        return (not record.icsd, hull, len(record.species))

    return [min(group, key=key) for _, group in sorted(groups.items())]


def early_stopping_mask(data: PreparedStructures, rows: IntArray, seed: int) -> BoolArray:
    """The early-stopping split: training structures of a twentieth of the formulas, drawn at random.

    Returns:
        Mask over ``rows``, shape (rows,).
    """
    formulas = data.formulas[rows]
    names = np.unique(formulas)
    count = max(1, round(EARLY_STOPPING_SHARE * len(names)))
    chosen = np.random.default_rng(seed).permutation(names)[:count]
    return np.isin(formulas, chosen)


def subsets(data: PreparedStructures, rows: IntArray) -> dict[str, BoolArray]:
    """Masks over ``rows`` by the name of the subset, shape (rows,) each."""
    experimental = data.experimental[rows] == 1
    small = data.sizes[rows] <= SMALL_CELL
    known = experimental | (data.above_hull[rows] <= NEARLY_STABLE)
    compound = np.array(
        [len(set(data.numbers[data.atoms(int(row))].tolist())) > 1 for row in rows], dtype=bool
    )
    return {
        "all_entries": np.ones(len(rows), dtype=bool),
        "one_entry_per_formula": reference_entries(data, rows),
        "experimental_entries": experimental,
        "experimental_up_to_20_atoms": experimental & (data.sizes[rows] <= MEDIUM_CELL),
        "experimental_up_to_12_atoms": experimental & small,
        "experimental_or_nearly_stable_compounds_up_to_12_atoms": known & small & compound,
    }
