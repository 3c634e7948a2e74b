"""A hypothesis as an affine map: free Wyckoff coordinates in, atoms of a reduced primitive cell out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from alphacrystal.composition import element_order
from alphacrystal.crystal._distances import minkowski_reduced
from alphacrystal.crystal._hypothesis import SymmetryHypothesis
from alphacrystal.crystal._lattices import FREE_SHAPE, cell_shape, shape_to_cell
from alphacrystal.crystal._wyckoff import letter_index, space_group

Array = NDArray[np.float64]


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

    numbers: NDArray[np.int64]
    letters: NDArray[np.int64]
    orbits: NDArray[np.int64]
    linear: Array
    constant: Array
    basis: Array
    shape: Array
    shape_scale: Array

    @property
    def free(self) -> int:
        """Number of free coordinates."""
        return int(self.linear.shape[2])

    def conventional(self, z: Array) -> Array:
        """Conventional rows in Å for deviations in units of the spread, shape (..., 6) -> (..., 3, 3)."""
        return shape_to_cell(self.shape + self.shape_scale * z)

    def lattice(self, z: Array) -> Array:
        """Reduced primitive lattice rows in Å, shape (..., 6) -> (..., 3, 3)."""
        return np.asarray(self.basis @ self.conventional(z))

    def positions(self, x: Array) -> Array:
        """Fractional coordinates in the reduced primitive basis, shape (..., free) -> (..., atoms, 3)."""
        return np.asarray(np.einsum("aik,...k->...ai", self.linear, x) + self.constant)


def encode(hypothesis: SymmetryHypothesis) -> CrystalEncoding:
    """Affine encoding of a symmetry hypothesis."""
    group = space_group(hypothesis.space_group)
    lattice = hypothesis.lattice
    conventional = lattice.matrix()
    primitive = group.primitive_basis(conventional)
    _, reduction = minkowski_reduced(primitive)
    # rows: reduced = reduction @ primitive = reduction @ inverse(to_primitive).T @ conventional
    basis = reduction @ np.linalg.inv(group.to_primitive).T
    to_reduced = np.linalg.inv(basis).T  # conventional -> reduced fractional coordinates
    numbers, letters, orbits, linears, constants = [], [], [], [], []
    free = orbit = 0
    for element in sorted(hypothesis.occupation, key=element_order):
        own = sorted(
            hypothesis.occupation[element], key=lambda x: (group.positions[x].multiplicity, letter_index(x))
        )
        for letter in own:
            position = group.positions[letter]
            members = _one_per_lattice_point(position.linear, position.constant, to_reduced)
            for member in members:
                numbers.append(atomic_numbers[element])
                letters.append(letter_index(letter) + 1)
                orbits.append(orbit)
                linears.append((free, to_reduced @ position.linear[member]))
                constants.append(to_reduced @ position.constant[member])
            free += position.free
            orbit += 1
    linear = np.zeros((len(numbers), 3, free))
    for atom, (start, part) in enumerate(linears):
        linear[atom, :, start : start + part.shape[1]] = part
    allowed = np.zeros(6)
    allowed[list(FREE_SHAPE[group.crystal_system])] = 1
    return CrystalEncoding(
        numbers=np.array(numbers, dtype=np.int64),
        letters=np.array(letters, dtype=np.int64),
        orbits=np.array(orbits, dtype=np.int64),
        linear=linear,
        constant=np.array(constants),
        basis=basis,
        shape=cell_shape(lattice),
        shape_scale=np.array(hypothesis.shape_scale) * allowed,
    )


def _one_per_lattice_point(linear: Array, constant: Array, to_reduced: Array) -> list[int]:
    """Members of an orbit of the conventional cell that differ by more than a lattice vector."""
    generic = np.array([0.1234567, 0.2718281, 0.4142135])[: linear.shape[2]]
    points = (linear @ generic + constant) @ to_reduced.T
    keys = np.round(points % 1.0, 5) % 1.0
    _, first = np.unique(keys, axis=0, return_index=True)
    return sorted(int(index) for index in first)
