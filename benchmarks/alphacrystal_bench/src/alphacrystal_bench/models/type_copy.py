"""A template's answer: the cell of the most similar known compound of the same structure type."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.data import atomic_numbers

from alphacrystal.composition import element_table
from alphacrystal.data import PreparedStructures
from alphacrystal.learn import StructureType
from alphacrystal.typing import FloatArray, IntArray

TYPICAL_VOLUME = 16.0  # Å³ per atom: what an element counts as of which nothing is known,
TYPICAL_WEIGHT = 0.05  # as if so many compounds of each element had said so


def structure_types(data: PreparedStructures) -> tuple[list[StructureType], list[IntArray]]:
    """Structure type of every structure, and the atomic number of the element in each of its places."""
    types, elements = [], []
    for row in range(len(data)):
        occupation = data.occupation(row)
        types.append(StructureType(int(data.space_groups[row]), tuple(occupation.values())))
        elements.append(np.array([atomic_numbers[symbol] for symbol in occupation]))
    return types, elements


def additive_volumes(fractions: FloatArray, volumes: FloatArray) -> FloatArray:
    """Volume of an atom of each element in Å³ for which their sum is nearest to the true volume, relatively.

    Args:
        fractions: Of the elements, shape (n, elements).
        volumes: Å³ per atom, shape (n,).
    """
    relative = fractions / volumes[:, None]
    normal = relative.T @ relative + TYPICAL_WEIGHT / TYPICAL_VOLUME**2 * np.eye(fractions.shape[1])
    missing = relative.T @ (1 - relative.sum(1) * TYPICAL_VOLUME)
    return np.asarray(TYPICAL_VOLUME + np.linalg.solve(normal, missing))


def type_copies(
    data: PreparedStructures,
    types: Sequence[StructureType],
    elements: Sequence[IntArray],
    fractions: FloatArray,
    train: IntArray,
    rows: IntArray,
) -> FloatArray:
    """Conventional a, b, c (Å), alpha, beta, gamma (degrees) of ``rows``, NaN where the type is unknown.

    Elements take the places of those of the same rank in electronegativity. The most similar compound has the
    smallest mean difference of the Mendeleev numbers over its atoms; its cell is scaled by the ratio of the
    additive volumes.

    Args:
        data: Prepared structures.
        types, elements: As ``structure_types`` says, of all.
        fractions: Of the elements of all, shape (n, elements).
        train, rows: Which to copy from and for.

    Returns:
        shape (rows, 6).
    """
    order = np.nan_to_num(element_table().column("mendeleev_number"))
    known: dict[StructureType, list[int]] = {types[row]: [] for row in rows}
    for row in train:
        if types[row] in known:
            known[types[row]].append(int(row))
    known = {kind: own for kind, own in known.items() if own}
    places = {kind: order[np.stack([elements[row] for row in own])] for kind, own in known.items()}
    volumes = fractions @ additive_volumes(fractions[train], data.volumes[train])
    copies = np.full((len(rows), 6), np.nan)
    for place, row in enumerate(rows):
        kind = types[row]
        if kind in known:
            differences = np.abs(places[kind] - order[elements[row]]) @ np.array(kind.counts())
            nearest = known[kind][int(np.argmin(differences))]
            copies[place] = data.lattices[nearest]
            copies[place, :3] *= np.cbrt(volumes[row] / volumes[nearest])
    return copies
