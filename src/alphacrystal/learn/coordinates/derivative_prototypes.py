"""Prototype coordinates of an unseen structure type, from types that occupy the same Wyckoff positions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from alphacrystal.learn.coordinates.prototypes import PrototypeCoordinates
from alphacrystal.learn.structure_types import (
    StructureType,
    matching_settings,
    orbit_letters,
)
from alphacrystal.typing import FloatArray

MAX_ASSIGNMENTS = 24  # of the orbits of one cluster to the elements
MAX_PROTOTYPES = 200


def derivative_positions(net: PrototypeCoordinates, structure_type: StructureType) -> FloatArray:
    """Atoms of the primitive cell from all types that occupy the same Wyckoff positions with any elements.

    Args:
        net: Prototype coordinates of the known types.
        structure_type: A structure type in canonical setting.

    Returns:
        As ``PrototypeCoordinates.positions``. The clusters of a known type are included.
    """
    target = orbit_letters(structure_type)
    element_of = [element for element, letters in enumerate(structure_type.letters) for _ in letters]
    prototypes: list[FloatArray] = []
    for row in net.related_rows(structure_type):
        for letters, orbits in net.clusters_of_row(row):
            orders = _orbit_orders(structure_type.space_group, letters, target, element_of)
            prototypes += [
                np.concatenate([orbits[index] for index in order])
                for order in itertools.islice(orders, MAX_ASSIGNMENTS)
            ]
            if len(prototypes) >= MAX_PROTOTYPES:
                return np.stack(prototypes[:MAX_PROTOTYPES])
    return np.stack(prototypes) if prototypes else np.zeros((0, sum(structure_type.counts()), 3))


def _orbit_orders(
    group: int, letters: Sequence[str], target: Sequence[str], element_of: Sequence[int]
) -> Iterator[tuple[int, ...]]:
    """Yield the source orbit of each target orbit, for all distinct assignments of elements to orbits.

    Source and target orbit have the same letter in some setting of the space group.
    """
    slots: dict[tuple[str, int], list[int]] = {}  # letter and element -> target orbits
    for slot, (letter, element) in enumerate(zip(target, element_of, strict=True)):
        slots.setdefault((letter, element), []).append(slot)
    seen: set[tuple[int, ...]] = set()
    for mapped in matching_settings(group, letters, target):
        for elements in _element_assignments(mapped, {key: len(orbits) for key, orbits in slots.items()}):
            if elements in seen:
                continue
            seen.add(elements)
            order, remaining = [0] * len(target), {key: iter(orbits) for key, orbits in slots.items()}
            for index, key in enumerate(zip(mapped, elements, strict=True)):
                order[next(remaining[key])] = index
            yield tuple(order)


def _element_assignments(
    letters: Sequence[str], remaining: dict[tuple[str, int], int]
) -> Iterator[tuple[int, ...]]:
    """Yield the element of each orbit, in all distinct ways.

    ``remaining`` is the number of orbits that each (letter, element) still needs.
    """
    if not letters:
        yield ()
        return
    for key in [key for key, count in remaining.items() if key[0] == letters[0] and count]:
        for rest in _element_assignments(letters[1:], {**remaining, key: remaining[key] - 1}):
            yield (key[1], *rest)
