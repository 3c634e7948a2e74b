"""Background and noise of a powder pattern."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d

from alphacrystal.typing import FloatArray

_MIN_POINTS = 5


def estimate_background(intensity: FloatArray, half_width: int) -> FloatArray:
    """Background under peaks, by statistics-sensitive peak clipping on a logarithmic scale (SNIP).

    Each point is lowered to the mean of its neighbours at a distance that shrinks from ``half_width`` to 1
    (Ryan et al. 1988, doi:10.1016/0168-583X(88)90063-8; Morháč et al. 1997,
    doi:10.1016/S0168-9002(97)01023-1).

    Args:
        intensity: Shape (points,), on an even grid.
        half_width: Points; wider than the peaks.
    """
    offset = min(0.0, float(intensity.min(initial=0.0)))
    smooth = uniform_filter1d(intensity - offset, max(3, half_width // 6), mode="nearest")
    smooth = np.maximum(smooth, 0.0)
    level = np.log(np.log(np.sqrt(smooth + 1) + 1) + 1)
    points = np.arange(len(level))
    for distance in range(min(half_width, len(level) - 1), 0, -1):
        left, right = np.maximum(points - distance, 0), np.minimum(points + distance, len(level) - 1)
        level = np.minimum(level, (level[left] + level[right]) / 2)
    return np.asarray((np.exp(np.exp(level) - 1) - 1) ** 2 - 1 + offset)


def estimate_noise(intensity: FloatArray) -> FloatArray:
    """Standard deviation of each intensity, from the differences of neighbours, shape (points,).

    The variance is linear in the intensity: a constant part, and a part that is the intensity for counts.
    Both follow from the medians of squared second differences in classes of intensity.
    """
    if len(intensity) < _MIN_POINTS:
        return np.full(len(intensity), max(1e-12, float(np.abs(intensity).max(initial=0.0)) / 100))
    # The third difference of a smooth profile is small; its variance is 20 times that of a point.
    squares = np.diff(intensity, 3) ** 2 / 20
    level = np.maximum(uniform_filter1d(intensity, 4)[2:-1], 0)
    classes = np.array_split(np.argsort(level, kind="stable"), 12)
    # The median of the square of a normal variable is 0.455 of its mean.
    variance = np.array([np.median(squares[members]) / 0.455 for members in classes])
    means = np.array([level[members].mean() for members in classes])
    low = max(float(variance[:6].mean()), 1e-12)
    # Peaks have curvature too, so the slope comes from the lower two thirds of the classes.
    spread = means[:8] - means[0]
    slope = float(np.sum(spread * (variance[:8] - variance[0])) / max(np.sum(spread**2), 1e-12))
    constant = low
    slope = max(slope, 0.0)
    if slope == 0.0:
        slope = low / max(float(np.median(level)), 1e-12)  # as for counts
    span = float(intensity.max() - intensity.min())
    floor = max((1e-4 * span) ** 2, 1e-18)
    base = float(np.mean(means[:6]))
    return np.sqrt(np.maximum(constant + slope * (level_of(intensity) - base), 0.25 * constant) + floor)


def level_of(intensity: FloatArray) -> FloatArray:
    """Intensity smoothed over three points and at least zero."""
    return np.maximum(uniform_filter1d(intensity, 3, mode="nearest"), 0)
