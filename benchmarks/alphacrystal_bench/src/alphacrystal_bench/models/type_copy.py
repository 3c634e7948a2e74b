"""Control: the scaled cell of the most similar known compound of the same structure type."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.data import atomic_numbers

from alphacrystal.composition import element_table
from alphacrystal.data import PreparedStructures
from alphacrystal.learn import StructureType
from alphacrystal.typing import FloatArray, IntArray

TYPICAL_VOLUME = 16.0  # Å³ per atom: prior of the volume of an element,
TYPICAL_WEIGHT = 0.05  # with the weight of so many compounds


def structure_types(data: PreparedStructures) -> tuple[list[StructureType], list[IntArray]]:
    """Structure type of every structure, and the atomic number of the element at each of its positions."""
    types, elements = [], []
    for row in range(len(data)):
        occupation = data.occupation(row)
        types.append(StructureType(int(data.space_groups[row]), tuple(occupation.values())))
        elements.append(np.array([atomic_numbers[symbol] for symbol in occupation]))
    return types, elements


def additive_volumes(fractions: FloatArray, volumes: FloatArray) -> FloatArray:
    """Volume of an atom of each element in Å³ that minimises the relative error of the sum.

    Args:
        fractions: Fractions of the elements, shape (n, elements).
        volumes: Volumes in Å³ per atom, shape (n,).
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

    Elements replace those of the same rank in electronegativity. The most similar compound has the smallest
    mean difference of the Mendeleev numbers over its atoms; its cell is scaled by the ratio of the additive
    volumes.

    Args:
        data: Prepared structures.
        types, elements: Result of ``structure_types``.
        fractions: Fractions of the elements of all structures, shape (n, elements).
        train, rows: Structures to copy from and structures to predict.

    Returns:
        Cells, shape (rows, 6).
    """
    order = np.nan_to_num(element_table().column("mendeleev_number"))
    known: dict[StructureType, list[int]] = {types[row]: [] for row in rows}
    for row in train:
        if types[row] in known:
            known[types[row]].append(int(row))
    known = {structure_type: members for structure_type, members in known.items() if members}
    positions = {
        structure_type: order[np.stack([elements[row] for row in members])]
        for structure_type, members in known.items()
    }
    volumes = fractions @ additive_volumes(fractions[train], data.volumes[train])
    copies = np.full((len(rows), 6), np.nan)
    for index, row in enumerate(rows):
        structure_type = types[row]
        if structure_type in known:
            differences = np.abs(positions[structure_type] - order[elements[row]]) @ np.array(
                structure_type.counts()
            )
            nearest = known[structure_type][int(np.argmin(differences))]
            copies[index] = data.lattices[nearest]
            copies[index, :3] *= np.cbrt(volumes[row] / volumes[nearest])
    return copies
