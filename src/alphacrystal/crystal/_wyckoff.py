"""Wyckoff positions as affine maps of their free parameters, so that coupled coordinates stay coupled."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray

LETTERS = "abcdefghijklmnopqrstuvwxyzA"  # of Wyckoff positions, most special first


@dataclass(frozen=True, slots=True, eq=False)
class WyckoffPosition:
    """One Wyckoff position in the ITA standard setting, conventional cell.

    The m-th atom of the orbit sits at ``linear[m] @ parameters + constant[m]`` (fractional).

    Attributes:
        letter: Wyckoff letter; "A" follows "z" in Pmmm.
        multiplicity: Atoms in the conventional cell.
        site_symmetry: Site-symmetry symbol.
        coordinates: Representative triplet, e.g. "x,2x,z".
        linear: shape (multiplicity, 3, free).
        constant: shape (multiplicity, 3).
    """

    letter: str
    multiplicity: int
    site_symmetry: str
    coordinates: str
    linear: FloatArray
    constant: FloatArray

    @property
    def free(self) -> int:
        """Number of free coordinates, 0 to 3."""
        return int(self.linear.shape[2])


@dataclass(frozen=True, slots=True, eq=False)
class SpaceGroup:
    """The tables of one space group in the ITA standard setting.

    Attributes:
        number: International number, 1-230.
        symbol: Short Hermann-Mauguin symbol.
        crystal_system: Lower case, e.g. "trigonal".
        rotations: shape (operations, 3, 3), conventional cell, with centring.
        translations: shape (operations, 3).
        centring: Lattice points of the conventional cell, shape (order, 3).
        to_primitive: Maps fractional coordinates, x_primitive = to_primitive @ x_conventional, shape (3, 3).
        positions: By letter, most special first as in ITA.
        equivalent_letters: Each maps the letters to their images under one coset of the Euclidean normaliser.
    """

    number: int
    symbol: str
    crystal_system: str
    rotations: FloatArray
    translations: FloatArray
    centring: FloatArray
    to_primitive: FloatArray
    positions: dict[str, WyckoffPosition]
    equivalent_letters: tuple[dict[str, str], ...]

    def primitive_basis(self, conventional: FloatArray) -> FloatArray:
        """Rows of the primitive cell in Å for rows of the conventional cell, shapes (..., 3, 3)."""
        inverse = np.linalg.inv(self.to_primitive)
        return np.asarray(np.einsum("ji,...jk->...ik", inverse, conventional))


@cache
def _table() -> dict[str, Any]:
    text = files("alphacrystal.crystal").joinpath("data/wyckoff.json").read_text()
    groups: dict[str, Any] = json.loads(text)["groups"]
    return groups


def _entry(number: int) -> dict[str, Any]:
    """Table of one space group.

    Raises:
        InputError: There is none of this number.
    """
    if str(number) not in _table():
        raise InputError(f"Space group {number} does not exist: give an international number from 1 to 230.")
    entry: dict[str, Any] = _table()[str(number)]
    return entry


@cache
def multiplicities(number: int) -> dict[str, int]:
    """Atoms of one orbit in the PRIMITIVE cell by Wyckoff letter; needs no operations, so it is cheap."""
    order = lattice_points(number)
    return {letter: multiplicity // order for letter, multiplicity, _, _ in _entry(number)["positions"]}


@cache
def lattice_points(number: int) -> int:
    """Lattice points of the conventional cell; cheap like ``multiplicities``."""
    import moyopy

    order: int = moyopy.HallSymbolEntry(_entry(number)["hall_number"]).centering.order
    return order


@cache
def crystal_system(number: int) -> str:
    """Lower case, e.g. "trigonal"; cheap like ``multiplicities``."""
    import moyopy

    _entry(number)
    system: str = moyopy.SpaceGroupType(number).crystal_system
    return system.lower()


@cache
def group_symbol(number: int) -> str:
    """Short Hermann-Mauguin symbol, e.g. "Fm-3m"; cheap like ``multiplicities``."""
    import moyopy

    _entry(number)
    symbol: str = moyopy.SpaceGroupType(number).hm_short
    return symbol.replace(" ", "")


@cache
def free_coordinates(number: int) -> dict[str, int]:
    """Number of free coordinates of each Wyckoff letter; cheap like ``multiplicities``."""
    return {letter: len(set(triplet) & set("xyz")) for letter, _, _, triplet in _entry(number)["positions"]}


def free_count(number: int, occupation: Iterable[str]) -> int:
    """Free coordinates of all orbits; ``occupation`` holds the letters of each element."""
    free = free_coordinates(number)
    return sum([free[letter] for letters in occupation for letter in letters])


def orbit_order(number: int, letters: str) -> list[str]:
    """Letters of the orbits of one element in the order of the atoms: small orbits first, then ITA order."""
    sizes = multiplicities(number)
    return sorted(letters, key=lambda letter: (sizes[letter], letter_index(letter)))


@cache
def equivalent_letters(number: int) -> tuple[dict[str, str], ...]:
    """Letter maps of the cosets of the Euclidean normaliser that permute letters, without the identity."""
    letters = list(multiplicities(number))
    return tuple(dict(zip(letters, image, strict=True)) for image in _entry(number)["equivalent_letters"])


def raw_wyckoff_table() -> Iterator[tuple[int, str, int, str, int]]:
    """(space group, letter, multiplicity in the primitive cell, site symmetry, free coordinates) of each."""
    for number in range(1, 231):
        for letter, _, site_symmetry, _ in _entry(number)["positions"]:
            yield (
                number,
                letter,
                multiplicities(number)[letter],
                site_symmetry,
                free_coordinates(number)[letter],
            )


def _affine(triplet: str) -> tuple[FloatArray, FloatArray]:
    """Linear (3, 3) and constant (3,) part of a coordinate triplet such as "x,2x,-z+1/4"."""
    linear, constant = np.zeros((3, 3)), np.zeros(3)
    for row, expression in enumerate(triplet.split(",")):
        for sign, number, variable in re.findall(
            r"([+-]?)(\d+(?:/\d+)?)?([xyz]?)", expression.replace(" ", "")
        ):
            if not number and not variable:
                continue
            value = float(Fraction(number or "1")) * (-1 if sign == "-" else 1)
            if variable:
                linear[row, "xyz".index(variable)] += value
            else:
                constant[row] += value
    return linear, constant


def _orbit(rotations: FloatArray, translations: FloatArray, triplet: str) -> tuple[FloatArray, FloatArray]:
    """All distinct images of a representative triplet as affine maps of its free parameters."""
    linear, constant = _affine(triplet)
    linear = linear[:, np.any(linear != 0, axis=0)]  # (3, free)
    generic = np.array([0.1234567, 0.2718281, 0.4142135])[: linear.shape[1]]
    image_linear = rotations @ linear  # (operations, 3, free)
    image_constant = (rotations @ constant + translations) % 1.0
    points = np.round((image_linear @ generic + image_constant) % 1.0, 5) % 1.0
    _, first = np.unique(points, axis=0, return_index=True)
    chosen = np.sort(first)
    return image_linear[chosen], image_constant[chosen]


@cache
def space_group(number: int) -> SpaceGroup:
    """Tables of a space group (from moyopy; ITA standard setting).

    Raises:
        InputError: The number is not 1-230.
    """
    import moyopy

    entry = _entry(number)
    operations = moyopy.operations_from_number(number, setting=moyopy.Setting.standard())
    hall = moyopy.HallSymbolEntry(entry["hall_number"])
    rotations = np.array(operations.rotations, dtype=np.float64)
    translations = np.array(operations.translations, dtype=np.float64)
    positions = {}
    for letter, multiplicity, site_symmetry, triplet in entry["positions"]:
        linear, constant = _orbit(rotations, translations, triplet)
        if len(constant) != multiplicity:
            raise AssertionError(f"orbit of {number}{letter} has {len(constant)} members, not {multiplicity}")
        positions[letter] = WyckoffPosition(letter, multiplicity, site_symmetry, triplet, linear, constant)
    return SpaceGroup(
        number=number,
        symbol=group_symbol(number),
        crystal_system=crystal_system(number),
        rotations=rotations,
        translations=translations,
        centring=np.array(hall.centering.lattice_points, dtype=np.float64),
        to_primitive=np.array(hall.centering.linear, dtype=np.float64),
        positions=positions,
        equivalent_letters=equivalent_letters(number),
    )


def wyckoff_positions(number: int) -> dict[str, WyckoffPosition]:
    """Wyckoff positions of a space group by letter, most special first."""
    return space_group(number).positions


def letter_index(letter: str) -> int:
    """0 for "a" ... 25 for "z", 26 for "A"."""
    return 26 if letter == "A" else ord(letter) - ord("a")


def sorted_letters(letters: Iterable[str]) -> str:
    """Letters in ITA order, "A" last."""
    return "".join(sorted(letters, key=letter_index))


def canonical_settings(
    number: int, letters: Sequence[str]
) -> tuple[tuple[str, ...], tuple[dict[str, str], ...]]:
    """The equivalent description that comes first among all settings of the Euclidean normaliser.

    Two descriptions of one crystal that differ only by the choice of origin or axes get the same letters.

    Args:
        number: Space group.
        letters: Wyckoff letters of each element, one per orbit; the order of elements matters and is kept.

    Returns:
        The canonical letters of each element (sorted), and the maps from old to new letters that lead to
        them: several if the same elements occupy positions that the normaliser exchanges.
    """
    maps = [{letter: letter for letter in multiplicities(number)}, *equivalent_letters(number)]
    settings = letter_settings(number, letters)
    best = min(settings)
    return _letters(best), tuple(
        image for setting, image in zip(settings, maps, strict=True) if setting == best
    )


def canonical_letters(number: int, letters: Sequence[str]) -> tuple[str, ...]:
    """The letters of ``canonical_settings`` without the maps, which take longer."""
    return _letters(min(letter_settings(number, letters)))


def letter_settings(number: int, letters: Sequence[str]) -> list[tuple[tuple[int, ...], ...]]:
    """Sorted letter indices of each element in all settings, the given one first."""
    return list(zip(*[_element_settings(number, one) for one in letters], strict=True))


@lru_cache(100_000)
def _element_settings(number: int, letters: str) -> tuple[tuple[int, ...], ...]:
    """Sorted letter indices of one element in all settings, the given one first."""
    indices = [letter_index(letter) for letter in letters]
    return (
        tuple(sorted(indices)),
        *(tuple(sorted([image[index] for index in indices])) for image in _index_images(number)),
    )


@cache
def _index_images(number: int) -> tuple[tuple[int, ...], ...]:
    """``equivalent_letters`` as indices of letters."""
    return tuple(tuple(map(letter_index, image.values())) for image in equivalent_letters(number))


def _letters(indices: Sequence[Sequence[int]]) -> tuple[str, ...]:
    return tuple(["".join([LETTERS[index] for index in element]) for element in indices])
