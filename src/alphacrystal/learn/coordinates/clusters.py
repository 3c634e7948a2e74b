"""Clusters of the training crystals of each structure type by their distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers

from alphacrystal.composition import element_features
from alphacrystal.crystal import orbit_pairs
from alphacrystal.data import PreparedStructures
from alphacrystal.learn.distances.template_fitting import cluster_rows
from alphacrystal.learn.lattice.network import lattice_targets
from alphacrystal.learn.model_inputs import occupations
from alphacrystal.learn.structure_types import StructureType, free_coordinate_count
from alphacrystal.typing import FloatArray, IntArray, StageProgress


@dataclass(frozen=True, slots=True, eq=False)
class CrystalCluster:
    """Training crystals of one structure type with similar distances, one of each formula.

    Attributes:
        rows: Structures, the most central first.
        features: Properties of the elements of each structure, shape (structures, elements, FEATURES).
        shapes: Lattice targets of each structure, shape (structures, 6).
    """

    rows: list[int]
    features: FloatArray
    shapes: FloatArray


def crystal_clusters(
    data: PreparedStructures,
    maximum: int,
    formulas_per_cluster: int,
    *,
    on_progress: StageProgress | None = None,
) -> dict[StructureType, list[CrystalCluster]]:
    """Clusters of each structure type that has free coordinates, the largest first.

    The most stable training structure of each formula counts. Structures are compared by the sorted
    distances of their symmetry-distinct pairs in units of the cube root of the volume per atom.

    Args:
        data: Structures; the validation split is not used.
        maximum: Largest number of clusters of a type.
        formulas_per_cluster: Formulas that justify one cluster.
        on_progress: Called with the number of types done and the number of types.
    """
    known = occupations(data)
    members = _members(data, [structure_type for structure_type, _ in known])
    table = np.nan_to_num(element_features())
    targets = lattice_targets(data.lattices, data.volumes).astype(np.float64)
    clusters: dict[StructureType, list[CrystalCluster]] = {}
    for number, (structure_type, rows) in enumerate(members.items(), start=1):
        reduced = np.array([orbit_distances(data, row) / data.volumes[row] ** (1 / 3) for row in rows])
        labels = cluster_rows(reduced, maximum, formulas_per_cluster)
        clusters[structure_type] = []
        for label in np.argsort(-np.bincount(labels), kind="stable").tolist():
            chosen = np.flatnonzero(labels == label)
            spread = np.abs(reduced[chosen] - reduced[chosen].mean(0)).sum(1)
            ordered = [rows[i] for i in chosen[np.argsort(spread, kind="stable")].tolist()]
            elements = [[atomic_numbers[symbol] for symbol in known[row][1]] for row in ordered]
            clusters[structure_type].append(CrystalCluster(ordered, table[elements], targets[ordered]))
        if on_progress and number % 200 == 0:
            on_progress(number, len(members))
    return clusters


def orbit_distances(data: PreparedStructures, row: int) -> FloatArray:
    """Distances of the symmetry-distinct pairs of a structure in Å, sorted within blocks, shape (pairs,)."""
    pairs = orbit_pairs(data.orbits[data.atoms(row)])
    size = int(data.sizes[row])
    low, high = np.minimum(pairs.firsts, pairs.seconds), np.maximum(pairs.firsts, pairs.seconds)
    index: IntArray = low * size - low * (low + 1) // 2 + high - low - 1  # pairs i < j row by row
    return pairs.sort(data.distances[data.pairs(row)][index].astype(np.float64))


def _members(
    data: PreparedStructures, structure_types: list[StructureType]
) -> dict[StructureType, list[int]]:
    """The most stable training structure of each formula, for each type that has free coordinates."""
    chosen: dict[StructureType, dict[str, int]] = {}
    above = np.nan_to_num(data.above_hull, nan=np.inf)
    for row in np.flatnonzero(~data.validation).tolist():
        structure_type = structure_types[row]
        if free_coordinate_count(structure_type):
            by_formula = chosen.setdefault(structure_type, {})
            formula = str(data.formulas[row])
            if formula not in by_formula or above[row] < above[by_formula[formula]]:
                by_formula[formula] = row
    return {structure_type: list(by_formula.values()) for structure_type, by_formula in chosen.items()}
