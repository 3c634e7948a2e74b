"""Names of structure types: prototypes such as rutile, with Strukturbericht symbols and minerals."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal._cells import standard_structure
from alphacrystal.crystal._coordination import effective_coordination
from alphacrystal.crystal._structure_label import StructureLabel, mendeleev_number, structure_label
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

TABLE = "data/prototypes.csv"
COORDINATION_TABLE = "data/prototype_coordination.csv"
#: Largest distance of an effective coordination number from the range of the known crystals of a type: a
#: constant, and a share of the upper end of the range.
MARGIN, RELATIVE_MARGIN = 1.5, 0.15
REACH = 6.0  # Å; longer distances do not occur in the conditions
SHELL = 1.25  # times the shortest distance: limit of the neighbours that the condition "n" counts
#: Space groups by their enantiomorph of lower number.
_ENANTIOMORPHS = {
    "78": "76",
    "95": "91",
    "96": "92",
    "145": "144",
    "153": "151",
    "154": "152",
    "170": "169",
    "172": "171",
    "179": "178",
    "181": "180",
    "213": "212",
}
_CONDITION = re.compile(r"(anion|cation|metal|nonmetal|with|without)=([A-Za-z]+)|([^<>=]+)([<>])([0-9.]+)")
_RATIO = re.compile(r"([A-Z])-([A-Z])/([A-Z])-([A-Z])")

#: Lowest and highest number of a pair of elements in known crystals.
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Prototype:
    """A named structure type, one line of ``data/prototypes.csv``.

    Attributes:
        label: See `structure_label`; of enantiomorphic space groups, that of lower number.
        conditions: Differences from other prototypes with this label, see docs/prototypes.md.
        name: Usual name, e.g. "rutile" or "half-Heusler (MgAgAs)".
        strukturbericht: Strukturbericht symbol, e.g. "C4", "" without one.
        mineral: Mineral name, "" without one.
        compounds: Formulas of compounds of this type.
        source: Key of its source, see docs/prototypes.md.
        coordination: Ranges of the effective coordination numbers of known crystals of the compounds, one for
            each pair of elements in the order of the label, row by row; empty without a known crystal.
    """

    label: str
    conditions: tuple[str, ...]
    name: str
    strukturbericht: str
    mineral: str
    compounds: tuple[str, ...]
    source: str
    coordination: tuple[Range, ...] = ()


@cache
def prototype_table() -> Mapping[str, tuple[Prototype, ...]]:
    """All prototypes by label."""
    ranges = {(row["label"], row["name"]): _ranges(row["ranges"]) for row in _rows(COORDINATION_TABLE)}
    table: dict[str, tuple[Prototype, ...]] = {}
    for row in _rows(TABLE):
        prototype = Prototype(
            label=row["label"],
            conditions=tuple(row["conditions"].split()),
            name=row["name"],
            strukturbericht=row["strukturbericht"],
            mineral=row["mineral"],
            compounds=tuple(row["compounds"].split()),
            source=row["source"],
            coordination=ranges.get((row["label"], row["name"]), ()),
        )
        table[prototype.label] = (*table.get(prototype.label, ()), prototype)
    return table


def _rows(name: str) -> list[dict[str, str]]:
    text = files("alphacrystal.crystal").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def _ranges(text: str) -> tuple[Range, ...]:
    """Ranges from a text such as "0:0.2 5.9:6"."""
    pairs = (part.split(":") for part in text.split())
    return tuple((float(low), float(high)) for low, high in pairs)


def prototypes(structure: Structure, label: StructureLabel | None = None) -> list[Prototype]:
    """The prototypes whose label, conditions and coordination a crystal has, usually none or one.

    Crystals with one label are isopointal. They are of one type if their axial ratios, coordinates and
    coordination are similar, too (isoconfigurational: J. Lima-de-Faria et al.,
    doi:10.1107/S0108767389008834). The effective coordination numbers, see `effective_coordination`, change
    with all of them; they must be near those of known crystals of the type.

    Args:
        structure: A crystal.
        label: Its label, if known.

    Raises:
        InputError: No symmetry can be found (overlapping atoms).
    """
    label = label or structure_label(structure)
    named = isopointal_prototypes(structure, label)
    if not any(prototype.coordination for prototype in named):
        return named
    numbers = effective_coordination(structure, label.elements)
    return [prototype for prototype in named if within_ranges(numbers, prototype.coordination)]


def isopointal_prototypes(structure: Structure, label: StructureLabel) -> list[Prototype]:
    """The prototypes whose label and conditions a crystal has, with any coordination."""
    named = prototype_table().get(with_lower_enantiomorph(label.text), ())
    if not any(prototype.conditions for prototype in named):
        return list(named)
    facts = _Facts(structure, label)
    return [prototype for prototype in named if all(map(facts.fulfil, prototype.conditions))]


def within_ranges(numbers: FloatArray, ranges: Sequence[Range]) -> bool:
    """Whether effective coordination numbers lie within ranges, with the margins of this module.

    Args:
        numbers: Shape (elements, elements).
        ranges: One for each number, row by row; no range allows all numbers.
    """
    if not ranges:
        return True
    low, high = np.array(ranges).T
    margin = MARGIN + RELATIVE_MARGIN * high
    flat = numbers.ravel()
    return bool(((flat >= low - margin) & (flat <= high + margin)).all())


def with_lower_enantiomorph(label: str) -> str:
    """The label with the space group of lower number of an enantiomorphic pair."""
    head, pearson, number, *letters = label.split("_")
    return "_".join([head, pearson, _ENANTIOMORPHS.get(number, number), *letters])


class _Facts:
    """The quantities that conditions compare, computed when a condition needs them.

    Args:
        structure: A crystal.
        label: Its label.
    """

    def __init__(self, structure: Structure, label: StructureLabel) -> None:
        self._structure = structure
        symbols = sorted(label.elements, key=mendeleev_number)
        self._cation, self._anion = symbols[0], symbols[-1]
        self._others = symbols[:-1] or symbols
        self._roles = {"M": symbols[0], "X": symbols[-1]}
        self._roles |= dict(zip("ABCDEFGH", label.elements, strict=False))
        self._shortest: dict[tuple[str, str], float] | None = None
        self._fewest = 0

    def fulfil(self, condition: str) -> bool:
        """Whether the crystal fulfils a condition."""
        match = _CONDITION.fullmatch(condition)
        if match is None:
            raise ValueError(f"{condition} is no condition")
        word, value, quantity, sign, limit = match.groups()
        if word in ("anion", "cation"):
            element = self._anion if word == "anion" else self._cation
            return any(self._roles.get(letter) == element for letter in value)
        if word in ("metal", "nonmetal"):
            return _is_metal(self._roles[value]) == (word == "metal")
        if word in ("with", "without"):
            present = value in self._roles.values()
            return present == (word == "with")
        size = self._quantity(quantity)
        return size > float(limit) if sign == ">" else size < float(limit)

    def _quantity(self, name: str) -> float:
        if name in ("c/a", "b/a"):
            lattice = standard_structure(self._structure)[0].lattice
            return float((lattice.c if name == "c/a" else lattice.b) / lattice.a)
        if name == "axes":
            edges = standard_structure(self._structure)[0].lattice.abc
            return float(max(edges) / min(edges))
        if self._shortest is None:
            self._measure()
        assert self._shortest is not None
        if name == "n":
            return self._fewest
        nearest = [self._shortest.get((symbol, self._anion), math.inf) for symbol in self._others]
        if name == "long/short":
            return max(nearest) / min(nearest)
        if name == "X-X/short":
            return self._shortest.get((self._anion, self._anion), 2 * REACH) / min(nearest)
        match = _RATIO.fullmatch(name)
        if match is None:
            raise ValueError(f"{name} is no quantity")
        one, other, three, four = (self._roles[role] for role in match.groups())
        divisor = self._shortest.get((three, four), math.inf)
        return self._shortest.get((one, other), 2 * REACH) / divisor

    def _measure(self) -> None:
        """Shortest distance of each pair of elements, and the fewest neighbours X of an atom that is none."""
        symbols = np.array([site.specie.symbol for site in self._structure])
        one, other, _, distances = self._structure.get_neighbor_list(REACH)
        self._shortest = {}
        for first, second, distance in zip(symbols[one], symbols[other], distances, strict=True):
            pair = str(first), str(second)
            self._shortest[pair] = min(float(distance), self._shortest.get(pair, math.inf))
        counts = []
        for atom in np.flatnonzero(symbols != self._anion):
            near = distances[(one == atom) & (symbols[other] == self._anion)]
            counts.append(int((near < SHELL * near.min()).sum()) if len(near) else 0)
        self._fewest = min(counts, default=0)


@cache
def _is_metal(symbol: str) -> bool:
    from pymatgen.core import Element

    return bool(Element(symbol).is_metal)


def prototype_names(structure: Structure, label: StructureLabel | None = None) -> str:
    """The names of the prototypes of a crystal, e.g. "rutile"; "" without one or without symmetry."""
    try:
        return " or ".join(prototype.name for prototype in prototypes(structure, label))
    except InputError:
        return ""
