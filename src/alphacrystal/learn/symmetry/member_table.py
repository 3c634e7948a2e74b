"""Known compounds that vote for structure types: which composition takes which type, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from ase.data import chemical_symbols
from torch import Tensor

from alphacrystal.composition import element_order
from alphacrystal.crystal import canonical_letters
from alphacrystal.data import PreparedStructures
from alphacrystal.learn.structure_types import MAX_ELEMENTS, StructureType
from alphacrystal.typing import IntArray

EVIDENCE = 8  # levels: the four of ``evidence``, then the same for members with two elements exchanged
EXCHANGE = 0.5  # difference of the Pauling electronegativity up to which two elements may change places


@dataclass(frozen=True, slots=True, eq=False)
class MemberTable:
    """Which compositions take which structure types: no cell and no coordinate.

    Attributes:
        numbers: Atomic numbers, elements in electronegativity order, 0 where unused,
            shape (members, MAX_ELEMENTS), uint8.
        kind: Row of the structure type, shape (members,), int32, ascending.
        evidence: How sure it is, 0 (experimental) to 3 (far above the hull), 4 more where two elements are
            exchanged, shape (members,), uint8.
    """

    numbers: Tensor
    kind: Tensor
    evidence: Tensor

    @classmethod
    def empty(cls) -> MemberTable:
        """No compound at all."""
        nothing = torch.zeros(0, dtype=torch.uint8)
        return cls(nothing.view(0, MAX_ELEMENTS), nothing.int(), nothing)

    @classmethod
    def of(cls, numbers: IntArray, kind: IntArray, evidence: IntArray) -> MemberTable:
        """Table without repetition: of equal composition and type the best evidence stays."""
        keys = np.column_stack([kind, numbers, evidence])
        keys = np.unique(keys, axis=0)
        first = np.ones(len(keys), dtype=bool)
        first[1:] = (keys[1:, :-1] != keys[:-1, :-1]).any(1)
        keys = keys[first]
        return cls(
            torch.as_tensor(keys[:, 1:-1].astype(np.uint8)),
            torch.as_tensor(keys[:, 0].astype(np.int32)),
            torch.as_tensor(keys[:, -1].astype(np.uint8)),
        )


def evidence(data: PreparedStructures) -> IntArray:
    """How sure each entry is: 0 experimental, 1 stable, 2 within 0.1 eV/atom of the hull, 3 beyond."""
    hull = np.nan_to_num(data.above_hull)
    return np.where(data.experimental == 1, 0, 1 + (hull > 0.01).astype(int) + (hull > 0.1))


def exchanged(
    numbers: IntArray,
    kind: IntArray,
    sure: IntArray,
    types: Sequence[StructureType],
) -> tuple[IntArray, IntArray, IntArray]:
    """Members once more with two neighbouring elements in each other's slot.

    Where two elements are about equally electronegative, similar compounds may have them in either order: Si
    comes before Ni and after Co. Only types of the vocabulary are kept.
    """
    rows = {own: row for row, own in enumerate(types)}
    values = np.array([0.0] + [element_order(chemical_symbols[z])[0] for z in range(1, 104)])
    found = []
    for slot in range(MAX_ELEMENTS - 1):
        close = values[numbers[:, slot + 1]] - values[numbers[:, slot]] <= EXCHANGE
        near = np.flatnonzero((numbers[:, slot + 1] > 0) & close)
        images = np.full(len(types), -1)
        for row in np.unique(kind[near]):
            letters = list(types[row].letters)
            letters[slot], letters[slot + 1] = letters[slot + 1], letters[slot]
            canonical = canonical_letters(types[row].space_group, letters)
            images[row] = rows.get(StructureType(types[row].space_group, canonical), -1)
        near = near[images[kind[near]] >= 0]
        swapped = numbers[near].copy()
        swapped[:, [slot, slot + 1]] = swapped[:, [slot + 1, slot]]
        found.append((swapped, images[kind[near]], sure[near] + EVIDENCE // 2))
    first, second, third = (np.concatenate(part) for part in zip(*found, strict=True))
    return first, second, third
