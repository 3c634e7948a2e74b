"""Training compounds of the symmetry model: the structure type and evidence level of each composition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from ase.data import chemical_symbols
from torch import Tensor

from alphacrystal.composition import element_order
from alphacrystal.crystal import canonical_letters
from alphacrystal.learn.structure_types import MAX_ELEMENTS, StructureType
from alphacrystal.typing import IntArray

EVIDENCE_LEVELS = 8  # the four of ``evidence_levels``, then the same for members with two exchanged elements
MAX_ELECTRONEGATIVITY_GAP = 0.5  # Pauling scale; elements closer than this may exchange their slots


@dataclass(frozen=True, slots=True, eq=False)
class MemberTable:
    """Compositions and their structure types; the table holds no cells and no coordinates.

    Attributes:
        numbers: Atomic numbers, elements in electronegativity order, 0 in unused slots,
            shape (members, MAX_ELEMENTS), uint8.
        type_rows: Row of the structure type in the vocabulary, ascending, shape (members,), int32.
        evidence: Evidence level, 0 (experimental) to 3 (far above the hull); plus 4 if two elements are
            exchanged, shape (members,), uint8.
    """

    numbers: Tensor
    type_rows: Tensor
    evidence: Tensor

    @classmethod
    def empty(cls) -> MemberTable:
        """A table without members."""
        nothing = torch.zeros(0, dtype=torch.uint8)
        return cls(nothing.view(0, MAX_ELEMENTS), nothing.int(), nothing)

    @classmethod
    def of(cls, numbers: IntArray, type_rows: IntArray, evidence: IntArray) -> MemberTable:
        """Table without duplicates: one row per composition and type, with the best evidence."""
        keys = np.column_stack([type_rows, numbers, evidence])
        keys = np.unique(keys, axis=0)
        first = np.ones(len(keys), dtype=bool)
        first[1:] = (keys[1:, :-1] != keys[:-1, :-1]).any(1)
        keys = keys[first]
        return cls(
            torch.as_tensor(keys[:, 1:-1].astype(np.uint8)),
            torch.as_tensor(keys[:, 0].astype(np.int32)),
            torch.as_tensor(keys[:, -1].astype(np.uint8)),
        )


def exchanged_members(
    numbers: IntArray,
    type_rows: IntArray,
    evidence: IntArray,
    types: Sequence[StructureType],
) -> tuple[IntArray, IntArray, IntArray]:
    """Copies of the members with two adjacent elements exchanged.

    Similar compounds may order two elements of similar electronegativity differently: Si precedes Ni and
    follows Co. Copies whose type is outside the vocabulary are dropped.

    Returns:
        Numbers, type rows and evidence levels of the copies, as in ``MemberTable``.
    """
    rows = {structure_type: row for row, structure_type in enumerate(types)}
    values = np.array([0.0] + [element_order(chemical_symbols[z])[0] for z in range(1, 104)])
    copies = []
    for slot in range(MAX_ELEMENTS - 1):
        close = values[numbers[:, slot + 1]] - values[numbers[:, slot]] <= MAX_ELECTRONEGATIVITY_GAP
        near = np.flatnonzero((numbers[:, slot + 1] > 0) & close)
        images = np.full(len(types), -1)
        for row in np.unique(type_rows[near]):
            letters = list(types[row].letters)
            letters[slot], letters[slot + 1] = letters[slot + 1], letters[slot]
            canonical = canonical_letters(types[row].space_group, letters)
            images[row] = rows.get(StructureType(types[row].space_group, canonical), -1)
        near = near[images[type_rows[near]] >= 0]
        swapped = numbers[near].copy()
        swapped[:, [slot, slot + 1]] = swapped[:, [slot + 1, slot]]
        copies.append((swapped, images[type_rows[near]], evidence[near] + EVIDENCE_LEVELS // 2))
    first, second, third = (np.concatenate(part) for part in zip(*copies, strict=True))
    return first, second, third
