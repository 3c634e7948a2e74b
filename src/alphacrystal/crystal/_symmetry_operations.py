"""The space-group operations of one cell, and projections onto symmetric displacements and strains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphacrystal.typing import FloatArray, IntArray


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
