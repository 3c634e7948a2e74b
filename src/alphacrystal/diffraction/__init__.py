"""Measured powder patterns: reading, peaks, indexing, and the fit of crystals to them."""

from alphacrystal.diffraction._guidance import guided_hypotheses
from alphacrystal.diffraction._indexing import IndexedCell, index_hypothesis
from alphacrystal.diffraction._pattern import PeakList, PowderPattern, Radiation
from alphacrystal.diffraction._radiation import parse_radiation
from alphacrystal.diffraction.pattern_files import read_pattern

__all__ = [
    "IndexedCell",
    "PeakList",
    "PowderPattern",
    "Radiation",
    "guided_hypotheses",
    "index_hypothesis",
    "parse_radiation",
    "read_pattern",
]
