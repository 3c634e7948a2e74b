"""Agreement of predicted reflections with measured peaks: explained, unexplained and missing ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphacrystal.typing import FloatArray, IntArray

FOREIGN_SHARE = 0.1  # of the measured intensity that may come from other phases
EFFECTIVE_COUNTS = 100.0  # independent quanta that a pattern is worth, since models have errors
EXPLAINED = 0.3  # of a measured intensity that predicted reflections must reach at least


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Comparison of predicted reflections with measured peaks.

    Attributes:
        log_likelihood: Natural logarithm relative to the measured intensities themselves; 0 at best.
        unexplained: Measured peaks without enough predicted intensity, shape (number,).
        missing: Predicted reflections that are strong but not measured, shape (number,).
    """

    log_likelihood: float
    unexplained: IntArray
    missing: IntArray


def compare_peaks(
    measured: FloatArray,
    intensity: FloatArray,
    predicted: FloatArray,
    strength: FloatArray,
    tolerance: FloatArray,
    limit: float,
    places: float,
) -> Agreement:
    """Likelihood of measured peaks, given the reflections of a crystal, with room for foreign phases.

    The measured intensity is a sample of `EFFECTIVE_COUNTS` quanta. A quantum comes from a reflection of the
    crystal, with a probability proportional to its intensity, or (`FOREIGN_SHARE`) from another phase, with
    equal probability for all places. So predicted reflections that are not measured lower the probabilities
    of all others, and measured peaks without a reflection have the small probability of a foreign phase.

    Args:
        measured: Positions, rising, shape (peaks,).
        intensity: Integrated intensities, shape (peaks,).
        predicted: Positions of reflections in the measured range, rising, shape (reflections,).
        strength: Their integrated intensities on any scale, shape (reflections,).
        tolerance: Largest distance of a reflection from its peak, shape (reflections,).
        limit: Intensity below which peaks are not seen.
        places: Number of places of separate peaks in the measured range.
    """
    if not len(measured):
        return Agreement(0.0, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    share = intensity / intensity.sum()
    nearest = _nearest(measured, predicted)
    hit = np.abs(measured[nearest] - predicted) <= tolerance
    sums = np.zeros(len(measured))
    np.add.at(sums, nearest[hit], strength[hit])
    probability = (1 - FOREIGN_SHARE) * sums / max(float(strength.sum()), 1e-300)
    probability += FOREIGN_SHARE / max(places, len(measured))
    positive = share > 0
    ratio = np.log(probability[positive] / share[positive])
    likelihood = EFFECTIVE_COUNTS * float(share[positive] @ ratio)
    both = sums > 0
    weight = np.sqrt(intensity[both] * sums[both])
    scale = float(np.exp(weight @ np.log(intensity[both] / sums[both]) / weight.sum())) if both.any() else 0.0
    unexplained = np.flatnonzero(scale * sums < EXPLAINED * intensity)
    missing = np.flatnonzero(~hit & (scale * strength > 3 * limit))
    return Agreement(likelihood, unexplained, missing)


def _nearest(measured: FloatArray, predicted: FloatArray) -> IntArray:
    """The measured peak next to each reflection."""
    if len(measured) == 1:
        return np.zeros(len(predicted), dtype=np.int64)
    right = np.clip(np.searchsorted(measured, predicted), 1, len(measured) - 1)
    left_nearer = predicted - measured[right - 1] < measured[right] - predicted
    return np.asarray(right - left_nearer, dtype=np.int64)
