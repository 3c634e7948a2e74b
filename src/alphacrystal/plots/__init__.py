"""Figures of the package as PNG and SVG: labelled axes with units, colour-blind-safe, drawn without pyplot.

Each function writes both files and returns their paths.
"""

from alphacrystal.plots._chemical_potentials import chemical_potentials
from alphacrystal.plots._crystal_panels import crystal_panels
from alphacrystal.plots._distance_matrices import distance_matrices
from alphacrystal.plots._drawn_crystal import STICK_RADIUS, DrawnCrystal, drawn_crystal, drawn_elements
from alphacrystal.plots._energy_volume import energy_volume
from alphacrystal.plots._hull_diagram import HullPoint, hull_diagram
from alphacrystal.plots._phonon_bands import phonon_bands
from alphacrystal.plots._powder_patterns import pattern_overlay, powder_lines
from alphacrystal.plots._pressure_diagrams import EnthalpyCurve, enthalpy_pressure, stable_pressures
from alphacrystal.plots._training import loss_curve, loss_panels, record_counts

__all__ = [
    "STICK_RADIUS",
    "DrawnCrystal",
    "EnthalpyCurve",
    "HullPoint",
    "chemical_potentials",
    "crystal_panels",
    "distance_matrices",
    "drawn_crystal",
    "drawn_elements",
    "energy_volume",
    "enthalpy_pressure",
    "hull_diagram",
    "loss_curve",
    "loss_panels",
    "pattern_overlay",
    "phonon_bands",
    "powder_lines",
    "record_counts",
    "stable_pressures",
]
