"""The working form of a crystal: arrays and the symmetry it keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.crystal._symmetry_operations import CrystalSymmetry


@dataclass(slots=True)
class Crystal:
    """A periodic crystal that an optimiser may move in place.

    Attributes:
        numbers: Atomic numbers, shape (atoms,).
        lattice: Cell vectors as rows in Å, shape (3, 3).
        frac_coords: Fractional coordinates, shape (atoms, 3); never wrapped while the crystal moves, so that
            the lattice translations stored in its symmetry stay valid.
        symmetry: The operations the crystal has exactly; None: only the identity.
        workspace: Scratch data of a potential (its neighbour graph), unused by other code.
    """

    numbers: IntArray
    lattice: FloatArray
    frac_coords: FloatArray
    symmetry: CrystalSymmetry | None = None
    workspace: object = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def volume(self) -> float:
        """Cell volume in Å³."""
        return abs(float(np.linalg.det(self.lattice)))

    @classmethod
    def from_structure(cls, structure: Structure) -> Crystal:
        """Take the arrays of an ordered pymatgen structure."""
        return cls(
            numbers=np.array(structure.atomic_numbers, dtype=np.int64),
            lattice=np.array(structure.lattice.matrix, dtype=np.float64),
            frac_coords=np.array(structure.frac_coords, dtype=np.float64),
        )

    def to_structure(self) -> Structure:
        """A new pymatgen structure with coordinates wrapped into the cell."""
        from pymatgen.core import Lattice, Structure

        return Structure(Lattice(self.lattice), self.numbers.tolist(), self.frac_coords % 1.0)
