"""Peak profiles: pseudo-Voigt functions of many reflections on an even grid, with derivatives."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array

from alphacrystal.typing import FloatArray

_LN2 = math.log(2.0)
_GAUSS = 2 * math.sqrt(_LN2 / math.pi)  # height of a Gaussian of unit area and full width 1
_LORENTZ = 2 / math.pi
REACH = 10.0  # full widths; the profile is zero further away
MAX_POINTS = 100  # on each side of a peak


@dataclass(frozen=True, slots=True, eq=False)
class PeakShapes:
    """The profile of each peak on a grid, and its derivatives, in windows of equal length.

    Attributes:
        value: Profiles of unit area, shape (peaks × window,).
        by_centre: Derivative by the position of the peak, same shape.
        by_width: Derivative by its full width at half maximum, same shape.
        by_mixing: Derivative by the Lorentzian fraction, same shape.
    """

    value: FloatArray
    by_centre: FloatArray
    by_width: FloatArray
    by_mixing: FloatArray
    _matrix: csc_array
    _points: int

    def total(self, shape: FloatArray, weights: FloatArray) -> FloatArray:
        """Sum of the peaks on the grid, with one of the shapes above and weights (peaks, ...)."""
        self._matrix.data = shape  # all shapes lie in the same places, and a new matrix takes longer
        margin = (self._matrix.shape[0] - self._points) // 2
        sums = self._matrix @ weights.astype(np.float32)
        return np.asarray(sums[margin : margin + self._points], dtype=np.float64)


def peak_shapes(
    start: float,
    step: float,
    points: int,
    centres: FloatArray,
    widths: FloatArray,
    mixing: float,
    *,
    reach: float = REACH,
) -> PeakShapes:
    """Pseudo-Voigt profiles with derivatives (Thompson et al. 1987, doi:10.1107/S0021889887087090).

    Args:
        start: First grid point.
        step: Distance of the grid points.
        points: Number of grid points.
        centres: Positions of the peaks, shape (peaks,), in the unit of the grid.
        widths: Full widths at half maximum, shape (peaks,).
        mixing: Lorentzian fraction, 0 to 1.
        reach: Distance in median full widths beyond which the profiles are zero.
    """
    window = int(np.clip(np.ceil(reach * np.median(widths) / step), 3, MAX_POINTS)) if len(widths) else 3
    nearest = np.rint((centres - start) / step)
    outside = (nearest < -window) | (nearest > points - 1 + window)
    nearest = np.where(outside, 0, nearest).astype(np.int32)
    offsets = np.arange(-window, window + 1, dtype=np.int32)
    # Positions are exact to rounding in 64 bits; the shapes need 32 bits and half of the time.
    width = widths.astype(np.float32)[:, None]
    shift = ((start + nearest * step - centres) / widths).astype(np.float32)[:, None]
    x = offsets * (np.float32(step) / width) + shift  # (peaks, window), in full widths
    square = x * x
    narrow = 1 / (1 + 4 * square)
    visible = np.where(outside, 0, 1 / widths).astype(np.float32)[:, None]
    gauss = np.exp(np.float32(-4 * _LN2) * square)
    gauss *= np.float32(_GAUSS) * visible
    lorentz = (np.float32(_LORENTZ) * visible) * narrow
    by_mixing = lorentz - gauss
    share = np.float32(mixing)
    gauss *= 1 - share
    lorentz *= share
    value = lorentz + gauss
    gauss *= np.float32(8 * _LN2)
    lorentz *= 8 * narrow
    slope = (gauss + lorentz) * x  # by the centre, times the width
    by_width = (x * slope - value) / width
    slope /= width
    # The rows start at -2 windows; indices of 32 bits are not checked again.
    padded = ((nearest + 2 * window)[:, None] + offsets).ravel()
    pointers = (np.arange(len(centres) + 1) * len(offsets)).astype(np.int32)
    flat = [shape.ravel() for shape in (value, slope, by_width, by_mixing)]
    matrix = csc_array((flat[0], padded, pointers), shape=(points + 4 * window, len(centres)))
    return PeakShapes(flat[0], flat[1], flat[2], flat[3], matrix, points)
