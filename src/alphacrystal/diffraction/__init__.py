"""Measured powder patterns: reading, peaks, indexing, and the fit of crystals to them."""

from alphacrystal.diffraction._fit import PatternFitter, fit_crystal, fit_crystals
from alphacrystal.diffraction._guidance import guided_hypotheses
from alphacrystal.diffraction._indexing import IndexedCell, index_hypothesis
from alphacrystal.diffraction._pattern import PeakList, PowderPattern, Radiation
from alphacrystal.diffraction._pattern_fit import FitSettings, FittedProfile, Marks, PatternFit
from alphacrystal.diffraction._peaks import find_peaks
from alphacrystal.diffraction._profile_model import Profile
from alphacrystal.diffraction._radiation import parse_radiation
from alphacrystal.diffraction._reflections import Reflections, lorentz_polarisation, reflections
from alphacrystal.diffraction._scattering import scattering_factor, without_scattering_factor
from alphacrystal.diffraction._simulate import CU_KALPHA, Faults, simulate_pattern
from alphacrystal.diffraction.pattern_files import parse_pattern, read_pattern

__all__ = [
    "CU_KALPHA",
    "Faults",
    "FitSettings",
    "FittedProfile",
    "IndexedCell",
    "Marks",
    "PatternFit",
    "PatternFitter",
    "PeakList",
    "PowderPattern",
    "Profile",
    "Radiation",
    "Reflections",
    "find_peaks",
    "fit_crystal",
    "fit_crystals",
    "guided_hypotheses",
    "index_hypothesis",
    "lorentz_polarisation",
    "parse_pattern",
    "parse_radiation",
    "read_pattern",
    "reflections",
    "scattering_factor",
    "simulate_pattern",
    "without_scattering_factor",
]
