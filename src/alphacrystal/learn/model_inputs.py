"""Inputs that several models share: arrays of compositions, structure types and training samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import torch
from ase.data import atomic_numbers

from alphacrystal.crystal import raw_wyckoff_table
from alphacrystal.data import PreparedStructures
from alphacrystal.learn.structure_types import MAX_ELEMENTS, StructureType, reduced_counts
from alphacrystal.typing import BoolArray, Float32Array, IntArray

SMALL_CELL = 12  # atoms in the primitive cell; validation metrics list cells up to this size separately
SIZE_CLASSES = ((1, 20), (21, 40), (41, 60), (61, 80))  # atoms, of the validation metrics by size
# Weight of a training entry by its evidence level.
EVIDENCE_WEIGHTS = np.array([1.0, 0.3, 0.1, 0.03])


def composition_arrays(
    elements: Sequence[Sequence[str]], counts: Sequence[Sequence[int]]
) -> tuple[IntArray, Float32Array]:
    """Atomic numbers and reduced counts, shape (compositions, MAX_ELEMENTS) each, 0 in unused slots.

    Elements beyond MAX_ELEMENTS are dropped; callers exclude such compositions.
    """
    numbers = np.zeros((len(elements), MAX_ELEMENTS), dtype=np.int64)
    amounts = np.zeros((len(elements), MAX_ELEMENTS), dtype=np.float32)
    for row, (symbols, atoms) in enumerate(zip(elements, counts, strict=True)):
        slots = min(len(symbols), MAX_ELEMENTS)
        numbers[row, :slots] = [atomic_numbers[symbol] for symbol in symbols[:slots]]
        amounts[row, :slots] = reduced_counts(atoms)[:slots]
    return numbers, amounts


def occupations(data: PreparedStructures) -> list[tuple[StructureType, tuple[str, ...]]]:
    """Structure type and elements (electronegativity order) of every structure."""
    rows = []
    for index in range(len(data)):
        occupation = data.occupation(index)
        structure_type = StructureType(int(data.space_groups[index]), tuple(occupation.values()))
        rows.append((structure_type, tuple(occupation)))
    return rows


def evidence_levels(data: PreparedStructures) -> IntArray:
    """Evidence of each entry: 0 experimental, 1 stable, 2 within 0.1 eV/atom of the hull, 3 above."""
    hull = np.nan_to_num(data.above_hull)
    return np.where(data.experimental == 1, 0, 1 + (hull > 0.01).astype(int) + (hull > 0.1))


def size_subsets(sizes: IntArray, chosen: BoolArray, name: str) -> dict[str, BoolArray]:
    """The chosen structures by SIZE_CLASSES; keys such as "_experimental_21_40" for the name "_experimental".

    Args:
        sizes: Atoms in the primitive cell, shape (structures,).
        chosen: Mask, shape (structures,).
        name: First part of the keys.
    """
    return {f"{name}_{low}_{high}": chosen & (sizes >= low) & (sizes <= high) for low, high in SIZE_CLASSES}


@dataclass(frozen=True, slots=True, eq=False)
class SiteTable:
    """The 1,731 Wyckoff positions as network inputs.

    Attributes:
        index: (space group, letter) -> row.
        site_symmetry: Index of the site-symmetry symbol, shape (1731,).
        features: log multiplicity in the primitive cell, number of free coordinates, shape (1731, 2).
    """

    index: dict[tuple[int, str], int]
    site_symmetry: IntArray
    features: Float32Array

    @property
    def site_symmetries(self) -> int:
        """Number of distinct site-symmetry symbols."""
        return int(self.site_symmetry.max()) + 1


@cache
def site_table() -> SiteTable:
    """The site table, in the order space group, letter."""
    index: dict[tuple[int, str], int] = {}
    symbols: dict[str, int] = {}
    symmetry, features = [], []
    for number, letter, multiplicity, symbol, free in raw_wyckoff_table():
        index[number, letter] = len(index)
        key = symbol.replace(".", "")
        symmetry.append(symbols.setdefault(key, len(symbols)))
        features.append([np.log(multiplicity), free])
    return SiteTable(index, np.array(symmetry), np.array(features, dtype=np.float32))


def type_arrays(types: Sequence[StructureType]) -> dict[str, IntArray]:
    """Index arrays of structure types.

    Returns:
        "space_group" (types,), "atoms" (types,) in the primitive cell, "orbits" (types, MAX_ELEMENTS), and
        the site rows of all (type, element) slots concatenated: "sites" with "slot_lengths"
        (types * MAX_ELEMENTS,).
    """
    sites: list[int] = []
    lengths: list[int] = []
    elements: list[int] = []
    for structure_type in types:
        group, letters = structure_type.space_group, structure_type.letters[:MAX_ELEMENTS]
        elements.append(len(letters))
        for element_letters in letters:
            sites += _site_rows(group, element_letters)
            lengths.append(len(element_letters))
    orbits = np.zeros((len(types), MAX_ELEMENTS), dtype=np.int64)
    orbits[np.arange(MAX_ELEMENTS) < np.array(elements, dtype=np.int64)[:, None]] = lengths
    atoms = np.array([sum(structure_type.counts()) for structure_type in types], dtype=np.int64)
    return {
        "space_group": np.array([structure_type.space_group for structure_type in types], dtype=np.int64),
        "atoms": atoms,
        "orbits": orbits,
        "sites": np.array(sites, dtype=np.int64),
        "slot_lengths": orbits.reshape(-1),
    }


@lru_cache(100_000)
def _site_rows(number: int, letters: str) -> tuple[int, ...]:
    index = site_table().index
    return tuple([index[number, letter] for letter in letters])


class TypeTable:
    """Index tensors of a list of structure types.

    Attributes:
        space_group, atoms: shape (types,).
        orbits: Orbits of each element, shape (types, MAX_ELEMENTS).
        sites: Site rows of all (type, element) slots, concatenated.
        slot_offsets: First entry of each slot in ``sites``, shape (types * MAX_ELEMENTS,).
    """

    def __init__(self, arrays: dict[str, IntArray]) -> None:
        self.arrays = arrays
        self.space_group = torch.as_tensor(arrays["space_group"])
        self.atoms = torch.as_tensor(arrays["atoms"])
        self.orbits = torch.as_tensor(arrays["orbits"])
        self.sites = torch.as_tensor(arrays["sites"])
        lengths = arrays["slot_lengths"]
        ends = np.cumsum(lengths)
        self.slot_offsets = torch.as_tensor(ends - lengths)
        self._ends = ends.reshape(-1, MAX_ELEMENTS)[:, -1]  # end of the sites of each type

    @classmethod
    def of(cls, types: Sequence[StructureType]) -> TypeTable:
        """Table of these types."""
        return cls(type_arrays(types))

    def __len__(self) -> int:
        return len(self.space_group)

    def subset(self, rows: IntArray) -> TypeTable:
        """Table of the types in these rows."""
        lengths = self.arrays["slot_lengths"].reshape(-1, MAX_ELEMENTS)
        ends, counts = self._ends, lengths[rows].sum(1)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        sites = self.arrays["sites"][np.repeat(ends[rows] - counts, counts) + within]
        return TypeTable(
            {
                "space_group": self.arrays["space_group"][rows],
                "atoms": self.arrays["atoms"][rows],
                "orbits": self.arrays["orbits"][rows],
                "sites": sites,
                "slot_lengths": lengths[rows].reshape(-1),
            }
        )
