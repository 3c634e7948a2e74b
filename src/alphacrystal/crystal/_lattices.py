"""Free lattice parameters of each crystal system, and cells built from them."""

from __future__ import annotations

import numpy as np

from alphacrystal.crystal._hypothesis import LatticeParameters
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray

# The shape of a conventional cell: quantities that vary independently and are easy to learn.
SHAPE = ("log_volume", "log_b_a", "log_c_a", "cos_alpha", "cos_beta", "cos_gamma")

# Which entries of SHAPE each crystal system leaves free, in the ITA standard setting (unique axis b,
# hexagonal axes for trigonal groups).
FREE_SHAPE: dict[str, tuple[int, ...]] = {
    "cubic": (0,),
    "hexagonal": (0, 2),
    "trigonal": (0, 2),
    "tetragonal": (0, 2),
    "orthorhombic": (0, 1, 2),
    "monoclinic": (0, 1, 2, 4),
    "triclinic": (0, 1, 2, 3, 4, 5),
}

MAX_COSINE = 0.95  # of an angle of a conventional cell: 18 to 162 degrees
MIN_SQUARED_VOLUME = 0.02  # of the parallelepiped with unit edges; flatter cells are clipped


def cell_shape(lattice: LatticeParameters) -> FloatArray:
    """SHAPE of a conventional cell, volume in Å³, shape (6,).

    Raises:
        InputError: The lengths or angles do not make a cell.
    """
    if not (min(lattice.a, lattice.b, lattice.c) > 0 and lattice.volume > 0):
        raise InputError(
            f"The lattice a={lattice.a:g} b={lattice.b:g} c={lattice.c:g} alpha={lattice.alpha:g} "
            f"beta={lattice.beta:g} gamma={lattice.gamma:g} encloses no volume: give lengths above 0 and "
            "angles that close to a cell."
        )
    cosines = np.cos(np.radians([lattice.alpha, lattice.beta, lattice.gamma]))
    ratios = np.log([lattice.b / lattice.a, lattice.c / lattice.a])
    return np.array([np.log(lattice.volume), *ratios, *cosines])


def constrained_shape(system: str, shape: FloatArray) -> FloatArray:
    """The same shape with everything the crystal system fixes put in place, shape (..., 6)."""
    fixed = np.zeros(6)
    if system in ("hexagonal", "trigonal"):
        fixed[5] = -0.5
    free = np.zeros(6, dtype=bool)
    free[list(FREE_SHAPE[system])] = True
    return np.where(free, shape, fixed)


def shape_to_cell(shape: FloatArray) -> FloatArray:
    """Lattice rows in Å from a SHAPE, shape (..., 6) -> (..., 3, 3); a along x, b in the xy plane.

    Every SHAPE gives a cell of its volume. Where the cosines alone would give a flat cell or none, c is
    lifted out of the plane of a and b and grows longer than its ratio to a says.
    """
    cosines = np.clip(shape[..., 3:], -MAX_COSINE, MAX_COSINE)
    square = 1 - np.sum(cosines**2, -1) + 2 * np.prod(cosines, -1)
    root = np.sqrt(np.clip(square, MIN_SQUARED_VOLUME, None))
    a = np.exp((shape[..., 0] - np.log(root) - shape[..., 1] - shape[..., 2]) / 3)
    b, c = a * np.exp(shape[..., 1]), a * np.exp(shape[..., 2])
    cos_alpha, cos_beta, cos_gamma = cosines[..., 0], cosines[..., 1], cosines[..., 2]
    sin_gamma = np.sqrt(1 - cos_gamma**2)
    zero = np.zeros_like(a)
    rows = [
        np.stack([a, zero, zero], -1),
        np.stack([b * cos_gamma, b * sin_gamma, zero], -1),
        np.stack(
            [c * cos_beta, c * (cos_alpha - cos_beta * cos_gamma) / sin_gamma, c * root / sin_gamma], -1
        ),
    ]
    return np.stack(rows, -2)


def cell_matrices(parameters: FloatArray) -> FloatArray:
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
