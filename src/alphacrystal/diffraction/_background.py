"""Background and noise of a powder pattern."""

from __future__ import annotations

import numpy as np

from alphacrystal.typing import FloatArray

_MIN_POINTS = 12
_CLASSES = 12  # of intensity
_MEDIAN_OF_SQUARE = 0.455  # of a normal variable of variance 1
_SMALLEST = 1e-4  # standard deviation relative to the range of intensities


def estimate_background(intensity: FloatArray, half_width: int) -> FloatArray:
    """Background under peaks, by statistics-sensitive peak clipping on a logarithmic scale (SNIP).

    Each point is lowered to the mean of its neighbours at a distance that shrinks from ``half_width`` to 1
    (Ryan et al. 1988, doi:10.1016/0168-583X(88)90063-8; Morháč et al. 1997,
    doi:10.1016/S0168-9002(97)01023-1).

    Args:
        intensity: Shape (points,), on an even grid.
        half_width: Points; wider than the peaks.
    """
    from scipy.ndimage import uniform_filter1d

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
    from scipy.ndimage import uniform_filter1d

    if len(intensity) < _MIN_POINTS:
        return np.full(len(intensity), max(1e-12, float(np.abs(intensity).max(initial=0.0)) / 100))
    # The third difference of a smooth profile is small; its variance is 20 times that of a point.
    squares = np.diff(intensity, 3) ** 2 / 20
    level = np.maximum(uniform_filter1d(intensity, 4)[2:-1], 0)
    classes = np.array_split(np.argsort(level, kind="stable"), _CLASSES)
    variance = np.array([np.median(squares[members]) / _MEDIAN_OF_SQUARE for members in classes])
    means = np.array([level[members].mean() for members in classes])
    # Peaks have curvature too, so the line comes from the lower classes.
    constant = max(float(variance[: _CLASSES // 2].mean()), 1e-12)
    base = float(means[: _CLASSES // 2].mean())
    lower = slice(0, 2 * _CLASSES // 3)
    spread = means[lower] - means[0]
    slope = float(spread @ (variance[lower] - variance[0])) / max(float(spread @ spread), 1e-12)
    if slope <= 0:
        slope = constant / max(float(np.median(level)), 1e-12)  # as for counts
    floor = (_SMALLEST * float(np.ptp(intensity))) ** 2
    smooth = np.maximum(uniform_filter1d(intensity, 3, mode="nearest"), 0)
    line = np.maximum(constant + slope * (smooth - base), 0.25 * constant)
    return np.asarray(np.sqrt(line + floor + 1e-18))
