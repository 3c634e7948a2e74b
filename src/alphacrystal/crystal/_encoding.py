"""A hypothesis as an affine map: free Wyckoff coordinates in, atoms of a reduced primitive cell out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from ase.data import atomic_numbers

from alphacrystal.composition import element_order
from alphacrystal.crystal._distances import minkowski_reduced
from alphacrystal.crystal._hypothesis import SymmetryHypothesis
from alphacrystal.crystal._lattices import FREE_SHAPE, cell_shape, shape_to_cell
from alphacrystal.crystal._wyckoff import letter_index, multiplicities, orbit_order, space_group
from alphacrystal.typing import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class CrystalEncoding:
    """Atoms of the primitive cell as affine functions of the free coordinates of a hypothesis.

    Fractional coordinates in the reduced primitive basis are ``linear @ x + constant``. Atoms are ordered by
    element (electronegativity), then orbit (multiplicity, letter).

    Attributes:
        numbers: Atomic numbers, shape (atoms,).
        letters: Wyckoff letter index + 1 of each atom, shape (atoms,).
        orbits: Orbit of each atom, shape (atoms,).
        linear: shape (atoms, 3, free).
        constant: shape (atoms, 3).
        basis: Maps the conventional lattice rows to the reduced primitive rows, shape (3, 3).
        shape: SHAPE of the conventional cell, shape (6,).
        shape_scale: Spread of the free entries of ``shape``, 0 for fixed ones, shape (6,).
    """

    numbers: IntArray
    letters: IntArray
    orbits: IntArray
    linear: FloatArray
    constant: FloatArray
    basis: FloatArray
    shape: FloatArray
    shape_scale: FloatArray

    @property
    def free(self) -> int:
        """Number of free coordinates."""
        return int(self.linear.shape[2])

    def conventional(self, z: FloatArray) -> FloatArray:
        """Conventional rows in Å for deviations in units of the spread, shape (..., 6) -> (..., 3, 3)."""
        return shape_to_cell(self.shape + self.shape_scale * z)

    def lattice(self, z: FloatArray) -> FloatArray:
        """Reduced primitive lattice rows in Å, shape (..., 6) -> (..., 3, 3)."""
        return np.asarray(self.basis @ self.conventional(z))

    def positions(self, x: FloatArray) -> FloatArray:
        """Fractional coordinates in the reduced primitive basis, shape (..., free) -> (..., atoms, 3)."""
        return np.asarray(np.einsum("aik,...k->...ai", self.linear, x) + self.constant)


@dataclass(frozen=True, slots=True, eq=False)
class AtomSites:
    """The atoms of the primitive cell of a hypothesis, in the order of ``CrystalEncoding``.

    Attributes:
        numbers: Atomic numbers, shape (atoms,).
        letters: Wyckoff letter index + 1 of each atom, shape (atoms,).
        orbits: Orbit of each atom, shape (atoms,).
        orbit_letters: Wyckoff letter of each orbit, shape (orbits,).
    """

    numbers: IntArray
    letters: IntArray
    orbits: IntArray
    orbit_letters: tuple[str, ...]


def atom_sites(hypothesis: SymmetryHypothesis) -> AtomSites:
    """Atoms of a hypothesis without their coordinates, which take far longer."""
    sizes = multiplicities(hypothesis.space_group)
    numbers, letters, repeats = [], [], []
    for element in sorted(hypothesis.occupation, key=element_order):
        element_letters = orbit_order(hypothesis.space_group, hypothesis.occupation[element])
        numbers += [atomic_numbers[element]] * len(element_letters)
        letters += element_letters
        repeats += [sizes[letter] for letter in element_letters]
    orbits = np.repeat(np.arange(len(letters)), repeats)
    return AtomSites(
        np.array(numbers, dtype=np.int64)[orbits],
        np.array([letter_index(letter) + 1 for letter in letters], dtype=np.int64)[orbits],
        orbits,
        tuple(letters),
    )


def encode(hypothesis: SymmetryHypothesis, setting: Sequence[str] | None = None) -> CrystalEncoding:
    """Affine encoding of a symmetry hypothesis.

    Args:
        hypothesis: Symmetry and cell.
        setting: Wyckoff letter of each orbit in another setting of the space group, which describes the same
            crystals with another origin; that of the hypothesis by default.
    """
    group = space_group(hypothesis.space_group)
    lattice = hypothesis.lattice
    conventional = lattice.matrix()
    primitive = group.primitive_basis(conventional)
    _, reduction = minkowski_reduced(primitive)
    # rows: reduced = reduction @ primitive = reduction @ inverse(to_primitive).T @ conventional
    basis = reduction @ np.linalg.inv(group.to_primitive).T
    to_reduced = np.linalg.inv(basis).T  # conventional -> reduced fractional coordinates
    sites = atom_sites(hypothesis)
    linears, constants = [], []
    free = 0
    for letter in setting or sites.orbit_letters:
        position = group.positions[letter]
        for member in primitive_members(hypothesis.space_group, letter):
            linears.append((free, to_reduced @ position.linear[member]))
            constants.append(to_reduced @ position.constant[member])
        free += position.free
    linear = np.zeros((len(linears), 3, free))
    for atom, (start, part) in enumerate(linears):
        linear[atom, :, start : start + part.shape[1]] = part
    allowed = np.zeros(6)
    allowed[list(FREE_SHAPE[group.crystal_system])] = 1
    return CrystalEncoding(
        numbers=sites.numbers,
        letters=sites.letters,
        orbits=sites.orbits,
        linear=linear,
        constant=np.array(constants),
        basis=basis,
        shape=cell_shape(lattice),
        shape_scale=np.array(hypothesis.shape_scale) * allowed,
    )


@cache
def primitive_members(number: int, letter: str) -> tuple[int, ...]:
    """Which atoms of an orbit of the conventional cell make up that of a primitive one."""
    group = space_group(number)
    position = group.positions[letter]
    generic = np.array([0.1234567, 0.2718281, 0.4142135])[: position.free]
    points = (position.linear @ generic + position.constant) @ group.to_primitive.T
    keys = np.round(points % 1.0, 5) % 1.0
    _, first = np.unique(keys, axis=0, return_index=True)
    return tuple(sorted(first.tolist()))
