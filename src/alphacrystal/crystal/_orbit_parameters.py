"""The free coordinates of an orbit from the place of one of its atoms."""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np

from alphacrystal.crystal._wyckoff import space_group
from alphacrystal.typing import FloatArray, IntArray

TOLERANCE = 2e-3  # of a fractional coordinate


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
    fits = np.abs(left - left.round()).max(1) < TOLERANCE
    return np.asarray(np.unique(np.round(values[fits] % 1.0, 6) % 1.0, axis=0))


@lru_cache(maxsize=4000)
def _solvers(number: int, letter: str) -> tuple[IntArray, FloatArray]:
    """Coordinates that give the parameters of each member, (members, free), and their inverse matrices."""
    position = space_group(number).positions[letter]
    rows = [_unimodular_rows(linear) for linear in position.linear]
    inverses = [np.linalg.inv(linear[list(own)]) for linear, own in zip(position.linear, rows, strict=True)]
    shape = (position.multiplicity, position.free)
    return (
        np.array(rows, dtype=np.int64).reshape(shape),
        np.array(inverses, dtype=float).reshape(*shape, position.free),
    )


def _unimodular_rows(linear: FloatArray) -> tuple[int, ...]:
    """Rows of a (3, free) matrix of whole numbers whose inverse is one of whole numbers too."""
    return next(
        rows
        for rows in itertools.combinations(range(3), linear.shape[1])
        if abs(abs(np.linalg.det(linear[list(rows)])) - 1) < 1e-6
    )
