"""All ways to lay one lattice on another with little strain."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from alphacrystal.typing import FloatArray, IntArray

#: Correspondences are left out where their shear (norm of the deviatoric logarithmic strain) exceeds the
#: least one by more.
MARGIN = 0.1

FIRST_SHEAR = 0.2
LARGEST_SHEAR = 2.5
#: Lattice points, and triples of them, worth looking at; only needles against cubes need more.
_MOST_POINTS = 300_000
_MOST_TRIPLES = 30_000_000
_NONE: IntArray = np.zeros((0, 3, 3), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Correspondence:
    """A basis of one lattice that is mapped to the basis of another.

    Attributes:
        matrix: Integer rows: ``matrix @ other`` is the basis that corresponds to ``lattice``; determinant ±1.
        strain: Euclidean norm of the three principal logarithmic strains between both.
        middle: Basis half way between both in the orientation of ``lattice``, rows in Å, shape (3, 3).
    """

    matrix: IntArray
    strain: float
    middle: FloatArray


def correspondences(
    lattice: FloatArray, other: FloatArray, largest: float = LARGEST_SHEAR
) -> list[Correspondence]:
    """All correspondences with a shear near the least one, by strain.

    Both are Minkowski-reduced bases, rows in Å; the result does not depend on the choice of the reduced
    basis. There is none if the least shear exceeds ``largest``, as for a needle and a cube.
    """
    volumes = abs(np.linalg.det(lattice)), abs(np.linalg.det(other))
    scaled = other * (volumes[0] / volumes[1]) ** (1 / 3)
    shear = FIRST_SHEAR
    matrices = _within(lattice, scaled, shear)
    while not len(matrices) and shear < min(largest, LARGEST_SHEAR):
        shear *= 1.5
        matrices = _within(lattice, scaled, shear)
    if not len(matrices):
        return []
    least = _log_strains(lattice, matrices @ scaled).min()
    if least > largest:
        return []
    matrices = _within(lattice, scaled, least + MARGIN + 1e-9)
    return sorted(
        (_correspondence(lattice, other, matrix) for matrix in matrices), key=lambda item: item.strain
    )


def _within(lattice: FloatArray, other: FloatArray, shear: float) -> IntArray:
    """Matrices whose shear is at most ``shear``, shape (k, 3, 3); both lattices have one volume."""
    lengths = np.linalg.norm(lattice, axis=1)
    reach = lengths.max() * np.exp(shear) * np.linalg.norm(np.linalg.inv(other), axis=0)
    ranges = [np.arange(-limit, limit + 1) for limit in np.floor(reach + 1e-9).astype(int)]
    if np.prod([float(len(steps)) for steps in ranges]) > _MOST_POINTS:
        return _NONE
    points = np.stack(np.meshgrid(*ranges, indexing="ij"), -1).reshape(-1, 3)
    vectors = points @ other
    size = np.linalg.norm(vectors, axis=1)
    with np.errstate(divide="ignore"):
        rows = [np.flatnonzero(np.abs(np.log(size / length)) <= shear) for length in lengths]
    if np.prod([float(len(index)) for index in rows]) > _MOST_TRIPLES:
        return _NONE
    # A face is stretched by two principal strains: by at most sqrt(2) of their norm.
    first, second = (index.ravel() for index in np.meshgrid(rows[0], rows[1], indexing="ij"))
    face = np.linalg.norm(np.cross(lattice[0], lattice[1]))
    with np.errstate(divide="ignore"):
        areas = np.log(np.linalg.norm(np.cross(vectors[first], vectors[second]), axis=1) / face)
    kept = np.abs(areas) <= np.sqrt(2) * shear
    normals = np.cross(points[first[kept]], points[second[kept]])  # (pairs, 3)
    pair, third = np.nonzero(np.abs(normals @ points[rows[2]].T) == 1)
    matrices = np.stack(
        [points[first[kept][pair]], points[second[kept][pair]], points[rows[2][third]]], axis=1
    )
    # Stretches of this shear at equal volume are longest, by the sum of their squares, where one exceeds two
    # equal ones. Few matrices pass this test, which takes a hundredth of the time of the exact one.
    longest = np.exp(4 * shear / np.sqrt(6)) + 2 * np.exp(-2 * shear / np.sqrt(6))
    squares = ((np.linalg.inv(lattice) @ (matrices @ other)) ** 2).sum((1, 2))
    matrices = np.asarray(matrices[squares <= longest * (1 + 1e-9)])
    if not len(matrices):
        return matrices
    return np.asarray(matrices[_log_strains(lattice, matrices @ other) <= shear])


def _log_strains(lattice: FloatArray, others: FloatArray) -> FloatArray:
    """Norm of the principal logarithmic strains of each of ``others``, shape (k,)."""
    stretches = np.linalg.svd(np.linalg.inv(lattice) @ others, compute_uv=False)
    return np.asarray(np.linalg.norm(np.log(stretches), axis=-1))


def _correspondence(lattice: FloatArray, other: FloatArray, matrix: IntArray) -> Correspondence:
    left, stretches, _ = np.linalg.svd(np.linalg.inv(lattice) @ matrix @ other)
    stretch = (left * stretches) @ left.T
    middle = lattice @ (np.eye(3) + stretch) / 2
    return Correspondence(matrix, float(np.linalg.norm(np.log(stretches))), middle)


def sublattices(index: int) -> Iterator[IntArray]:
    """One basis of each sublattice of an index, in units of the lattice basis (Hermite normal forms)."""
    for a, c in itertools.product(range(1, index + 1), repeat=2):
        if index % (a * c):
            continue
        f = index // (a * c)
        for b, d, e in itertools.product(range(c), range(f), range(f)):
            yield np.array([[a, b, d], [0, c, e], [0, 0, f]], dtype=np.int64)
