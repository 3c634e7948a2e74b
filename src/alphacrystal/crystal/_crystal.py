"""The working form of a crystal: arrays, and the symmetry operations that it keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


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


@dataclass(frozen=True, slots=True)
class CrystalSymmetry:
    """The operations of a crystal's space group, in the basis of its cell.

    An operation g takes atom i at x_i to ``rotations[g] @ x_i + translations[g]``, which is atom
    ``permutations[g, i]`` moved by the lattice translation ``shifts[g, i]``.

    Attributes:
        number: International space group number.
        rotations: Shape (operations, 3, 3), integers acting on fractional column vectors.
        translations: Shape (operations, 3).
        permutations: Shape (operations, atoms).
        shifts: Shape (operations, atoms, 3), integers.
        cartesian: Shape (operations, 3, 3), orthogonal; act on Cartesian row vectors from the right. They
            hold for every cell reached by a symmetry-keeping strain.
    """

    number: int
    rotations: IntArray
    translations: FloatArray
    permutations: IntArray
    shifts: IntArray
    cartesian: FloatArray

    def __len__(self) -> int:
        return len(self.rotations)

    def symmetrise_vectors(self, vectors: FloatArray) -> FloatArray:
        """Average Cartesian vectors on atoms, shape (atoms, 3), over the group."""
        if len(self) == 1:
            return vectors
        turned = np.einsum("ia,gab->gib", vectors, self.cartesian)
        mean = np.zeros_like(vectors)
        np.add.at(mean, self.permutations.ravel(), turned.reshape(-1, 3))
        return mean / len(self)

    def symmetrise_tensor(self, tensor: FloatArray) -> FloatArray:
        """Average a Cartesian tensor, shape (3, 3), over the point group."""
        if len(self) == 1:
            return tensor
        w = self.cartesian
        mean: FloatArray = np.mean(np.transpose(w, (0, 2, 1)) @ tensor @ w, axis=0)
        return mean

    def displacement_basis(self) -> FloatArray:
        """Orthonormal symmetric displacements without uniform translation, shape (modes, atoms, 3)."""
        atoms = self.permutations.shape[1]
        projector = np.zeros((atoms, 3, atoms, 3))
        for permutation, w in zip(self.permutations, self.cartesian, strict=True):
            projector[permutation, :, np.arange(atoms), :] += w.T
        projector /= len(self)
        # Moving the whole crystal changes nothing, so those directions are not degrees of freedom.
        projector -= np.einsum(
            "ab,ij->iajb", projector.mean(axis=(0, 2)) * atoms, np.ones((atoms, atoms)) / atoms
        )
        return _range(projector.reshape(3 * atoms, 3 * atoms)).reshape(-1, atoms, 3)

    def strain_basis(self) -> FloatArray:
        """Orthonormal symmetric 3×3 tensors that the point group keeps, shape (modes, 3, 3)."""
        tensors = np.zeros((6, 3, 3))
        for row, (a, b) in enumerate([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]):
            tensors[row, a, b] = tensors[row, b, a] = 1.0 if a == b else np.sqrt(0.5)
        kept = np.array([self.symmetrise_tensor(t) for t in tensors])
        projector = kept.reshape(6, 9) @ tensors.reshape(6, 9).T
        return np.asarray(np.einsum("mk,kab->mab", _range(projector), tensors))


def _range(projector: FloatArray) -> FloatArray:
    """Rows that span the range of an orthogonal projector."""
    values, vectors = np.linalg.eigh((projector + projector.T) / 2)
    rows: FloatArray = vectors[:, values > 0.5].T
    return rows
