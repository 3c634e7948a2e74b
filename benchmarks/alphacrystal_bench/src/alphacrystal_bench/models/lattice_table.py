"""Errors of predicted conventional cells: R² and mean absolute error of axes, relative errors of lengths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphacrystal.crystal import cell_matrices
from alphacrystal.typing import BoolArray, FloatArray
from alphacrystal_bench.models.lattice_forest import AXES, PUBLISHED_R2


def lattice_table_by_system(
    true: FloatArray, predicted: Mapping[str, FloatArray], systems: NDArray[np.str_]
) -> dict[str, Any]:
    """R², mean absolute error (Å) of the free axes and relative errors of lengths (%) in each crystal system.

    Args:
        true: Conventional a, b, c (Å), alpha, beta, gamma (degrees), shape (n, 6).
        predicted: Cells by predictor, shape (n, 3), or (n, 6) with angles; NaN where there is none.
        systems: Crystal systems, shape (n,).
    """
    table: dict[str, Any] = {}
    for system, published in PUBLISHED_R2.items():
        rows = systems == system
        if rows.any():
            table[system] = {
                "n": int(rows.sum()),
                "published_r2": published,
                **{
                    name: {
                        **axis_errors(true[rows], cells[rows], "".join(published)),
                        **relative_errors(true[rows], cells[rows]),
                    }
                    for name, cells in predicted.items()
                },
            }
    return table


def lattice_table_by_subset(
    true: FloatArray, predicted: Mapping[str, FloatArray], subsets: Mapping[str, BoolArray]
) -> dict[str, Any]:
    """Relative errors (%) of lengths, and of volumes where angles are predicted, in each subset."""
    return {
        subset: {
            "n": int(mask.sum()),
            **{name: relative_errors(true[mask], cells[mask]) for name, cells in predicted.items()},
        }
        for subset, mask in subsets.items()
        if mask.any()
    }


def axis_errors(true: FloatArray, predicted: FloatArray, axes: str) -> dict[str, float]:
    """R² and mean absolute error in Å of some axes, over the rows with a prediction."""
    errors = {}
    for axis in axes:
        column = AXES.index(axis)
        here = np.isfinite(predicted[:, column])
        expected, answer = true[here, column], predicted[here, column]
        spread = float(((expected - expected.mean()) ** 2).sum()) if here.any() else 0.0
        if spread > 0:
            errors[f"r2_{axis}"] = round(1 - float(((expected - answer) ** 2).sum()) / spread, 4)
        if here.any():
            errors[f"mae_{axis}"] = round(float(np.abs(expected - answer).mean()), 4)
    return errors


def relative_errors(true: FloatArray, predicted: FloatArray) -> dict[str, float]:
    """Number of predictions; mean and median absolute error in % of the lengths and of the volume."""
    here = np.isfinite(predicted[:, 0])
    errors: dict[str, float] = {"predicted": int(here.sum())}
    if not here.any():
        return errors
    lengths = 100 * np.abs(predicted[here, :3] / true[here, :3] - 1)
    errors |= {
        "length_mean_percent": _round(lengths.mean()),
        "length_median_percent": _round(np.median(lengths)),
    }
    if predicted.shape[1] == 6:
        volumes = 100 * np.abs(_volumes(predicted[here]) / _volumes(true[here]) - 1)
        errors |= {
            "volume_mean_percent": _round(volumes.mean()),
            "volume_median_percent": _round(np.median(volumes)),
        }
    return errors


def _volumes(cells: FloatArray) -> FloatArray:
    """Å³ of cells (n, 6)."""
    return np.asarray(np.abs(np.linalg.det(cell_matrices(cells))))


def _round(value: float) -> float:
    return round(float(value), 3)
