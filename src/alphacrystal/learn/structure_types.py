"""Structure types: how a stoichiometry sits on the Wyckoff positions of a space group, elements apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, reduce
from math import gcd

import numpy as np

from alphacrystal.crystal import (
    canonical_letters,
    equivalent_letters,
    free_count,
    multiplicities,
    orbit_order,
    raw_wyckoff_table,
)
from alphacrystal.typing import Float32Array, IntArray

MAX_ELEMENTS = 8


@dataclass(frozen=True, slots=True, order=True)
class StructureType:
    """Space group and Wyckoff letters of each element, elements in electronegativity order.

    Attributes:
        space_group: International number.
        letters: Letters of each element, one per orbit, canonical setting of the Euclidean normaliser.
    """

    space_group: int
    letters: tuple[str, ...]

    def counts(self) -> tuple[int, ...]:
        """Atoms of each element in the primitive cell."""
        return tuple([_atoms(self.space_group, own) for own in self.letters])

    def stoichiometry(self) -> tuple[int, ...]:
        """Reduced counts of each element."""
        return reduced_counts(self.counts())


@lru_cache(20_000)
def orbit_letters(kind: StructureType) -> tuple[str, ...]:
    """Letter of each orbit, elements in electronegativity order, as ``atom_sites`` orders them."""
    return tuple([letter for own in kind.letters for letter in orbit_order(kind.space_group, own)])


@lru_cache(50_000)
def positions_key(kind: StructureType) -> tuple[int, str]:
    """Equal for types whose atoms stand on the same Wyckoff positions, whatever the elements."""
    return kind.space_group, canonical_letters(kind.space_group, ["".join(kind.letters)])[0]


def rows_by_positions(types: Iterable[tuple[int, StructureType]]) -> dict[tuple[int, str], list[int]]:
    """Rows of the types that stand on the same Wyckoff positions, by ``positions_key``."""
    found: dict[tuple[int, str], list[int]] = {}
    for row, kind in types:
        found.setdefault(positions_key(kind), []).append(row)
    return found


def settings_with(group: int, letters: Sequence[str], wanted: Sequence[str]) -> Iterator[list[str]]:
    """Letters of orbits in each setting in which they are the wanted ones, the given setting first."""
    for image in ({}, *equivalent_letters(group)):
        own = [image.get(letter, letter) for letter in letters]
        if sorted(own) == sorted(wanted):
            yield own


def free_of_type(kind: StructureType) -> int:
    """Number of free coordinates."""
    return free_count(kind.space_group, kind.letters)


@lru_cache(100_000)
def _atoms(number: int, letters: str) -> int:
    """Atoms on Wyckoff positions in the primitive cell; a few thousand sets of letters make all types."""
    sizes = multiplicities(number)
    return sum([sizes[letter] for letter in letters])


def reduced_counts(counts: Sequence[int]) -> tuple[int, ...]:
    """Counts divided by their greatest common divisor."""
    divisor = reduce(gcd, counts)
    return tuple(count // divisor for count in counts)


@dataclass(frozen=True, slots=True, eq=False)
class SiteTable:
    """All 1,731 Wyckoff positions as numbers a network can read.

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
        """How many distinct site-symmetry symbols there are."""
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
    """Index arrays of structure types for the networks.

    Returns:
        "space_group" (types,), "atoms" (types,) in the primitive cell, "orbits" (types, MAX_ELEMENTS), and
        the site rows of all (type, element) slots concatenated: "sites" with "slot_lengths"
        (types * MAX_ELEMENTS,).
    """
    sites: list[int] = []
    orbits = np.zeros((len(types), MAX_ELEMENTS), dtype=np.int64)
    atoms = np.zeros(len(types), dtype=np.int64)
    for row, kind in enumerate(types):
        group, letters = kind.space_group, kind.letters[:MAX_ELEMENTS]
        for own in letters:
            sites += _site_rows(group, own)
        orbits[row, : len(letters)] = [len(own) for own in letters]
        atoms[row] = sum(kind.counts())
    return {
        "space_group": np.array([kind.space_group for kind in types], dtype=np.int64),
        "atoms": atoms,
        "orbits": orbits,
        "sites": np.array(sites, dtype=np.int64),
        "slot_lengths": orbits.reshape(-1),
    }


@lru_cache(100_000)
def _site_rows(number: int, letters: str) -> tuple[int, ...]:
    index = site_table().index
    return tuple([index[number, letter] for letter in letters])
