"""Coordinates of a structure type never seen, from types with the same positions filled by other elements."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from alphacrystal.learn.coordinates.prototypes import TypeCoordinates
from alphacrystal.learn.structure_types import StructureType, orbit_letters, positions_key, settings_with
from alphacrystal.typing import FloatArray

MOST_FILLINGS = 24  # ways to hand the orbits of one cluster to the elements
MOST_WAYS = 200


def related_positions(net: TypeCoordinates, kind: StructureType) -> FloatArray:
    """Atoms of the primitive cell as types with the same Wyckoff positions have them, other elements on each.

    Args:
        net: The coordinates of known types.
        kind: A structure type in canonical setting.

    Returns:
        As ``TypeCoordinates.positions``; the ways of the type itself are among them where it is known.
    """
    wanted = orbit_letters(kind)
    owners = [element for element, own in enumerate(kind.letters) for _ in own]
    found: list[FloatArray] = []
    for row in net.rows_of_positions.get(positions_key(kind), ()):
        for letters, orbits in net.clusters_of_row(row):
            orders = itertools.islice(_fillings(kind.space_group, letters, wanted, owners), MOST_FILLINGS)
            found += [np.concatenate([orbits[place] for place in order]) for order in orders]
            if len(found) >= MOST_WAYS:
                return np.stack(found[:MOST_WAYS])
    return np.stack(found) if found else np.zeros((0, sum(kind.counts()), 3))


def _fillings(
    group: int, letters: Sequence[str], wanted: Sequence[str], owners: Sequence[int]
) -> Iterator[tuple[int, ...]]:
    """For each wanted orbit one of those at hand, on the same letter in some setting; distinct by element."""
    slots: dict[tuple[str, int], list[int]] = {}  # letter and element -> wanted orbits
    for slot, (letter, element) in enumerate(zip(wanted, owners, strict=True)):
        slots.setdefault((letter, element), []).append(slot)
    seen: set[tuple[int, ...]] = set()
    for own in settings_with(group, letters, wanted):
        for elements in _handed_out(own, {key: len(places) for key, places in slots.items()}):
            if elements in seen:
                continue
            seen.add(elements)
            order, left = [0] * len(wanted), {key: iter(places) for key, places in slots.items()}
            for place, key in enumerate(zip(own, elements, strict=True)):
                order[next(left[key])] = place
            yield tuple(order)


def _handed_out(letters: Sequence[str], left: dict[tuple[str, int], int]) -> Iterator[tuple[int, ...]]:
    """The element on each orbit, in all distinct ways; ``left``: orbits an element still gets of a letter."""
    if not letters:
        yield ()
        return
    for key in [key for key, count in left.items() if key[0] == letters[0] and count]:
        for rest in _handed_out(letters[1:], {**left, key: left[key] - 1}):
            yield (key[1], *rest)
