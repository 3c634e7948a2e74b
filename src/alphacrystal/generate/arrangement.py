"""Crystals from a space group, Wyckoff letters, a cell and coordinates; contacts and expected volumes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_numbers, covalent_radii

from alphacrystal.crystal import (
    NEIGHBOUR_IMAGES,
    can_place,
    first_assignments,
    letter_index,
    minkowski_reduced,
    primitive_orbits,
    space_group,
)
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.composition import Formula


#: Spread of the logarithm of the volume about the table's: 5 to 95 % of validation compounds are within
#: -0.19 to +0.4, half within 0.08.
VOLUME_SPREAD = 0.12
UNKNOWN_VOLUME = 25.0  # Å³; of elements that no training crystal holds


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """Atoms of the primitive cell as affine functions of the free Wyckoff coordinates.

    Attributes:
        space_group: International number.
        letters: Wyckoff letters of each element, one per orbit.
        elements: In the order of ``letters``.
        formula_units: Z of the primitive cell.
        numbers: Atomic numbers, shape (atoms,).
        linear: In the basis of the primitive cell, shape (atoms, 3, free).
        constant: shape (atoms, 3).
    """

    space_group: int
    letters: tuple[str, ...]
    elements: tuple[str, ...]
    formula_units: int
    numbers: IntArray
    linear: FloatArray
    constant: FloatArray

    @property
    def free(self) -> int:
        """Free coordinates."""
        return int(self.linear.shape[2])

    def positions(self, coordinates: FloatArray) -> FloatArray:
        """Fractional coordinates in the primitive cell, shape (..., free) -> (..., atoms, 3)."""
        return np.asarray(np.einsum("aik,...k->...ai", self.linear, coordinates) + self.constant)

    def primitive(self, conventional: FloatArray) -> FloatArray:
        """Rows of the primitive cell in Å for those of the conventional one, shape (..., 3, 3)."""
        return space_group(self.space_group).primitive_basis(conventional)

    def provenance(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "space_group": self.space_group,
            "wyckoff": dict(zip(self.elements, self.letters, strict=True)),
            "formula_units": self.formula_units,
        }


@lru_cache(20_000)
def arrangement(
    number: int, letters: tuple[str, ...], elements: tuple[str, ...], formula_units: int
) -> Arrangement:
    """The atoms of a Wyckoff assignment; the free coordinates of the orbits follow one another."""
    orbits = primitive_orbits(number)
    parts = [
        (element, orbits[letter_index(letter)])
        for element, element_letters in zip(elements, letters, strict=True)
        for letter in element_letters
    ]
    free = sum(orbit.free for _, orbit in parts)
    atoms = sum(orbit.multiplicity for _, orbit in parts)
    linear, constant = np.zeros((atoms, 3, free)), np.zeros((atoms, 3))
    numbers = np.zeros(atoms, dtype=np.int64)
    atom = column = 0
    for element, orbit in parts:
        rows = slice(atom, atom + orbit.multiplicity)
        linear[rows, :, column : column + orbit.free] = orbit.linear
        constant[rows], numbers[rows] = orbit.constant, atomic_numbers[element]
        atom, column = atom + orbit.multiplicity, column + orbit.free
    return Arrangement(number, letters, elements, formula_units, numbers, linear, constant)


def assignments(formula: Formula, formula_units: int, number: int, limit: int) -> list[tuple[str, ...]]:
    """The first ``limit`` Wyckoff assignments of a primitive cell content, fewest orbits first."""
    counts = tuple(count * formula_units for count in formula.counts.values())
    return first_assignments(number, counts, limit) if can_place(number, counts) else []


def closest_contacts(lattices: FloatArray, positions: FloatArray, numbers: IntArray) -> FloatArray:
    """Smallest distance over the sum of covalent radii, among all pairs of atoms and images of one atom.

    Args:
        lattices: Rows in Å, shape (crystals, 3, 3).
        positions: Fractional, shape (crystals, atoms, 3).
        numbers: Atomic numbers that all share, shape (atoms,).

    Returns:
        shape (crystals,).
    """
    pairs = [minkowski_reduced(lattice) for lattice in lattices]
    reduced = np.array([cell for cell, _ in pairs])
    inverse = np.linalg.inv(np.array([transformation for _, transformation in pairs]))
    coordinates = positions @ inverse
    radii = covalent_radii[numbers]
    rows, columns = np.triu_indices(len(numbers), 1)
    self_images = np.linalg.norm(reduced, axis=-1).min(-1) / (2 * radii.max())
    if not len(rows):
        return np.asarray(self_images)
    difference = coordinates[:, rows] - coordinates[:, columns]
    difference -= np.round(difference)  # (crystals, pairs, 3)
    # the cell is reduced: the nearest image is among the 27 neighbours
    images = np.einsum("ij,cjk->cik", NEIGHBOUR_IMAGES, reduced)
    vectors = (difference @ reduced)[:, :, None] + images[:, None]  # (crystals, pairs, 27, 3)
    distances = np.sqrt(np.square(vectors).sum(-1).min(-1))
    return np.asarray(np.minimum((distances / (radii[rows] + radii[columns])).min(-1), self_images))


def to_structure(lattice: FloatArray, numbers: Sequence[int] | IntArray, positions: FloatArray) -> Structure:
    """A pymatgen structure, coordinates within the cell."""
    from pymatgen.core import Element, Lattice, Structure

    return Structure(Lattice(lattice), [Element.from_Z(int(z)) for z in numbers], positions % 1.0)


@cache
def atomic_volumes() -> Mapping[str, float]:
    """Volume in Å³ that an atom of each element adds to a crystal, fitted to known ones.

    Source: scripts/fit_atomic_volumes.py on Materials Project structures (CC BY 4.0); no benchmark compound
    is among them.
    """
    text = files("alphacrystal.generate").joinpath("data/atomic_volumes.json").read_text(encoding="utf-8")
    table: dict[str, float] = json.loads(text)["volumes"]
    return table


def expected_volume(counts: Mapping[str, int]) -> float:
    """Volume in Å³ of a cell content."""
    table = atomic_volumes()
    return sum(count * max(table.get(symbol, UNKNOWN_VOLUME), 1.0) for symbol, count in counts.items())
