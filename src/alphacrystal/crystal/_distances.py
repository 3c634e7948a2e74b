"""Minimum-image distances for any cell, nearest neighbours, the contact criterion, and least distances."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from ase.data import covalent_radii

from alphacrystal.errors import one_line
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

NEIGHBOUR_IMAGES: FloatArray = np.array(list(itertools.product((-1, 0, 1), repeat=3)), dtype=np.float64)

# Å; far above the numerical noise of a symmetrised crystal, far below a difference that means something.
SAME_DISTANCE = 2e-3

#: Largest distance of a contact, relative to the sum of the covalent radii of Cordero et al.
#: (doi:10.1039/b801115j, as in ASE).
CONTACT_FACTOR = 1.25
MAX_LEAST_DISTANCE = 10.0  # Å


def minkowski_reduced(lattice: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Reduced basis (rows, Å) of the same lattice, and the integer ``m`` with ``reduced = m @ lattice``."""
    import moyopy

    reduced, transformation = moyopy.minkowski_reduce(np.asarray(lattice, dtype=float).tolist())
    # moyopy gives columns: reduced.T = lattice.T @ transformation
    return np.array(reduced, dtype=np.float64), np.rint(np.array(transformation, dtype=np.float64)).T


def min_image_distances(lattice: FloatArray, fractional: FloatArray) -> FloatArray:
    """Shortest distance between every two atoms over all periodic images, in Å.

    In a Minkowski-reduced basis the nearest image of a difference wrapped into [-1/2, 1/2] lies among the
    27 neighbouring cells (Nguyen & Stehlé, doi:10.1145/1597036.1597050, for dimension three), so reducing
    first makes the search exact for any cell.

    Args:
        lattice: Rows are vectors in Å, shape (3, 3).
        fractional: Fractional coordinates, shape (..., atoms, 3).

    Returns:
        Distances, shape (..., atoms, atoms), zero on the diagonal.
    """
    reduced, transformation = minkowski_reduced(lattice)
    coordinates = fractional @ np.linalg.inv(transformation)
    return _shortest(coordinates[..., :, None, :] - coordinates[..., None, :, :], reduced)


def min_image_pair_distances(
    lattice: FloatArray, fractional: FloatArray, rows: IntArray, columns: IntArray
) -> FloatArray:
    """Shortest distances of some pairs of atoms over all periodic images, in Å.

    Args:
        lattice: Rows are vectors in Å, shape (3, 3).
        fractional: Fractional coordinates, shape (..., atoms, 3).
        rows: First atom of each pair, shape (pairs,).
        columns: Second atom of each pair, shape (pairs,).

    Returns:
        Distances, shape (..., pairs).
    """
    reduced, transformation = minkowski_reduced(lattice)
    coordinates = fractional @ np.linalg.inv(transformation)
    return _shortest(coordinates[..., rows, :] - coordinates[..., columns, :], reduced)


def _shortest(difference: FloatArray, reduced: FloatArray) -> FloatArray:
    """Minimum-image lengths in Å of fractional differences in a reduced basis, (..., 3) -> (...)."""
    wrapped = difference - np.round(difference)
    vectors = (wrapped[..., None, :] + NEIGHBOUR_IMAGES) @ reduced  # (..., 27, 3)
    return np.asarray(np.sqrt(np.min(np.sum(vectors**2, axis=-1), axis=-1)))


def distance_levels(distances: FloatArray) -> IntArray:
    """Number of each distance among the distinct ones, 0 for the shortest; same shape as the input.

    Neighbours on the number line closer than ``SAME_DISTANCE`` share a level. Rounding to a grid would tear
    apart equal distances that lie on a grid line up to numerical noise; this does not.
    """
    values = np.unique(distances)
    level = np.concatenate([[0], np.cumsum(np.diff(values) > SAME_DISTANCE)])
    return np.asarray(level[np.searchsorted(values, distances)], dtype=np.int64)


def contact_limits(numbers: IntArray) -> FloatArray:
    """Largest contact distance in Å of each pair of atoms, (..., atoms) -> (..., atoms, atoms)."""
    radii = covalent_radii[numbers]
    return np.asarray(CONTACT_FACTOR * (radii[..., :, None] + radii[..., None, :]))


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


def parse_distance_limits(values: Mapping[object, object] | Sequence[object]) -> dict[str, float]:
    """Limits in Å by pair of elements in alphabetical order, e.g. {"O-Ti": 1.8}.

    Args:
        values: Limits by pair, or texts such as "Ti-O=1.8"; of several limits of a pair the largest counts.

    Raises:
        ValueError: A pair or a distance cannot be used; the message says how to write one.
    """
    items = values.items() if isinstance(values, Mapping) else [str(v).partition("=")[::2] for v in values]
    limits: dict[str, float] = {}
    for pair, distance in items:
        elements = re.fullmatch(r"\s*([A-Z][a-z]?)\s*-\s*([A-Z][a-z]?)\s*", str(pair))
        try:
            limit = float(str(distance))
        except ValueError:
            limit = -1.0
        if elements is None or not 0 < limit <= MAX_LEAST_DISTANCE:
            raise ValueError(
                f"give two elements and a distance up to {MAX_LEAST_DISTANCE:g} Å, e.g. O-O=2.4, not "
                f"{one_line(f'{pair}={distance}'[:40])!r}"
            )
        name = "-".join(sorted(elements.groups()))
        limits[name] = max(limit, limits.get(name, 0.0))
    return dict(sorted(limits.items()))
