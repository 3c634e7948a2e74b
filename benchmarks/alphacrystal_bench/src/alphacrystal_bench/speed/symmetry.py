"""Whether a relaxed crystal has the symmetry that it started from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import moyopy
    from pymatgen.core import Structure

SYMPREC = 0.01  # Å, at which the relaxer finds the symmetry to keep
_MOVED = 0.02  # Å an atom may miss its image by: twice that tolerance


@dataclass(frozen=True, slots=True)
class SymmetryKept:
    """What became of a symmetry.

    Attributes:
        operations_kept: Every operation of the start maps the end onto itself, so that the end has the
            start's space group or a supergroup of it.
        hypothesis_found: The start has as many operations as the space group of its hypothesis, or a
            multiple; true where it was built from none.
    """

    operations_kept: bool
    hypothesis_found: bool


def symmetry_kept(start: Structure, end: Structure, space_group: int | None) -> SymmetryKept:
    """Compare the end of a relaxation with its start; both list the same atoms in the same order and cell."""
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
    return SymmetryKept(kept, hypothesis)


def _cell(structure: Structure) -> moyopy.Cell:
    import moyopy

    return moyopy.Cell(
        structure.lattice.matrix.tolist(), structure.frac_coords.tolist(), list(structure.atomic_numbers)
    )
