"""Figures of the package as PNG and SVG: labelled axes with units, colour-blind-safe, drawn without pyplot.

Each function writes both files and returns their paths.
"""

from alphacrystal.plots._crystal_panels import crystal_panels
from alphacrystal.plots._distance_matrices import distance_matrices
from alphacrystal.plots._distance_shares import distance_shares
from alphacrystal.plots._energy_volume import energy_volume
from alphacrystal.plots._enthalpy_pressure import EnthalpyCurve, enthalpy_pressure
from alphacrystal.plots._formation_energies import formation_energies
from alphacrystal.plots._learning_curves import Curve, CurvePanel, learning_curve_panels
from alphacrystal.plots._loss_curve import loss_curve, loss_panels
from alphacrystal.plots._matching_distances import matching_distances
from alphacrystal.plots._pattern_overlay import pattern_overlay
from alphacrystal.plots._phonon_bands import phonon_bands
from alphacrystal.plots._powder_pattern import powder_lines
from alphacrystal.plots._record_counts import record_counts
from alphacrystal.plots._reliability import ReliabilityPanel, reliability_diagrams

__all__ = [
    "Curve",
    "CurvePanel",
    "EnthalpyCurve",
    "ReliabilityPanel",
    "crystal_panels",
    "distance_matrices",
    "distance_shares",
    "energy_volume",
    "enthalpy_pressure",
    "formation_energies",
    "learning_curve_panels",
    "loss_curve",
    "loss_panels",
    "matching_distances",
    "pattern_overlay",
    "phonon_bands",
    "powder_lines",
    "record_counts",
    "reliability_diagrams",
]
