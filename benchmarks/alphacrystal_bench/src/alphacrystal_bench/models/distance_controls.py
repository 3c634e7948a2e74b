"""Distances that other structures suggest for the validation entries, and what polymorphs leave open."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.training import length_order
from alphacrystal.typing import Float32Array, FloatArray, IntArray
from alphacrystal_bench.paper_tables.matrix_controls import ElementPairLookup


def pair_lookup(data: PreparedStructures, rows: IntArray) -> ElementPairLookup:
    """Mean distances of element pairs over the structures of ``rows``."""
    size = int(data.sizes[rows].max())
    numbers = np.zeros((len(rows), size), dtype=np.int64)
    matrices = np.zeros((len(rows), size, size))
    for place, row in enumerate(rows):
        own = int(data.sizes[row])
        numbers[place, :own] = data.numbers[data.atoms(int(row))]
        matrices[place, :own, :own] = data.matrix(int(row))
    return ElementPairLookup(numbers, matrices)


def mean_distance(data: PreparedStructures, rows: IntArray) -> float:
    """Mean over all pairs of these structures in Å."""
    chosen = np.repeat(np.isin(np.arange(len(data)), rows), np.diff(data.pair_offsets))
    return float(data.distances[chosen].mean(dtype=np.float64))


def polymorph_means(
    data: PreparedStructures, rows: IntArray, *, unordered: bool = False
) -> dict[tuple[str, int], FloatArray]:
    """Mean distances (Å) over all entries of the same formula and cell size.

    Pairs i < j row by row; with ``unordered`` in the order of ``length_order`` of each entry.
    """
    groups: dict[tuple[str, int], list[Float32Array]] = defaultdict(list)
    for row in rows:
        pairs = data.distances[data.pairs(row)]
        if unordered:
            pairs = pairs[length_order(data.numbers[data.atoms(int(row))], pairs.astype(float))]
        groups[str(data.formulas[row]), int(data.sizes[row])].append(pairs)
    return {key: np.mean(group, axis=0, dtype=np.float64) for key, group in groups.items()}
