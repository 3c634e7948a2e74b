"""Powder diffraction patterns smoothed to curves."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import gaussian_kde

from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


_ANGLES = np.linspace(0.0, 90.0, 901)  # 2θ in degrees
_COPIES = 10  # of a peak per per cent of the highest
_BANDWIDTH = 0.01


def diffraction_curve(structure: Structure, *, steady: bool = False) -> FloatArray:
    """Density of diffracted Cu Kα intensity over 2θ = 0, 0.1, ..., 90 degrees, shape (901,).

    As CSPBenchMetrics makes it: each peak counts once for each 0.1 % of the highest, weaker ones not at all,
    and a Gaussian kernel of a hundredth of the spread of the peaks smooths them. So the width of a peak
    depends on where the others are.

    Args:
        structure: Any cell of the crystal.
        steady: Whether rounding noise is cut off before peaks are counted. Without, the strongest peak counts
            999 or 1000 times by its last bit, and one crystal in two descriptions differs by 0.0014.

    Raises:
        ValueError: All intensity lies at one angle.
    """
    from pymatgen.analysis.diffraction.xrd import XRDCalculator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pattern = XRDCalculator().get_pattern(structure, two_theta_range=(0, 90))
    counts = np.asarray(pattern.y) * _COPIES
    copies = (np.round(counts, 9) if steady else counts).astype(int)
    return np.asarray(gaussian_kde(np.repeat(pattern.x, copies), bw_method=_BANDWIDTH)(_ANGLES))
