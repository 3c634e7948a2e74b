"""A measured pattern, prepared once for the comparison with many crystals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from alphacrystal.diffraction._background import estimate_background, estimate_noise
from alphacrystal.diffraction._pattern import PeakList, PowderPattern, Radiation
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray

MAX_GRID = 3000  # points of the fit
POINTS_PER_WIDTH = 5.0
LOG_STEP = 0.0005  # of ln(1/d)
MIN_POINTS = 50
SIGNIFICANT = 3.0  # standard deviations of the smoothed net intensity
_CLIP_DEGREES, _CLIP_WIDTHS = 1.0, 5.0  # half width of the background estimate
_LIST_MARGIN = 0.03  # of ln(1/d), around the first and the last peak of a list


@dataclass(frozen=True, slots=True, eq=False)
class LogProfile:
    """Net intensity on an even grid of ln(1/d), where a strain of the cell is a shift.

    Attributes:
        start: First grid point; d in Å.
        density: Integrated intensity of each grid interval of `LOG_STEP`, shape (points,).
        is_list: Whether it comes from a list of peaks.
    """

    start: float
    density: FloatArray
    is_list: bool

    @property
    def end(self) -> float:
        """Last grid point."""
        return self.start + LOG_STEP * (len(self.density) - 1)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedPattern:
    """A pattern on an even grid of 2θ with background and noise.

    Attributes:
        start: First grid point in degrees.
        step: Distance of grid points in degrees.
        intensity: Mean measured intensity at each grid point, shape (points,).
        sigma: Standard deviation of ``intensity``, shape (points,).
        background: Estimated background, shape (points,).
        width: Typical full width at half maximum of a peak in degrees.
        radiation: Spectral lines.
        logarithmic: The net intensity by ln(1/d).
    """

    start: float
    step: float
    intensity: FloatArray
    sigma: FloatArray
    background: FloatArray
    width: float
    radiation: Radiation
    logarithmic: LogProfile

    @property
    def two_theta(self) -> FloatArray:
        """Grid points in degrees, shape (points,)."""
        return np.asarray(self.start + self.step * np.arange(len(self.intensity)), dtype=np.float64)

    @property
    def end(self) -> float:
        """Last grid point in degrees."""
        return self.start + self.step * (len(self.intensity) - 1)


@lru_cache(maxsize=4)
def prepare_pattern(pattern: PowderPattern, min_spacing: float) -> PreparedPattern:
    """The part of a pattern with d above ``min_spacing`` in Å, on a grid as coarse as its peaks allow.

    Raises:
        InputError: The pattern has fewer than 50 points in this range, or no intensity.
    """
    wavelength = pattern.radiation.mean_wavelength
    largest = np.degrees(2 * np.arcsin(min(1.0, wavelength / (2 * min_spacing))))
    kept = (pattern.two_theta <= largest) & (pattern.two_theta > 0)
    x, y = pattern.two_theta[kept], pattern.intensity[kept]
    if len(x) < MIN_POINTS:
        raise InputError(
            f"{pattern.source} has {len(x)} points with d above {min_spacing:g} Å: at least {MIN_POINTS} are "
            "needed."
        )
    if not np.isfinite(y).all() or np.ptp(y) == 0:
        raise InputError(f"{pattern.source} has no peaks: all its intensities are equal or not numbers.")
    sigma = estimate_noise(y) if pattern.uncertainty is None else _usable(pattern.uncertainty[kept])
    fine = max(float(np.median(np.diff(x))), float(np.ptp(x)) / (4 * MAX_GRID))
    grid, values, deviations = _even(x, y, sigma, fine)
    width = _typical_width(values, deviations, fine)
    step = max(fine, width / POINTS_PER_WIDTH, float(np.ptp(x)) / MAX_GRID)
    if step > 1.2 * fine:
        grid, values, deviations = _even(x, y, sigma, step)
    else:
        step = fine
    half_width = int(np.ceil(max(_CLIP_DEGREES, _CLIP_WIDTHS * width) / step))
    background = estimate_background(values, half_width)
    logarithmic = _logarithmic(grid, values - background, deviations, wavelength)
    return PreparedPattern(
        float(grid[0]), step, values, deviations, background, width, pattern.radiation, logarithmic
    )


def prepare_list(peaks: PeakList) -> LogProfile:
    """The peaks of a list on a grid of ln(1/d).

    Raises:
        InputError: The list is empty.
    """
    if not len(peaks.spacing):
        raise InputError(f"{peaks.source} has no peaks.")
    position = -np.log(peaks.spacing)
    start = float(position.min()) - _LIST_MARGIN
    points = int(np.ceil((np.ptp(position) + 2 * _LIST_MARGIN) / LOG_STEP)) + 1
    return LogProfile(start, _deposit((position - start) / LOG_STEP, peaks.intensity, points), is_list=True)


def _usable(uncertainty: FloatArray) -> FloatArray:
    """Standard deviations with a floor, since files contain zeros."""
    positive = uncertainty[uncertainty > 0]
    return np.maximum(uncertainty, float(np.median(positive)) / 10 if len(positive) else 1.0)


def _even(
    x: FloatArray, y: FloatArray, sigma: FloatArray, step: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Grid, means and standard deviations in intervals of an even grid; empty intervals are interpolated."""
    points = int(np.floor((x[-1] - x[0]) / step + 1e-6)) + 1
    grid = x[0] + step * np.arange(points)
    place = np.minimum(np.rint((x - x[0]) / step).astype(int), points - 1)
    count = np.bincount(place, minlength=points)
    full = count > 0
    total = np.maximum(count, 1)
    position = np.bincount(place, x, points) / total
    mean = np.bincount(place, y, points) / total
    deviation = np.sqrt(np.bincount(place, sigma**2, points)) / total
    return (
        grid,
        np.interp(grid, position[full], mean[full]),
        np.interp(grid, position[full], deviation[full]),
    )


def _typical_width(y: FloatArray, sigma: FloatArray, step: float) -> float:
    """Median full width of the strongest peaks in degrees."""
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import find_peaks, peak_widths  # loads slowly

    net = uniform_filter1d(y - estimate_background(y, int(np.ceil(2.0 / step))), 3)
    tops, _ = find_peaks(net, prominence=10 * float(np.median(sigma)), width=2)
    if not len(tops):
        return max(0.1, 4 * step)
    strongest = tops[np.argsort(net[tops])[::-1][:12]]
    widths = peak_widths(net, strongest, rel_height=0.5)[0]
    return float(np.clip(np.median(widths) * step, 2 * step, 2.0))


def _logarithmic(grid: FloatArray, net: FloatArray, sigma: FloatArray, wavelength: float) -> LogProfile:
    from scipy.ndimage import uniform_filter1d

    smooth = uniform_filter1d(net, 3)
    height = np.where(smooth > SIGNIFICANT * sigma / np.sqrt(3), np.maximum(net, 0), 0)
    position = np.log(2 * np.sin(np.radians(grid / 2)) / wavelength)
    start = float(position[0])
    points = int(np.ceil((position[-1] - start) / LOG_STEP)) + 1
    return LogProfile(start, _deposit((position - start) / LOG_STEP, height, points), is_list=False)


def _deposit(place: FloatArray, weight: FloatArray, points: int) -> FloatArray:
    """Distribute weights over the two grid points next to each place."""
    left = np.clip(np.floor(place).astype(int), 0, points - 2)
    part = np.clip(place - left, 0, 1)
    return np.asarray(
        np.bincount(left, weight * (1 - part), points) + np.bincount(left + 1, weight * part, points)
    )
