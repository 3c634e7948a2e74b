"""Symmetry of crystals for the speed benchmarks: comparison after relaxation, symmetric perturbation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import moyopy
    from pymatgen.core import Structure

SYMPREC = 0.01  # Å, that of the relaxer
_MOVED = 0.02  # Å: largest distance of an atom from its image, twice that tolerance


@dataclass(frozen=True, slots=True)
class SymmetryComparison:
    """Result of the comparison.

    Attributes:
        operations_kept: Every operation of the start maps the final crystal onto itself, so its space group
            is that of the start or a supergroup.
        hypothesis_found: The number of operations of the start is that of the space group of its hypothesis,
            or a multiple; true if there is no hypothesis.
    """

    operations_kept: bool
    hypothesis_found: bool


def compare_symmetry(start: Structure, end: Structure, space_group: int | None) -> SymmetryComparison:
    """Compare a relaxed crystal with its start; both list the same atoms in the same order and cell."""
    import moyopy

    from alphacrystal.crystal import space_group as group_of_number

    dataset = moyopy.MoyoDataset(_cell(start), symprec=SYMPREC)
    rotations = np.array(dataset.operations.rotations, dtype=np.float64)
    translations = np.array(dataset.operations.translations)
    x, numbers = end.frac_coords, np.array(end.atomic_numbers)
    kept = True
    for rotation, shift in zip(rotations, translations, strict=True):
        gap = (x @ rotation.T + shift)[:, None] - x[None]
        gap -= np.rint(gap)
        distance = np.linalg.norm(gap @ end.lattice.matrix, axis=-1)  # (atoms, atoms)
        distance[numbers[:, None] != numbers[None]] = np.inf
        metric = end.lattice.matrix @ end.lattice.matrix.T
        turned = rotation.T @ metric @ rotation
        strained = float(np.abs(turned - metric).max() / np.abs(metric).max())
        kept &= bool(distance.min(axis=1).max() < _MOVED) and strained < 1e-3
    hypothesis = True
    if space_group is not None:
        group = group_of_number(space_group)
        hypothesis = len(rotations) % (len(group.rotations) // len(group.centring)) == 0
    return SymmetryComparison(kept, hypothesis)


def symmetric_perturbation(
    structure: Structure, strain: float, shift: float, rng: np.random.Generator
) -> tuple[Structure, int]:
    """A crystal with random strain and displacements that keep its space group.

    Args:
        structure: Crystal at its minimum.
        strain: Largest component of the strain before the average over the symmetry operations.
        shift: Largest displacement component in Å before the average.
        rng: Random generator.

    Returns:
        The perturbed crystal, and the number of free parameters: free displacements without translations, and
        free strain components.
    """
    import moyopy
    from pymatgen.core import Lattice, Structure

    dataset = moyopy.MoyoDataset(_cell(structure), symprec=SYMPREC)
    lattice, x, numbers = structure.lattice.matrix, structure.frac_coords, np.array(structure.atomic_numbers)
    displacements = rng.uniform(-shift, shift, x.shape)  # Cartesian, Å
    symmetric = rng.uniform(-strain, strain, (3, 3))
    symmetric = (symmetric + symmetric.T) / 2
    moved, strained, parameters = np.zeros_like(x), np.zeros((3, 3)), 0.0
    for rotation, translation in zip(
        dataset.operations.rotations, dataset.operations.translations, strict=True
    ):
        cartesian = lattice.T @ np.array(rotation, dtype=np.float64) @ np.linalg.inv(lattice.T)
        gap = (x @ np.array(rotation).T + np.array(translation))[:, None] - x[None]
        distance = np.linalg.norm((gap - np.rint(gap)) @ lattice, axis=-1)  # (atoms, atoms)
        distance[numbers[:, None] != numbers[None]] = np.inf
        image = distance.argmin(axis=1)
        moved[image] += displacements @ cartesian.T
        strained += cartesian @ symmetric @ cartesian.T
        trace = float(np.trace(cartesian))
        # Characters of the displacements without translations, and of the symmetric strain.
        parameters += trace * (int((image == np.arange(len(x))).sum()) - 1)
        parameters += (trace**2 + float(np.trace(cartesian @ cartesian))) / 2
    order = len(dataset.operations.rotations)
    cell = lattice @ (np.eye(3) + strained / order)
    positions = x + moved / order @ np.linalg.inv(lattice)
    perturbed = Structure(Lattice(cell), [site.specie for site in structure], positions)
    return perturbed, round(parameters / order)


def _cell(structure: Structure) -> moyopy.Cell:
    import moyopy

    return moyopy.Cell(
        structure.lattice.matrix.tolist(), structure.frac_coords.tolist(), list(structure.atomic_numbers)
    )
