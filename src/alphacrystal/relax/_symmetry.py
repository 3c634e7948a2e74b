"""Space-group operations as they act on the atoms of one cell, and projections onto what they keep."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from alphacrystal.relax._crystal import Crystal
from alphacrystal.typing import FloatArray, IntArray

#: Largest misfit in fractional coordinates that is still put down to rounding after symmetrising.
_EXACT = 1e-9


@dataclass(frozen=True, slots=True)
class CrystalSymmetry:
    """The operations of a crystal's space group, in the basis of its own cell.

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


def identity_symmetry(crystal: Crystal) -> CrystalSymmetry:
    """The symmetry every crystal has."""
    atoms = len(crystal)
    return CrystalSymmetry(
        number=1,
        rotations=np.eye(3, dtype=np.int64)[None],
        translations=np.zeros((1, 3)),
        permutations=np.arange(atoms)[None],
        shifts=np.zeros((1, atoms, 3), dtype=np.int64),
        cartesian=np.eye(3)[None],
    )


def symmetrise_crystal(crystal: Crystal, symprec: float) -> Crystal:
    """Find the space group and move the crystal onto it exactly.

    Args:
        crystal: The crystal as it came; not changed.
        symprec: Tolerance of the search in Å.

    Returns:
        A crystal whose ``symmetry`` holds to rounding. Where the operations found cannot be made exact
        (a cell at the edge of the tolerance), the crystal keeps only the identity.
    """
    symmetry = _find(crystal, symprec)
    if symmetry is None or len(symmetry) == 1:
        return Crystal(crystal.numbers, crystal.lattice, crystal.frac_coords, identity_symmetry(crystal))
    lattice = _symmetrised_lattice(crystal.lattice, symmetry.rotations)
    frac_coords = _symmetrised_positions(crystal.frac_coords, symmetry)
    turned = np.einsum("gab,ib->gia", symmetry.rotations, frac_coords)
    images = frac_coords[symmetry.permutations] + symmetry.shifts
    translations = np.mean(images - turned, axis=1)
    misfit = turned + translations[:, None] - images
    if np.abs(misfit).max() > _EXACT:
        return Crystal(crystal.numbers, crystal.lattice, crystal.frac_coords, identity_symmetry(crystal))
    cartesian = np.linalg.inv(lattice) @ np.transpose(symmetry.rotations, (0, 2, 1)) @ lattice
    exact = CrystalSymmetry(
        symmetry.number,
        symmetry.rotations,
        translations,
        symmetry.permutations,
        symmetry.shifts,
        cartesian,
    )
    return Crystal(crystal.numbers, lattice, frac_coords, exact)


def _find(crystal: Crystal, symprec: float) -> CrystalSymmetry | None:
    """Operations within ``symprec``, or None where the search or the atom mapping fails."""
    import moyopy

    # moyo warns about every borderline cell; the checks below decide instead.
    logging.getLogger("moyo").setLevel(logging.CRITICAL)
    cell = moyopy.Cell(crystal.lattice.tolist(), crystal.frac_coords.tolist(), crystal.numbers.tolist())
    try:
        dataset = moyopy.MoyoDataset(cell, symprec=symprec)
    except ValueError:
        return None
    rotations = np.array(dataset.operations.rotations, dtype=np.int64)
    translations = np.array(dataset.operations.translations, dtype=np.float64)
    x = crystal.frac_coords
    turned = np.einsum("gab,ib->gia", rotations, x) + translations[:, None]
    difference = turned[:, :, None] - x[None, None]  # (operations, atoms, atoms, 3)
    nearest = np.rint(difference)
    distance = np.linalg.norm((difference - nearest) @ crystal.lattice, axis=-1)
    distance[:, crystal.numbers[:, None] != crystal.numbers[None]] = np.inf
    permutations = distance.argmin(axis=-1)
    atoms = np.arange(len(crystal))
    if not (np.sort(permutations, axis=1) == atoms).all():
        return None
    shifts = np.take_along_axis(nearest, permutations[..., None, None], axis=2)[:, :, 0].astype(np.int64)
    # The translations found carry the noise of the input; refit each to the atoms it moves.
    translations = np.mean(x[permutations] + shifts - np.einsum("gab,ib->gia", rotations, x), axis=1)
    return CrystalSymmetry(
        dataset.number, rotations, translations, permutations, shifts, np.zeros((len(rotations), 3, 3))
    )


def _symmetrised_lattice(lattice: FloatArray, rotations: IntArray) -> FloatArray:
    """The cell with the averaged metric tensor that is nearest to ``lattice`` without turning it."""
    metric = lattice @ lattice.T
    metric = np.mean(np.transpose(rotations, (0, 2, 1)) @ metric @ rotations, axis=0)
    inverse = np.linalg.inv(lattice)
    values, vectors = np.linalg.eigh(inverse @ metric @ inverse.T)
    stretch = (vectors * np.sqrt(values)) @ vectors.T
    return np.asarray(lattice @ stretch, dtype=np.float64)


def _symmetrised_positions(frac_coords: FloatArray, symmetry: CrystalSymmetry) -> FloatArray:
    """Average of every atom over the images that the operations bring to it."""
    images = np.einsum("gab,ib->gia", symmetry.rotations, frac_coords)
    images += symmetry.translations[:, None] - symmetry.shifts
    mean = np.zeros_like(frac_coords)
    np.add.at(mean, symmetry.permutations.ravel(), images.reshape(-1, 3))
    return mean / len(symmetry)
