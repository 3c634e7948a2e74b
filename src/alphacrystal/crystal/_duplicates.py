"""Finding structures that are the same crystal: a cheap prefilter, then pymatgen's StructureMatcher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal._distances import NEIGHBOUR_IMAGES, minkowski_reduced
from alphacrystal.crystal._exchange import StructureLike, as_structures
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.core.structure import Structure

NEIGHBOURS = 12
SHORTEST = 1e-6  # keeps the logarithms of the distances of coinciding atoms finite


@dataclass(frozen=True, slots=True)
class SameCrystal:
    """When two structures count as one.

    Attributes:
        ltol, stol, angle_tol: StructureMatcher tolerances: fractional length, site distance in units of
            (volume per atom)^(1/3), degrees. Defaults are half of CSPBench's, so polymorphs stay apart.
        volume: Largest difference of the logarithms of the volumes per atom.
        fingerprint: Largest difference of the logarithms of the neighbour-distance fingerprints. Crystals
            beyond it count as different even if the matcher, which distorts cells, maps one to the other.
    """

    ltol: float = 0.1
    stol: float = 0.15
    angle_tol: float = 4.0
    volume: float = 0.15
    fingerprint: float = 0.12


def neighbour_fingerprint(structure: Structure) -> FloatArray:
    """Mean distances to the first twelve neighbours, per element, over (volume per atom)^(1/3).

    Independent of the cell, the origin and order of atoms; the average minimum distance of Widdowson et al.
    (doi:10.46793/match.87-3.529W) kept apart by element.

    Returns:
        shape (elements, 12), elements by atomic number.
    """
    lattice, transformation = minkowski_reduced(structure.lattice.matrix)
    positions = structure.frac_coords @ np.linalg.inv(transformation)
    scale = (structure.volume / len(structure)) ** (1 / 3)
    wide = NEIGHBOUR_IMAGES if len(structure) > NEIGHBOURS else _wide_images()
    difference = positions[:, None] - positions[None]
    difference -= np.round(difference)
    vectors = (difference[:, :, None] + wide) @ lattice  # (atoms, atoms, images, 3)
    distances = np.sort(np.linalg.norm(vectors, axis=-1).reshape(len(structure), -1), axis=1)
    nearest = distances[:, 1 : NEIGHBOURS + 1] / scale
    numbers = np.array([site.specie.Z for site in structure])
    return np.array([nearest[numbers == number].mean(0) for number in np.unique(numbers)])


def _wide_images() -> FloatArray:
    steps = np.arange(-2.0, 3.0)
    return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)


def group_duplicates(structures: Sequence[StructureLike], same: SameCrystal | None = None) -> list[list[int]]:
    """Indices of equal crystals, grouped; the first of each group comes first in the list.

    Structures are compared with the first member of each group only, in the order given: put the best first.
    """
    same = same or SameCrystal()
    crystals = as_structures(structures)
    prints = [np.log(np.maximum(neighbour_fingerprint(crystal), SHORTEST)) for crystal in crystals]
    volumes = [crystal.volume / len(crystal) for crystal in crystals]
    formulas = [crystal.composition.reduced_formula for crystal in crystals]
    # The matcher would reduce both cells in each comparison; once for each structure is enough.
    reduced: dict[int, Structure] = {}

    @cache
    def matcher() -> StructureMatcher:
        from pymatgen.analysis.structure_matcher import StructureMatcher  # imports scipy.optimize

        return StructureMatcher(ltol=same.ltol, stol=same.stol, angle_tol=same.angle_tol, scale=False)

    def reduced_cell(index: int) -> Structure:
        if index not in reduced:
            niggli = crystals[index].get_reduced_structure(reduction_algo="niggli")
            reduced[index] = niggli.get_primitive_structure()
        return reduced[index]

    groups: list[list[int]] = []
    for index in range(len(crystals)):
        for group in groups:
            first = group[0]
            if (
                formulas[index] == formulas[first]
                and abs(np.log(volumes[index] / volumes[first])) < same.volume
                and float(np.abs(prints[index] - prints[first]).max()) < same.fingerprint
                and matcher().fit(reduced_cell(first), reduced_cell(index), skip_structure_reduction=True)
            ):
                group.append(index)
                break
        else:
            groups.append([index])
    return groups
