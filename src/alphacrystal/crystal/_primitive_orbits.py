"""Orbits of Wyckoff positions as affine maps of their free coordinates, and the inverse of these maps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import combinations, product

import numpy as np

from alphacrystal.crystal._wyckoff import space_group
from alphacrystal.typing import BoolArray, FloatArray, IndexArray, IntArray

GENERIC = np.array([0.1234567, 0.2718281, 0.4142135])
PARAMETER_TOLERANCE = 2e-3  # of a fractional coordinate


@dataclass(frozen=True, slots=True, eq=False)
class PrimitiveOrbit:
    """The atoms of one orbit in the primitive cell: ``linear @ x + constant`` in fractional coordinates.

    Attributes:
        index: Number of the Wyckoff position in the group, 0 for the most special one.
        letter: Wyckoff letter.
        linear: shape (atoms, 3, free), in the basis of the primitive cell.
        constant: shape (atoms, 3).
        polar: True for free coordinates along which the whole crystal can be shifted at will (polar
            directions of the group), shape (free,).
        canonical: True for the first of the letters that a shift of the origin (or another coset of the
            Euclidean normaliser) turns into each other.
        representatives: Atoms of which one can be anywhere the orbit can be: the first of those that share a
            point, a line, a plane or all space, shape (representatives,).
    """

    index: int
    letter: str
    linear: FloatArray
    constant: FloatArray
    polar: BoolArray
    canonical: bool
    representatives: IndexArray

    @property
    def multiplicity(self) -> int:
        """Atoms in the primitive cell."""
        return len(self.linear)

    @property
    def free(self) -> int:
        """Free coordinates, 0 to 3."""
        return int(self.linear.shape[2])

    def in_basis(self, transformation: FloatArray) -> PrimitiveOrbit:
        """The orbit with fractional coordinates ``transformation @ x`` of another primitive cell."""
        return replace(
            self,
            linear=np.einsum("ab,mbf->maf", transformation, self.linear),
            constant=self.constant @ transformation.T,
        )


@cache
def primitive_orbits(number: int) -> tuple[PrimitiveOrbit, ...]:
    """Orbits of all Wyckoff positions of a space group, most special first."""
    group = space_group(number)
    orbits = []
    names = list(group.positions)
    for index, position in enumerate(group.positions.values()):
        linear, constant = position.linear, position.constant
        points = (linear @ GENERIC[: position.free] + constant) @ group.to_primitive.T
        keys = np.round(points % 1.0, 5) % 1.0
        _, first = np.unique(keys, axis=0, return_index=True)
        chosen = np.sort(first)
        moved = np.einsum("oab,bf->oaf", group.rotations, linear[0])
        primitive_linear = np.einsum("ab,mbf->maf", group.to_primitive, linear[chosen])
        primitive_constant = constant[chosen] @ group.to_primitive.T
        orbits.append(
            PrimitiveOrbit(
                index=index,
                letter=position.letter,
                linear=primitive_linear,
                constant=primitive_constant,
                polar=np.all(np.abs(moved - linear[0]) < 1e-9, axis=(0, 1)),
                canonical=all(
                    names.index(image[position.letter]) >= names.index(position.letter)
                    for image in group.equivalent_letters
                ),
                representatives=_representatives(primitive_linear, primitive_constant),
            )
        )
    return tuple(orbits)


def _representatives(linear: FloatArray, constant: FloatArray) -> IndexArray:
    """Atoms of an orbit whose points, lines or planes are different ones up to lattice translations."""
    free = linear.shape[2]
    if free == 3:
        return np.zeros(1, dtype=np.intp)
    shifts = np.array(list(product((-2, -1, 0, 1, 2), repeat=3)), dtype=float)
    representatives: list[int] = []
    for atom in range(len(linear)):
        point = linear[atom] @ GENERIC[:free] + constant[atom]
        for representative in representatives:
            gaps = point - constant[representative] + shifts  # (shifts, 3)
            inverse = np.linalg.pinv(linear[representative]) if free else np.zeros((0, 3))
            rest = gaps - gaps @ inverse.T @ linear[representative].T
            if np.abs(rest).max(1).min() < 1e-6:
                break
        else:
            representatives.append(atom)
    return np.array(representatives, dtype=np.intp)


def orbit_parameters(number: int, letter: str, point: FloatArray) -> FloatArray:
    """All values of the free coordinates of a Wyckoff position that put one of its atoms at a point.

    Args:
        number: Space group.
        letter: Wyckoff letter.
        point: Fractional coordinates in the conventional cell, shape (3,).

    Returns:
        In [0, 1), shape (solutions, free); one for each operation that maps the orbit onto itself, none
        where no atom of the position can be there.
    """
    position = space_group(number).positions[letter]
    rows, inverses = _solvers(number, letter)
    offset = point - position.constant  # (members, 3)
    values = np.einsum("mij,mj->mi", inverses, np.take_along_axis(offset, rows, 1))
    left = np.einsum("mij,mj->mi", position.linear, values) - offset
    fits = np.abs(left - left.round()).max(1) < PARAMETER_TOLERANCE
    return np.asarray(np.unique(np.round(values[fits] % 1.0, 6) % 1.0, axis=0))


@lru_cache(maxsize=4000)
def _solvers(number: int, letter: str) -> tuple[IntArray, FloatArray]:
    """Coordinates that give the parameters of each member, (members, free), and their inverse matrices."""
    position = space_group(number).positions[letter]
    rows = [_unimodular_rows(linear) for linear in position.linear]
    inverses = [
        np.linalg.inv(linear[list(chosen)]) for linear, chosen in zip(position.linear, rows, strict=True)
    ]
    shape = (position.multiplicity, position.free)
    return (
        np.array(rows, dtype=np.int64).reshape(shape),
        np.array(inverses, dtype=float).reshape(*shape, position.free),
    )


def _unimodular_rows(linear: FloatArray) -> tuple[int, ...]:
    """Rows of a (3, free) matrix of whole numbers whose inverse is one of whole numbers too."""
    return next(
        rows
        for rows in combinations(range(3), linear.shape[1])
        if abs(abs(np.linalg.det(linear[list(rows)])) - 1) < 1e-6
    )
