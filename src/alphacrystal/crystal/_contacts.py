"""Which atoms touch: a bond criterion by covalent radii, as VESTA's table of bonds but for all elements."""

from __future__ import annotations

import numpy as np
from ase.data import covalent_radii

from alphacrystal.typing import FloatArray, IntArray

#: Of the sum of the covalent radii of Cordero et al. (doi:10.1039/b801115j, the table ASE maintains): atoms
#: at most that far apart touch.
CONTACT_FACTOR = 1.25


def contact_limits(numbers: IntArray) -> FloatArray:
    """Longest distance in Å at which two atoms touch, (..., atoms) -> (..., atoms, atoms)."""
    radii = covalent_radii[numbers]
    return np.asarray(CONTACT_FACTOR * (radii[..., :, None] + radii[..., None, :]))
