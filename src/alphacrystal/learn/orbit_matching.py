"""Assign the orbits of a related structure type to those of a new one, by Wyckoff letter and elements."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from alphacrystal.composition import element_features
from alphacrystal.learn.structure_types import StructureType, matching_settings, orbit_letters
from alphacrystal.typing import FloatArray, IntArray


class OrbitMatcher:
    """Matches types that occupy the same Wyckoff positions with any elements to one structure type.

    Args:
        structure_type: The type whose orbits get coordinates or distances.
        elements: Its atomic numbers in electronegativity order.
    """

    def __init__(self, structure_type: StructureType, elements: Sequence[int]) -> None:
        self._group = structure_type.space_group
        self._target = orbit_letters(structure_type)
        orbits = [len(letters) for letters in structure_type.letters]
        self._features = np.repeat(property_table()[list(elements)], orbits, axis=0)  # (orbits, FEATURES)

    def matches(self, related: StructureType, features: Sequence[FloatArray]) -> list[tuple[float, IntArray]]:
        """Best assignment for each cluster of a related type.

        Args:
            related: A structure type.
            features: Mean properties of its elements in each cluster, shape (elements, FEATURES) each.

        Returns:
            For each cluster the mean squared difference of the properties of the elements on each orbit, and
            the orbit of the related type for each orbit of the new type, shape (orbits,). Empty if the types
            do not occupy the same positions.
        """
        from scipy.optimize import linear_sum_assignment  # imported late: only unseen structure types need it

        letters = next(matching_settings(self._group, orbit_letters(related), self._target), None)
        if letters is None:
            return []
        different = np.array(letters)[None, :] != np.array(self._target)[:, None]
        element_of = np.repeat(
            np.arange(len(related.letters)), [len(element_letters) for element_letters in related.letters]
        )
        found = []
        for properties in features:
            costs = np.square(self._features[:, None] - properties[element_of]).sum(-1)
            chosen = linear_sum_assignment(np.where(different, 1e6, costs))[1]
            found.append((float(costs[np.arange(len(chosen)), chosen].mean()), chosen))
        return found


@lru_cache(1)
def property_table() -> FloatArray:
    """Properties of the elements by atomic number, 0 where unknown, shape (104, FEATURES)."""
    return np.nan_to_num(element_features())
