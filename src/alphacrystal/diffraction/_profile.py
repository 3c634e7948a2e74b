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
MAX_POINTS = 400  # on each side of a peak


@dataclass(frozen=True, slots=True, eq=False)
class PeakShapes:
    """The profile of each peak on a grid, and its derivatives: sparse matrices of shape (points, peaks).

    Attributes:
        value: Profile of unit area.
        by_centre: Derivative by the position of the peak.
        by_width: Derivative by its full width at half maximum.
        by_mixing: Derivative by the Lorentzian fraction.
    """

    value: csc_array
    by_centre: csc_array
    by_width: csc_array
    by_mixing: csc_array


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
    nearest = np.where(outside, 0, nearest).astype(np.int64)
    rows = nearest[:, None] + np.arange(-window, window + 1)  # (peaks, window)
    width = widths[:, None]
    x = (start + rows * step - centres[:, None]) / width
    square = x * x
    gauss = _GAUSS * np.exp(-4 * _LN2 * square) / width
    lorentz = _LORENTZ / (1 + 4 * square) / width
    slope_gauss = gauss * 8 * _LN2 * x
    slope_lorentz = lorentz * 8 * x / (1 + 4 * square)
    value = mixing * lorentz + (1 - mixing) * gauss
    slope = mixing * slope_lorentz + (1 - mixing) * slope_gauss  # by the centre, times the width
    pointers = (np.arange(len(centres) + 1) * rows.shape[1]).astype(np.int32)  # 32 bits: no checks
    padded = (rows + 2 * window).ravel().astype(np.int32)  # rows start at -2 window
    shape = (points + 4 * window, len(centres))

    def matrix(data: FloatArray) -> csc_array:
        data[outside] = 0
        return csc_array((data.ravel(), padded, pointers), shape=shape)

    by_width = (x * slope - value) / width
    matrices = (matrix(value), matrix(slope / width), matrix(by_width), matrix(lorentz - gauss))
    return PeakShapes(*matrices)


def on_grid(matrix: csc_array, weights: FloatArray, points: int) -> FloatArray:
    """Sum of peaks with weights on the grid, shape (peaks, ...) -> (points, ...)."""
    margin = (matrix.shape[0] - points) // 2
    return np.asarray((matrix @ weights)[margin : margin + points])
