"""Measured powder patterns: reading, peaks, indexing, and the fit of crystals to them."""

from alphacrystal.diffraction._pattern import PeakList, PowderPattern, Radiation
from alphacrystal.diffraction._radiation import parse_radiation
from alphacrystal.diffraction.pattern_files import read_pattern

__all__ = ["PeakList", "PowderPattern", "Radiation", "parse_radiation", "read_pattern"]
