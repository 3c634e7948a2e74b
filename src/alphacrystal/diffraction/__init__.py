"""Measured powder patterns: reading, peaks, indexing, and the fit of crystals to them."""

from alphacrystal.diffraction._indexing import IndexedCell, index_hypothesis
from alphacrystal.diffraction._pattern import PeakList, PowderPattern, Radiation

__all__ = ["IndexedCell", "PeakList", "PowderPattern", "Radiation", "index_hypothesis"]
