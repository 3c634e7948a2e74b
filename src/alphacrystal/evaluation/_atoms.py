"""A cell of atoms as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import min_image_distances
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


@dataclass(frozen=True, slots=True, eq=False)
class AtomicCell:
    """Lattice and atoms of one cell.

    Attributes:
        lattice: Rows are vectors in Å, shape (3, 3).
        positions: Fractional coordinates, shape (atoms, 3).
        numbers: Atomic numbers, shape (atoms,).
    """

    lattice: FloatArray
    positions: FloatArray
    numbers: IntArray

    @classmethod
    def of(cls, structure: Structure) -> AtomicCell:
        """The arrays of an ordered structure, atoms in its order."""
        return cls(
            np.array(structure.lattice.matrix),
            np.array(structure.frac_coords),
            np.array([site.specie.Z for site in structure], dtype=np.int64),
        )

    def distances(self) -> FloatArray:
        """Shortest periodic distance of every two atoms in Å, shape (atoms, atoms)."""
        return min_image_distances(self.lattice, self.positions)
