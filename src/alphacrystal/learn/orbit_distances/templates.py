"""Templates of training structures: crystals of the same or a related type with another formula."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ase.data import atomic_numbers

from alphacrystal.crystal import orbit_pairs
from alphacrystal.data import PreparedStructures
from alphacrystal.learn.coordinates.clusters import CrystalCluster
from alphacrystal.learn.coordinates.similar_prototypes import (
    MAX_PROTOTYPES,
    MAX_RELATED_TYPES,
    RELATED_COUNT,
    by_orbit,
    most_similar,
)
from alphacrystal.learn.model_inputs import occupations
from alphacrystal.learn.orbit_distances.inputs import EXACT_COUNT, PositionTemplate
from alphacrystal.learn.orbit_matching import OrbitMatcher, property_table
from alphacrystal.learn.structure_types import (
    PositionsIndex,
    StructureType,
    free_coordinate_count,
)
from alphacrystal.typing import FloatArray, IntArray

# Central structure, formulas, mean features and mean shape of a cluster.
Member = tuple[int, float, FloatArray, FloatArray]


class TrainingTemplates:
    """Templates of prepared structures, chosen as ``similar_prototypes`` does for a new crystal.

    The central crystal of a cluster represents its mean coordinates.

    Args:
        data: Prepared structures.
        clusters: Clusters of the training structures, see ``crystal_clusters``.
        rows: Structures that get templates.
    """

    def __init__(
        self,
        data: PreparedStructures,
        clusters: Mapping[StructureType, list[CrystalCluster]],
        rows: IntArray,
    ) -> None:
        self._data = data
        self._clusters = clusters
        self._known = occupations(data)
        self._types = list(clusters)
        self._related = PositionsIndex(enumerate(self._types))
        # Structure, order of its orbits (None: unchanged), count, features and shape of each template.
        self._chosen = {row: self._choose(row) for row in rows.tolist()}

    def rigid(self, row: int) -> bool:
        """Whether a structure has no free coordinates, so that its cell determines all distances."""
        return not free_coordinate_count(self._known[row][0])

    def any(self, row: int) -> bool:
        """Whether a structure has templates."""
        return self.rigid(row) or bool(self._chosen[row])

    def of(self, row: int, shape: FloatArray) -> list[PositionTemplate]:
        """Templates of a structure in a cell of this shape, shape (6,)."""
        data = self._data
        if self.rigid(row):
            orbits = data.orbits[data.atoms(row)]
            numbers = data.numbers[data.atoms(row)][np.unique(orbits, return_index=True)[1]]
            return [PositionTemplate(self._positions(row), EXACT_COUNT, property_table()[numbers], shape)]
        templates = []
        for member, order, count, features, target in self._chosen[row]:
            positions = self._positions(member)
            if order is not None:
                positions = positions[reordered_atoms(data.orbits[data.atoms(member)], order)]
            templates.append(PositionTemplate(positions, count, features, target))
        return templates

    def _positions(self, row: int) -> FloatArray:
        return self._data.positions[self._data.atoms(row)].astype(np.float64)

    def _choose(self, row: int) -> list[tuple[int, IntArray | None, float, FloatArray, FloatArray]]:
        structure_type, symbols = self._known[row]
        if self.rigid(row):
            return []
        elements = [atomic_numbers[symbol] for symbol in symbols]
        formula = str(self._data.formulas[row])
        if kept := self._without(self._clusters.get(structure_type, []), formula):
            order = most_similar(
                np.array([count for _, count, _, _ in kept]),
                np.array([features for _, _, features, _ in kept]),
                property_table()[elements],
            )
            return [
                (member, None, count, by_orbit(structure_type, features), shape)
                for member, count, features, shape in [kept[i] for i in order]
            ]
        matcher = OrbitMatcher(structure_type, elements)
        matches: list[tuple[float, int, IntArray, FloatArray, FloatArray]] = []
        for type_row in self._related.rows(structure_type)[:MAX_RELATED_TYPES]:
            related = self._types[type_row]
            members = self._without(self._clusters[related], formula)
            found = matcher.matches(related, [features for _, _, features, _ in members])
            for (cost, orbits), (member, _, features, shape) in zip(found, members, strict=False):
                matches.append((cost, member, orbits, by_orbit(related, features)[orbits], shape))
        matches.sort(key=lambda match: match[:2])
        return [
            (member, orbits, RELATED_COUNT, features, shape)
            for _, member, orbits, features, shape in matches[:MAX_PROTOTYPES]
        ]

    def _without(self, clusters: list[CrystalCluster], formula: str) -> list[Member]:
        """The clusters without the crystals of a formula; empty ones are left out."""
        members = []
        for cluster in clusters:
            kept = np.flatnonzero(self._data.formulas[cluster.rows] != formula)
            if len(kept):
                features, shapes = cluster.features[kept].mean(0), cluster.shapes[kept].mean(0)
                members.append((cluster.rows[int(kept[0])], float(len(kept)), features, shapes))
        return members


def reordered_atoms(orbits: IntArray, order: IntArray) -> IntArray:
    """Atoms of the orbits in a new order.

    Args:
        orbits: Orbit of each atom, numbered in ascending order, shape (atoms,).
        order: Orbits in the new order, shape (orbits,).
    """
    sizes = orbit_pairs(orbits).sizes
    starts = np.cumsum(sizes) - sizes
    return np.concatenate([starts[orbit] + np.arange(sizes[orbit]) for orbit in order])
