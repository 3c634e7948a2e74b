"""Files of measured powder patterns: readers of the formats, and the checks that every pattern passes."""

from alphacrystal.diffraction.pattern_files._checks import MIN_POINTS, PROFILE_STEP
from alphacrystal.diffraction.pattern_files._read import parse_pattern, read_pattern

__all__ = ["MIN_POINTS", "PROFILE_STEP", "parse_pattern", "read_pattern"]
