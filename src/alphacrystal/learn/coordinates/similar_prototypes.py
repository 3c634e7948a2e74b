"""Prototypes with the same or a related structure type and similar elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alphacrystal.crystal import space_group
from alphacrystal.learn.coordinates.prototypes import PrototypeCoordinates, orbit_positions
from alphacrystal.learn.orbit_matching import OrbitMatcher, property_table
from alphacrystal.learn.structure_types import StructureType
from alphacrystal.typing import FloatArray, IntArray

MAX_PROTOTYPES = 4
MAX_RELATED_TYPES = 24
RELATED_COUNT = 0.25  # formulas that a prototype of a related type counts for
COUNT_WEIGHT = 0.5  # of the log count against the squared difference of the elements


@dataclass(frozen=True, slots=True, eq=False)
class Prototype:
    """Coordinates of a cluster of crystals, with its orbits in the order of a new crystal.

    Attributes:
        setting: Wyckoff letter of each orbit in the setting of the cluster.
        values: Free coordinates, orbit by orbit, shape (free,).
        count: Formulas that the prototype is a mean of; RELATED_COUNT for one of a related type.
        features: Mean properties of the elements on each orbit, shape (orbits, FEATURES).
        shape: Mean lattice targets, shape (6,).
    """

    setting: tuple[str, ...]
    values: FloatArray
    count: float
    features: FloatArray
    shape: FloatArray

    def positions(self, number: int) -> FloatArray:
        """Fractional coordinates in the primitive cell of a space group, shape (atoms, 3)."""
        orbits = orbit_positions(number, self.setting, self.values)
        return np.concatenate(orbits) @ space_group(number).to_primitive.T


def similar_prototypes(
    net: PrototypeCoordinates, structure_type: StructureType, elements: Sequence[int]
) -> list[Prototype]:
    """Prototypes of a type with similar elements, else of types that occupy the same Wyckoff positions.

    Args:
        net: Prototype coordinates of the known types.
        structure_type: A type in canonical setting.
        elements: Its atomic numbers in electronegativity order.

    Returns:
        At most MAX_PROTOTYPES, the most similar first; none for types without free coordinates.
    """
    number = structure_type.space_group
    if structure_type in net.rows:
        row = net.rows[structure_type]
        counts, features, shapes = net.counts_of(structure_type), net.features_of(row), net.shapes_of(row)
        clusters = list(net.parameters_of_row(row))
        return [
            Prototype(*clusters[i], float(counts[i]), by_orbit(structure_type, features[i]), shapes[i])
            for i in most_similar(counts, features, property_table()[list(elements)])
        ]
    matcher = OrbitMatcher(structure_type, elements)
    matches: list[tuple[float, int, int, IntArray]] = []
    for row in net.related_rows(structure_type)[:MAX_RELATED_TYPES]:
        found = matcher.matches(net.types[row], list(net.features_of(row)))
        matches += [(cost, row, cluster, orbits) for cluster, (cost, orbits) in enumerate(found)]
    matches.sort(key=lambda match: match[:3])
    prototypes = []
    for _, row, cluster, orbits in matches[:MAX_PROTOTYPES]:
        setting, values = list(net.parameters_of_row(row))[cluster]
        free = [space_group(number).positions[letter].free for letter in setting]
        by_source = np.split(values, np.cumsum(free)[:-1])
        prototypes.append(
            Prototype(
                tuple([setting[orbit] for orbit in orbits.tolist()]),
                np.concatenate([by_source[orbit] for orbit in orbits.tolist()]),
                RELATED_COUNT,
                by_orbit(net.types[row], net.features_of(row)[cluster])[orbits],
                net.shapes_of(row)[cluster],
            )
        )
    return prototypes


def most_similar(counts: FloatArray | IntArray, features: FloatArray, query: FloatArray) -> list[int]:
    """Clusters with many formulas and similar elements, the best first, at most MAX_PROTOTYPES.

    Args:
        counts: Formulas of each cluster, shape (clusters,).
        features: Mean properties of their elements, shape (clusters, elements, FEATURES).
        query: Properties of the elements of the new crystal, shape (elements, FEATURES).
    """
    difference = np.square(features - query).sum(-1).mean(-1)
    score = COUNT_WEIGHT * np.log1p(np.asarray(counts, dtype=np.float64)) - difference
    return [int(row) for row in np.argsort(-score, kind="stable")[:MAX_PROTOTYPES]]


def by_orbit(structure_type: StructureType, features: FloatArray) -> FloatArray:
    """Features of the elements, (elements, FEATURES), for each orbit, (orbits, FEATURES)."""
    return np.repeat(features, [len(letters) for letters in structure_type.letters], axis=0)
