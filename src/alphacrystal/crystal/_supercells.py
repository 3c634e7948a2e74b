"""Supercells of a lattice without their symmetry-equivalent copies, and the permutations of their sites.

Source of the enumeration: Hart and Forcade, doi:10.1103/PhysRevB.77.224115.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphacrystal.typing import BoolArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Supercell:
    """A sublattice of a lattice.

    Attributes:
        vectors: Rows in units of the primitive cell, Hermite normal form (upper triangle), shape (3, 3).
        equivalent: Sublattices that the point group makes of this one, itself included.
    """

    vectors: IntArray
    equivalent: int


def supercells(rotations: IntArray, cells: int) -> list[Supercell]:
    """Sublattices of an index, one of each set that a point group exchanges.

    Args:
        rotations: Integer matrices that act on fractional column vectors, shape (operations, 3, 3).
        cells: Index: primitive cells in the supercell.
    """
    forms = np.array(
        [
            [[a, b, c], [0, d, e], [0, 0, cells // (a * d)]]
            for a in range(1, cells + 1)
            if cells % a == 0
            for d in range(1, cells // a + 1)
            if (cells // a) % d == 0
            for b in range(d)
            for c in range(cells // (a * d))
            for e in range(cells // (a * d))
        ]
    )
    # A rotation and its negative give the same sublattice.
    first = rotations.reshape(-1, 9)[np.arange(len(rotations)), (rotations.reshape(-1, 9) != 0).argmax(1)]
    turns = np.unique(rotations * np.sign(first)[:, None, None], axis=0).transpose(0, 2, 1)
    inverses = np.linalg.inv(forms)
    found: list[Supercell] = []
    while len(forms):
        images = np.tensordot(forms[0] @ turns, inverses, axes=(2, 1)).transpose(0, 2, 1, 3)
        same = _whole(images).any(0)
        found.append(Supercell(forms[0], int(same.sum())))
        forms, inverses = forms[~same], inverses[~same]
    return found


def supercell_points(supercell: IntArray) -> IntArray:
    """Lattice points of the primitive cell in a supercell, shape (cells, 3)."""
    return np.array(list(np.ndindex(*np.diag(supercell))), dtype=np.int64)


def cell_index(vectors: IntArray, supercell: IntArray) -> IntArray:
    """Place in ``supercell_points`` of each lattice vector, shape (..., 3) -> (...)."""
    reduced, sizes = vectors, np.diag(supercell)
    for axis in range(3):
        reduced = reduced - (reduced[..., axis] // sizes[axis])[..., None] * supercell[axis]
    index: IntArray = (reduced[..., 0] * sizes[1] + reduced[..., 1]) * sizes[2] + reduced[..., 2]
    return index


def site_permutations(
    supercell: IntArray, rotations: IntArray, images: IntArray, shifts: IntArray
) -> tuple[IntArray, IntArray]:
    """Permutations of the sites of a supercell by the operations that keep it, and by translations.

    Args:
        supercell: Rows in units of the primitive cell, shape (3, 3).
        rotations: Of the space group, shape (operations, 3, 3).
        images: Image of each site under each operation, shape (operations, sites).
        shifts: Cell of that image, shape (operations, sites, 3).

    Returns:
        Image of each site (cell by cell), shapes (operations * cells, cells * sites) and
        (cells - 1, cells * sites), the latter without the identity.
    """
    kept = _whole((supercell @ rotations.transpose(0, 2, 1)) @ np.linalg.inv(supercell))
    points = supercell_points(supercell)
    turned = np.einsum("oij,cj->oci", rotations[kept], points)
    moved = turned[:, None, :, None] + shifts[kept][:, None, None] + points[:, None, None]
    # Axes: operations, translations, cells, sites.
    places = cell_index(moved, supercell) * images.shape[1] + images[kept][:, None, None]
    size = len(points) * images.shape[1]
    copies = points[:, None] + points
    pure = cell_index(copies, supercell)[..., None] * images.shape[1] + np.arange(images.shape[1])
    return places.reshape(-1, size), pure.reshape(-1, size)[1:]


def _whole(matrices: NDArray[Any]) -> BoolArray:
    """Which matrices (..., 3, 3) hold whole numbers only."""
    return np.asarray((np.abs(matrices - np.rint(matrices)) < 1e-6).all((-1, -2)))
