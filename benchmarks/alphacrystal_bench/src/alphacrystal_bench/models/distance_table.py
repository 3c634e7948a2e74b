"""Errors of predicted distance matrices beside those of controls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.training import length_order, sorted_rmse
from alphacrystal.typing import BoolArray, FloatArray, IntArray
from alphacrystal_bench.models.distance_controls import mean_distance, pair_lookup, polymorph_means


def control_errors(
    data: PreparedStructures, train: IntArray, rows: IntArray
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """RMSE (Å) of each cell over its pairs, by control, shape (rows,) each.

    Lookup and constant know the structures of ``train``. The oracle knows every entry of ``rows`` and answers
    the mean matrix of all with the same formula and cell size: no prediction from the cell content alone can
    be better on those with polymorphs.

    Returns:
        In canonical order of the atoms, and where equal atoms have no numbers (``sorted_rmse``).
    """
    lookup, constant = pair_lookup(data, train), mean_distance(data, train)
    polymorphs, lengths = polymorph_means(data, rows), polymorph_means(data, rows, unordered=True)
    errors = np.zeros((2, len(rows), 3))
    for place, row in enumerate(rows):
        true = data.distances[data.pairs(row)].astype(float)
        numbers = data.numbers[data.atoms(int(row))]
        key = str(data.formulas[row]), int(data.sizes[row])
        blind = (
            lookup.predict(numbers[None])[0][np.triu_indices(len(numbers), 1)],
            np.full(len(true), constant),
        )
        sorted_true = true[length_order(numbers, true)]
        errors[0, place] = [_error(answer, true) for answer in (*blind, polymorphs[key])]
        errors[1, place] = [
            *(sorted_rmse(numbers, answer, true) for answer in blind),
            _error(lengths[key], sorted_true),
        ]
    names = ("pair lookup", "constant", "oracle, mean of the polymorphs")
    ordered, unordered = (dict(zip(names, own.T, strict=True)) for own in errors)
    return ordered, unordered


def _error(answer: FloatArray, true: FloatArray) -> float:
    return float(np.sqrt(np.mean((answer - true) ** 2)))


def distance_table(errors: Mapping[str, FloatArray], subsets: Mapping[str, BoolArray]) -> dict[str, Any]:
    """Mean RMSE (Å) over the cells of each subset.

    Args:
        errors: RMSE of each cell by who predicts, shape (n,) each.
        subsets: Masks by name, shape (n,) each.
    """
    return {
        name: {
            "n": int(mask.sum()),
            **{who: round(float(own[mask].mean()), 4) for who, own in errors.items()},
        }
        for name, mask in subsets.items()
        if mask.any()
    }
