"""Agreement of predicted reflections with measured peaks: explained, unexplained and missing ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphacrystal.typing import FloatArray, IntArray

RELATIVE_ERROR = 0.25  # of an intensity: texture, displacements, overlapping tails
ABSOLUTE_ERROR = 0.01  # of the strongest peak
FOREIGN_COST = 1.5  # of a peak that no reflection explains, and
FOREIGN_SLOPE = 12.0  # for its share of all measured intensity
FREEDOM = 3.0  # degrees of freedom of the t distribution of intensities
EXPLAINED = 0.3  # of a measured intensity that predicted reflections must reach at least


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Comparison of predicted reflections with measured peaks.

    Attributes:
        log_likelihood: Natural logarithm, up to a constant of the pattern; higher is better.
        scale: Factor of the predicted intensities.
        unexplained: Measured peaks without enough predicted intensity, shape (number,).
        missing: Predicted reflections that are strong but not measured, shape (number,).
    """

    log_likelihood: float
    scale: float
    unexplained: IntArray
    missing: IntArray


def compare_peaks(
    measured: FloatArray,
    intensity: FloatArray,
    uncertainty: FloatArray,
    predicted: FloatArray,
    strength: FloatArray,
    tolerance: FloatArray,
    limit: float,
) -> Agreement:
    """Likelihood of measured peaks, given the reflections of a crystal, with room for foreign phases.

    Intensities follow a t distribution. A measured peak may belong to another phase at a limited cost; a
    predicted reflection that is not measured has no such excuse.

    Args:
        measured: Positions, rising, shape (peaks,).
        intensity: Integrated intensities, shape (peaks,).
        uncertainty: Their standard deviations, shape (peaks,).
        predicted: Positions of reflections in the measured range, rising, shape (reflections,).
        strength: Their integrated intensities on any scale, shape (reflections,).
        tolerance: Largest distance of a reflection from its peak, shape (reflections,).
        limit: Intensity below which peaks are not seen.
    """
    if not len(measured) or not len(predicted):
        everything = np.arange(len(measured), dtype=np.int64)
        cost = FOREIGN_COST * len(measured) + (FOREIGN_SLOPE if len(measured) else 0.0)
        return Agreement(-cost, 0.0, everything, np.zeros(0, dtype=np.int64))
    nearest = _nearest(measured, predicted)
    hit = np.abs(measured[nearest] - predicted) <= tolerance
    sums = np.bincount(nearest[hit], strength[hit], len(measured))
    groups, lone = _groups(predicted[~hit], strength[~hit], tolerance[~hit])
    floor = ABSOLUTE_ERROR * float(intensity.max())
    variance = uncertainty**2 + floor**2
    silent = limit**2 + floor**2
    scale = _scale(intensity, sums, lone, variance, silent)
    cost_peaks = _peak_costs(intensity, scale * sums, variance)
    cost_missing = _t_cost((scale * lone) ** 2 / silent)
    unexplained = np.flatnonzero(scale * sums < EXPLAINED * intensity)
    strong = scale * lone > 3 * np.sqrt(silent)
    missing = np.flatnonzero(~hit)[strong[groups]] if len(lone) else np.zeros(0, dtype=np.int64)
    return Agreement(-float(cost_peaks.sum() + cost_missing.sum()), scale, unexplained, missing)


def _nearest(measured: FloatArray, predicted: FloatArray) -> IntArray:
    """The measured peak next to each reflection."""
    right = np.clip(np.searchsorted(measured, predicted), 1, max(len(measured) - 1, 1))
    if len(measured) == 1:
        return np.zeros(len(predicted), dtype=np.int64)
    left_nearer = predicted - measured[right - 1] < measured[right] - predicted
    return np.asarray(right - left_nearer, dtype=np.int64)


def _groups(
    positions: FloatArray, strength: FloatArray, tolerance: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Group of each reflection of neighbours within the tolerance, and the intensities of the groups."""
    if not len(positions):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    groups = np.r_[0, np.cumsum(np.diff(positions) > tolerance[1:])]
    return groups, np.bincount(groups, strength)


def _t_cost(square: FloatArray) -> FloatArray:
    """Negative logarithm of a t distribution relative to its maximum, of squared deviations."""
    return np.asarray((FREEDOM + 1) / 2 * np.log1p(square / FREEDOM))


def _peak_costs(intensity: FloatArray, predicted: FloatArray, variance: FloatArray) -> FloatArray:
    """Cost of each measured peak, shape (..., peaks)."""
    relative = RELATIVE_ERROR * np.maximum(intensity, predicted)
    cost = _t_cost((intensity - predicted) ** 2 / (variance + relative**2))
    excess = np.maximum(intensity - predicted, 0) / intensity.sum()
    return np.where(predicted < intensity, np.minimum(cost, FOREIGN_COST + FOREIGN_SLOPE * excess), cost)


def _scale(
    intensity: FloatArray, sums: FloatArray, lone: FloatArray, variance: FloatArray, silent: float
) -> float:
    """The scale of largest likelihood, of those that fit single peaks and values between."""
    explained = sums > 0
    if not explained.any():
        return float(intensity.sum() / lone.sum())
    ratios = np.log(intensity[explained] / sums[explained])
    scales = np.exp(np.linspace(ratios.min() - 0.1, ratios.max() + 0.1, 80))
    costs = _peak_costs(intensity, scales[:, None] * sums, variance).sum(axis=1)
    costs += _t_cost((scales[:, None] * lone) ** 2 / silent).sum(axis=1)
    return float(scales[np.argmin(costs)])
