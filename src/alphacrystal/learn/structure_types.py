"""Structure types: the Wyckoff positions of a space group that the elements of a stoichiometry occupy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd

from alphacrystal.crystal import (
    canonical_letters,
    equivalent_letters,
    free_count,
    multiplicities,
    orbit_order,
)

MAX_ELEMENTS = 8


@dataclass(frozen=True, slots=True, order=True)
class StructureType:
    """Space group and Wyckoff letters of each element, elements in electronegativity order.

    Attributes:
        space_group: International number, 1-230.
        letters: Letters of each element, one per orbit, in the canonical setting of the Euclidean normaliser.
    """

    space_group: int
    letters: tuple[str, ...]

    def counts(self) -> tuple[int, ...]:
        """Atoms of each element in the primitive cell."""
        return _counts(self)

    def stoichiometry(self) -> tuple[int, ...]:
        """Reduced counts of each element."""
        return reduced_counts(self.counts())


@lru_cache(200_000)  # several models share their types
def _counts(structure_type: StructureType) -> tuple[int, ...]:
    group = structure_type.space_group
    return tuple([_atoms(group, letters) for letters in structure_type.letters])


@lru_cache(20_000)
def orbit_letters(structure_type: StructureType) -> tuple[str, ...]:
    """Letter of each orbit, elements in electronegativity order, orbits in the order of ``atom_sites``."""
    group = structure_type.space_group
    return tuple([letter for letters in structure_type.letters for letter in orbit_order(group, letters)])


def positions_key(structure_type: StructureType) -> tuple[int, str]:
    """A key shared by all types that occupy the same Wyckoff positions with any elements."""
    group = structure_type.space_group
    return group, _canonical_positions(group, "".join(sorted("".join(structure_type.letters))))


@lru_cache(50_000)  # a third as many as there are types
def _canonical_positions(group: int, letters: str) -> str:
    return canonical_letters(group, [letters])[0]


class PositionsIndex:
    """Rows of structure types by the Wyckoff positions that they occupy with any elements.

    The keys of a space group and a number of orbits are computed at the first question for them.

    Args:
        types: Rows and types; the order of the rows is kept.
    """

    def __init__(self, types: Iterable[tuple[int, StructureType]]) -> None:
        self._waiting: dict[tuple[int, int], list[tuple[int, StructureType]]] = {}
        for row, structure_type in types:
            self._waiting.setdefault(_orbit_count(structure_type), []).append((row, structure_type))
        self._rows: dict[tuple[int, str], list[int]] = {}

    def rows(self, structure_type: StructureType) -> list[int]:
        """Rows of the types with the same ``positions_key``."""
        for row, known in self._waiting.pop(_orbit_count(structure_type), []):
            self._rows.setdefault(positions_key(known), []).append(row)
        return self._rows.get(positions_key(structure_type), [])


def _orbit_count(structure_type: StructureType) -> tuple[int, int]:
    """Space group and number of orbits."""
    return structure_type.space_group, sum(map(len, structure_type.letters))


def matching_settings(group: int, letters: Sequence[str], target: Sequence[str]) -> Iterator[list[str]]:
    """Yield ``letters`` in each setting of the space group whose sorted letters equal those of ``target``.

    The given setting comes first.
    """
    for image in ({}, *equivalent_letters(group)):
        mapped = [image.get(letter, letter) for letter in letters]
        if sorted(mapped) == sorted(target):
            yield mapped


def free_coordinate_count(structure_type: StructureType) -> int:
    """Number of free coordinates."""
    return free_count(structure_type.space_group, structure_type.letters)


# A few thousand distinct strings of letters make up all types, so the cache holds them all.
@lru_cache(100_000)
def _atoms(number: int, letters: str) -> int:
    """Atoms on Wyckoff positions in the primitive cell."""
    sizes = multiplicities(number)
    return sum([sizes[letter] for letter in letters])


def reduced_counts(counts: Sequence[int]) -> tuple[int, ...]:
    """Counts divided by their greatest common divisor."""
    divisor = gcd(*counts)
    return tuple(counts) if divisor == 1 else tuple([count // divisor for count in counts])
