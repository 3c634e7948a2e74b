"""How far predicted distance matrices are from the true ones, as the paper counts it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphacrystal.typing import BoolArray, FloatArray, IntArray

OVERLAP_CUTOFF = 8.0  # Å; the paper's section 2.5


@dataclass(frozen=True, slots=True, eq=False)
class MatrixMetrics:
    """Means over structures; each structure counts once, for any number of pairs.

    Attributes:
        mse: Mean of the mean squared error of each structure, Å².
        rmse: Mean of the root mean squared error of each structure, Å; not the root of ``mse``.
        overlap: The paper's eq. 4: share of the true pairs below 8 Å that are predicted below 8 Å. Always
            answering a short distance gives 1.
        precision: Share of the pairs predicted below 8 Å that are.
        f1: Harmonic mean of both.
        per_sample_rmse: Å, shape (n,).
    """

    mse: float
    rmse: float
    overlap: float
    precision: float
    f1: float
    per_sample_rmse: FloatArray


def matrix_metrics(predicted: FloatArray, true: FloatArray, mask: BoolArray) -> MatrixMetrics:
    """Errors and overlap over the pairs of two different atoms.

    Overlap, precision and F1 leave out structures where they are 0/0.

    Args:
        predicted, true: Å, shape (n, atoms, atoms).
        mask: Pairs that count, shape (n, atoms, atoms); at least one in each structure.
    """
    squares = np.where(mask, predicted - true, 0.0) ** 2
    per_sample = squares.sum((1, 2)) / mask.sum((1, 2))  # (n,)
    near, near_predicted = mask & (true < OVERLAP_CUTOFF), mask & (predicted < OVERLAP_CUTOFF)
    both, target, positive = ((part.sum((1, 2))) for part in (near & near_predicted, near, near_predicted))
    roots = np.sqrt(per_sample)
    return MatrixMetrics(
        mse=float(per_sample.mean()),
        rmse=float(roots.mean()),
        overlap=_mean_ratio(both, target),
        precision=_mean_ratio(both, positive),
        f1=_mean_ratio(2 * both, target + positive),
        per_sample_rmse=np.asarray(roots),
    )


def _mean_ratio(numerator: IntArray, denominator: IntArray) -> float:
    """Mean of the ratios with a denominator that is not 0; 0 without any."""
    used = denominator > 0
    return float((numerator[used] / denominator[used]).mean()) if used.any() else 0.0
