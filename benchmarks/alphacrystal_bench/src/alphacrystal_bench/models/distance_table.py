"""Errors of predicted distance matrices, with controls from the distances of other structures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.training import length_order, sorted_rmse
from alphacrystal.typing import BoolArray, Float32Array, FloatArray, IntArray
from alphacrystal_bench.paper_tables.matrix_controls import ElementPairLookup


def pair_lookup(data: PreparedStructures, rows: IntArray) -> ElementPairLookup:
    """Mean distances of element pairs over the structures of ``rows``."""
    size = int(data.sizes[rows].max())
    numbers = np.zeros((len(rows), size), dtype=np.int64)
    matrices = np.zeros((len(rows), size, size))
    for index, row in enumerate(rows):
        atoms = int(data.sizes[row])
        numbers[index, :atoms] = data.numbers[data.atoms(int(row))]
        matrices[index, :atoms, :atoms] = data.matrix(int(row))
    return ElementPairLookup(numbers, matrices)


def mean_distance(data: PreparedStructures, rows: IntArray) -> float:
    """Mean distance in Å over all pairs of some structures."""
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


def control_errors(
    data: PreparedStructures, train: IntArray, rows: IntArray
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """RMSE (Å) of each cell over its pairs, by control, shape (rows,) each.

    Lookup and constant use the structures of ``train``. The oracle predicts the mean matrix of all entries of
    ``rows`` with the same formula and cell size: no prediction from the cell content alone can have a smaller
    error for polymorphs.

    Returns:
        Errors with the atoms in canonical order, and errors that do not depend on the order of equal atoms
        (``sorted_rmse``).
    """
    lookup, constant = pair_lookup(data, train), mean_distance(data, train)
    polymorphs, lengths = polymorph_means(data, rows), polymorph_means(data, rows, unordered=True)
    errors = np.zeros((2, len(rows), 3))
    for index, row in enumerate(rows):
        true = data.distances[data.pairs(row)].astype(float)
        numbers = data.numbers[data.atoms(int(row))]
        key = str(data.formulas[row]), int(data.sizes[row])
        predictions = (
            lookup.predict(numbers[None])[0][np.triu_indices(len(numbers), 1)],
            np.full(len(true), constant),
        )
        sorted_true = true[length_order(numbers, true)]
        errors[0, index] = [_error(answer, true) for answer in (*predictions, polymorphs[key])]
        errors[1, index] = [
            *(sorted_rmse(numbers, answer, true) for answer in predictions),
            _error(lengths[key], sorted_true),
        ]
    names = ("pair_lookup", "constant", "oracle_polymorph_mean")
    ordered, unordered = (dict(zip(names, table.T, strict=True)) for table in errors)
    return ordered, unordered


def _error(answer: FloatArray, true: FloatArray) -> float:
    return float(np.sqrt(np.mean((answer - true) ** 2)))


def distance_table(errors: Mapping[str, FloatArray], subsets: Mapping[str, BoolArray]) -> dict[str, Any]:
    """Mean RMSE (Å) over the cells of each subset.

    Args:
        errors: RMSE of each cell by predictor, shape (n,) each.
        subsets: Masks by name, shape (n,) each.
    """
    return {
        subset: {
            "n": int(mask.sum()),
            **{name: round(float(values[mask].mean()), 4) for name, values in errors.items()},
        }
        for subset, mask in subsets.items()
        if mask.any()
    }
