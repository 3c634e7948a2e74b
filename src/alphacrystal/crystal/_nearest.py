"""The nearest neighbour of each atom of a crystal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal._distances import NEIGHBOUR_IMAGES, minkowski_reduced
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


def nearest_neighbours(structure: Structure) -> tuple[IntArray, FloatArray]:
    """The nearest neighbour of each atom, which may be an image of the atom itself.

    Returns:
        Index of the neighbour, shape (atoms,), and its distance in Å, shape (atoms,).
    """
    lattice, transformation = minkowski_reduced(structure.lattice.matrix)
    positions = structure.frac_coords @ np.linalg.inv(transformation)
    difference = positions[None] - positions[:, None]
    difference -= np.round(difference)
    vectors = (difference[:, :, None] + NEIGHBOUR_IMAGES) @ lattice  # (atoms, atoms, images, 3)
    squares = np.einsum("abik,abik->abi", vectors, vectors)
    home = np.flatnonzero((NEIGHBOUR_IMAGES == 0).all(axis=1))[0]
    atoms = np.arange(len(positions))
    squares[atoms, atoms, home] = np.inf
    shortest = squares.min(axis=2)
    nearest = shortest.argmin(axis=1)
    return nearest, np.sqrt(shortest[atoms, nearest])
