"""Settings that the inputs of several programs share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.ranking import MAGNETIC

if TYPE_CHECKING:
    from pymatgen.core import Structure

SPACING = 0.25  # Å⁻¹, largest distance of k points, with the factor 2π
MAGNETISATION = 0.5  # start of magnetic elements, as a fraction of the valence electrons


def kpoint_grid(structure: Structure) -> tuple[int, int, int]:
    """Divisions of the reciprocal vectors with at most SPACING between k points."""
    lengths = np.linalg.norm(structure.lattice.reciprocal_lattice.matrix, axis=1)
    first, second, third = (max(1, math.ceil(length / SPACING - 1e-6)) for length in lengths.tolist())
    return first, second, third


def symbols(structure: Structure) -> list[str]:
    """Symbols of the elements in the order of the sites."""
    return list(dict.fromkeys(site.specie.symbol for site in structure))


def is_magnetic(structure: Structure) -> bool:
    """Whether an element is magnetic in many compounds, so that the calculation is spin-polarised."""
    return bool(MAGNETIC & set(symbols(structure)))
