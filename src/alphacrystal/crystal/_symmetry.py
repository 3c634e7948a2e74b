"""Find the space group of a cell and move the atoms onto it exactly."""

from __future__ import annotations

import logging

import numpy as np

from alphacrystal.crystal._crystal import Crystal, CrystalSymmetry
from alphacrystal.typing import FloatArray, IntArray

#: Largest misfit in fractional coordinates that is still put down to rounding after symmetrising.
_EXACT = 1e-9
#: Pairs of atoms that are compared at once, which take about 100 MB.
_PAIRS = 1_000_000


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
    permutations, shifts = _nearest_atoms(crystal, turned)
    if not (np.sort(permutations, axis=1) == np.arange(len(crystal))).all():
        return None
    # The translations found carry the noise of the input; refit each to the atoms it moves.
    translations = np.mean(x[permutations] + shifts - np.einsum("gab,ib->gia", rotations, x), axis=1)
    return CrystalSymmetry(
        dataset.number, rotations, translations, permutations, shifts, np.zeros((len(rotations), 3, 3))
    )


def _nearest_atoms(crystal: Crystal, turned: FloatArray) -> tuple[IntArray, IntArray]:
    """The nearest atom of the same element and its cell, for each atom that an operation has moved.

    Args:
        crystal: The crystal.
        turned: Fractional coordinates after each operation, shape (operations, atoms, 3).

    Returns:
        Indices of atoms, shape (operations, atoms), and cells, shape (operations, atoms, 3).
    """
    other = crystal.numbers[:, None] != crystal.numbers[None]
    atoms, cells = [], []
    # A supercell of N primitive cells has N times as many operations.
    for block in np.array_split(turned, -(-turned.shape[0] * len(crystal) ** 2 // _PAIRS)):
        difference = block[:, :, None] - crystal.frac_coords[None, None]  # (operations, atoms, atoms, 3)
        nearest = np.rint(difference)
        distance = np.linalg.norm((difference - nearest) @ crystal.lattice, axis=-1)
        distance[:, other] = np.inf
        found = distance.argmin(axis=-1)
        atoms.append(found)
        cells.append(np.take_along_axis(nearest, found[..., None, None], axis=2)[:, :, 0].astype(np.int64))
    return np.concatenate(atoms), np.concatenate(cells)


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
