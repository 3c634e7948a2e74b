"""Figures of the package as PNG and SVG: labelled axes with units, colour-blind-safe, drawn without pyplot.

Each function writes both files and returns their paths.
"""

from alphacrystal.plots._distance_matrices import distance_matrices
from alphacrystal.plots._energy_volume import energy_volume
from alphacrystal.plots._loss_curve import loss_curve

__all__ = ["distance_matrices", "energy_volume", "loss_curve"]
