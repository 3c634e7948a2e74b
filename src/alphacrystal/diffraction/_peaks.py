"""Search of the peaks of a powder pattern."""

from __future__ import annotations

import numpy as np

from alphacrystal.diffraction._pattern import PeakList, PowderPattern
from alphacrystal.diffraction._prepared import PreparedPattern, prepare_pattern
from alphacrystal.typing import BoolArray, FloatArray, IndexArray

MIN_SPACING = 0.7  # Å
MIN_SIGNIFICANCE = 5.0  # standard deviations that a peak rises above its surroundings
_SECOND_LINE = 0.75  # of the first; a peak at the place of a second line that is higher is a peak of its cell
_WINDOW = 1.2  # full widths on each side that belong to a peak


def find_peaks(pattern: PowderPattern, *, min_spacing: float = MIN_SPACING) -> PeakList:
    """The significant peaks of a pattern with d above ``min_spacing`` in Å.

    Peaks of a weaker spectral line (Kα2) are counted to those of the strongest line. Intensities are
    integrated above the background, in per cent of the strongest.

    Raises:
        InputError: The pattern has too few points or no intensity.
    """
    return peaks_of(prepare_pattern(pattern, min_spacing), pattern.source)


def peaks_of(pattern: PreparedPattern, source: str) -> PeakList:
    """The peaks of a prepared pattern."""
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import find_peaks as local_maxima  # loads slowly

    size = max(1, round(0.5 * pattern.width / pattern.step))
    net = pattern.intensity - pattern.background
    smooth = uniform_filter1d(net, size, mode="nearest")
    sigma = pattern.sigma / np.sqrt(size)
    tops, properties = local_maxima(smooth, prominence=0.0, height=0.0)
    significant = (properties["prominences"] > MIN_SIGNIFICANCE * sigma[tops]) & (
        smooth[tops] > MIN_SIGNIFICANCE * sigma[tops]
    )
    tops = tops[significant]
    angles = pattern.start + pattern.step * (tops + _parabola(smooth, tops))
    second = _second_lines(angles, smooth[tops], pattern)
    tops, angles = tops[~second], angles[~second]
    areas, deviations = _areas(net, pattern.sigma, angles, pattern)
    kept = areas > 0
    tops, angles, areas, deviations = tops[kept], angles[kept], areas[kept], deviations[kept]
    theta = np.radians(angles / 2)
    spacing = _wavelengths(theta, pattern) / (2 * np.sin(theta))
    ratio = np.maximum(smooth[tops] / sigma[tops], 1.0)
    angle_error = np.hypot(pattern.width / 2.35 / ratio, pattern.step / 4)  # degrees 2θ
    largest = float(areas.max(initial=0.0)) or 1.0
    return PeakList(
        spacing,
        100 * (areas / largest),
        pattern.radiation,
        source,
        spacing_uncertainty=spacing / np.tan(theta) * np.radians(angle_error / 2),
        intensity_uncertainty=100 * (deviations / largest),
    )


def _parabola(smooth: FloatArray, tops: IndexArray) -> FloatArray:
    """Offset of each maximum from its grid point, in grid steps."""
    left, middle, right = smooth[tops - 1], smooth[tops], smooth[tops + 1]
    curvature = left - 2 * middle + right
    return np.where(curvature < 0, 0.5 * (left - right) / np.minimum(curvature, -1e-300), 0.0)


def _second_lines(angles: FloatArray, heights: FloatArray, pattern: PreparedPattern) -> BoolArray:
    """Which peaks are those of a weaker line of a higher peak."""
    second = np.zeros(len(angles), dtype=bool)
    first, *others = pattern.radiation.wavelengths
    strongest, *weights = pattern.radiation.weights
    for wavelength, weight in zip(others, weights, strict=True):
        sine = np.minimum(np.sin(np.radians(angles / 2)) * wavelength / first, 1.0)
        places = 2 * np.degrees(np.arcsin(sine))
        apart = np.abs(angles[:, None] - places[None]) < max(0.3 * pattern.width, pattern.step)
        lower = heights[:, None] < _SECOND_LINE / 0.5 * weight / strongest * heights[None]
        distinct = (angles[:, None] - angles[None] > 0.3 * pattern.width) & (wavelength > first)
        second |= (apart & lower & (distinct | (wavelength < first))).any(axis=1)
    return second


def _wavelengths(theta: FloatArray, pattern: PreparedPattern) -> FloatArray:
    """Wavelength of each maximum: that of the strongest line where the lines are apart, else the mean."""
    strongest = pattern.radiation.wavelengths[0]
    if len(pattern.radiation.wavelengths) == 1:
        return np.full(len(theta), strongest)
    spread = max(pattern.radiation.wavelengths) - min(pattern.radiation.wavelengths)
    apart = 2 * np.degrees(np.tan(theta) * spread / strongest) > 0.6 * pattern.width
    return np.where(apart, strongest, pattern.radiation.mean_wavelength)


def _areas(
    net: FloatArray, sigma: FloatArray, angles: FloatArray, pattern: PreparedPattern
) -> tuple[FloatArray, FloatArray]:
    """Integrated net intensities up to the middles between neighbours, and their standard deviations."""
    if not len(angles):
        return np.zeros(0), np.zeros(0)
    middles = (angles[1:] + angles[:-1]) / 2
    reach = _WINDOW * pattern.width
    spread = max(pattern.radiation.wavelengths) / pattern.radiation.wavelengths[0] - 1
    tail = 2 * np.degrees(np.tan(np.radians(angles / 2)) * spread)
    left = np.maximum(angles - reach, np.r_[-np.inf, middles])
    right = np.minimum(angles + reach + tail, np.r_[middles, np.inf])
    points = len(net)
    first = np.clip(np.ceil((left - pattern.start) / pattern.step).astype(int), 0, points)
    last = np.clip(np.floor((right - pattern.start) / pattern.step).astype(int) + 1, first, points)
    total, variance = np.r_[0, np.cumsum(net)], np.r_[0, np.cumsum(sigma**2)]
    return (
        (total[last] - total[first]) * pattern.step,
        np.sqrt(np.maximum(variance[last] - variance[first], 0)) * pattern.step,
    )
