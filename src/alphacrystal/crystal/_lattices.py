"""Free lattice parameters of each crystal system, and cells built from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alphacrystal.crystal._hypothesis import LatticeParameters

Array = NDArray[np.float64]

# Which of (a, b, c, alpha, beta, gamma) each system leaves free, in the ITA standard setting
# (unique axis b, hexagonal axes for trigonal groups).
FREE_PARAMETERS: dict[str, tuple[str, ...]] = {
    "cubic": ("a",),
    "hexagonal": ("a", "c"),
    "trigonal": ("a", "c"),
    "tetragonal": ("a", "c"),
    "orthorhombic": ("a", "b", "c"),
    "monoclinic": ("a", "b", "c", "beta"),
    "triclinic": ("a", "b", "c", "alpha", "beta", "gamma"),
}


def constrain(system: str, lattice: LatticeParameters) -> LatticeParameters:
    """The nearest cell that obeys the crystal system (mean of lengths that must be equal)."""
    a, b, c = lattice.a, lattice.b, lattice.c
    alpha = beta = gamma = 90.0
    if system == "cubic":
        a = b = c = float(np.cbrt(a * b * c))
    elif system in ("hexagonal", "trigonal"):
        a = b = float(np.sqrt(a * b))
        gamma = 120.0
    elif system == "tetragonal":
        a = b = float(np.sqrt(a * b))
    elif system == "monoclinic":
        beta = lattice.beta
    elif system == "triclinic":
        alpha, beta, gamma = lattice.alpha, lattice.beta, lattice.gamma
    return LatticeParameters(a, b, c, alpha, beta, gamma)


def cell_matrices(parameters: Array) -> Array:
    """Lattice vectors as rows in Å, shape (..., 3, 3), from (..., 6) lengths in Å and angles in degrees.

    a lies along x, b in the xy plane. Angles that do not close give a flat cell (zero volume), never NaN.
    """
    lengths, angles = parameters[..., :3], np.radians(parameters[..., 3:])
    cos_alpha, cos_beta, cos_gamma = np.cos(angles[..., 0]), np.cos(angles[..., 1]), np.cos(angles[..., 2])
    sin_gamma = np.sin(angles[..., 2])
    y = (cos_alpha - cos_beta * cos_gamma) / sin_gamma
    z = np.sqrt(np.clip(1 - cos_beta**2 - y**2, 0, None))
    zero = np.zeros_like(y)
    rows = np.stack(
        [
            np.stack([np.ones_like(y), zero, zero], -1),
            np.stack([cos_gamma, sin_gamma, zero], -1),
            np.stack([cos_beta, y, z], -1),
        ],
        -2,
    )
    return np.asarray(rows * lengths[..., :, None])
