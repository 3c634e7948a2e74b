"""Known crystals of the compounds of the prototype table, and the ranges of their coordination."""

from __future__ import annotations

import io
import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pymatgen.core import Composition

from alphacrystal.crystal import (
    Prototype,
    effective_coordination,
    isopointal_prototypes,
    prototype_table,
    structure_label,
)
from alphacrystal.data import StructureRecord
from alphacrystal.runtime.csv_cells import write_csv
from alphacrystal.typing import FloatArray
from alphacrystal_bench.generation.textbook_structures import TextbookCompound

COLUMNS = ("label", "name", "crystals", "ranges")
TEXTBOOK_ID = "textbook"

#: Lowest and highest effective coordination number of a pair of elements.
Range = tuple[float, float]

#: Prototypes without a crystal in training data: compounds of benchmarks, and layers that records lack.
#: R. W. G. Wyckoff, Crystal Structures (1963-1971); anatase, brookite: E. P. Meagher and G. A. Lager, Can.
#: Mineral. 17, 77 (1979). Groups 141 and 227 in origin choice 1.
TEXTBOOK = (
    TextbookCompound("TiO2", "anatase", "I4_1/amd", (3.785, 9.514), [("Ti", 0, 0, 0), ("O", 0, 0, 0.208)]),
    TextbookCompound(
        "TiO2",
        "brookite",
        "Pbca",
        (9.174, 5.449, 5.138),
        [("Ti", 0.1289, 0.0972, 0.8628), ("O", 0.0095, 0.1491, 0.1835), ("O", 0.2314, 0.111, 0.5366)],
    ),
    TextbookCompound(
        "HgCl2",
        "HgCl2",
        "Pnma",
        (12.735, 5.963, 4.325),
        [("Hg", 0.126, 0.25, 0.05), ("Cl", 0.255, 0.25, 0.406), ("Cl", 0.496, 0.25, 0.806)],
    ),
    TextbookCompound(
        "CaSi2",
        "CaSi2",
        "R-3m",
        (3.855, 30.6),
        [("Ca", 0, 0, 0.083), ("Si", 0, 0, 0.185), ("Si", 0, 0, 0.352)],
    ),
    TextbookCompound(
        "Li3N",
        "Li3N",
        "P6/mmm",
        (3.648, 3.875),
        [("N", 0, 0, 0), ("Li", 0, 0, 0.5), ("Li", 1 / 3, 2 / 3, 0)],
    ),
    TextbookCompound("LiC6", "LiC6", "P6/mmm", (4.305, 3.706), [("Li", 0, 0, 0), ("C", 1 / 3, 0, 0.5)]),
    TextbookCompound("CO2", "CO2", "Pa-3", (5.624,), [("C", 0, 0, 0), ("O", 0.118, 0.118, 0.118)]),
    TextbookCompound(
        "SiO2", "β-cristobalite", "Fd-3m", (7.16,), [("Si", 0, 0, 0), ("O", 0.125, 0.125, 0.125)]
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A known crystal with the label and the conditions of a prototype that lists its compound.

    Attributes:
        id: Of the crystal in its source.
        formula: Reduced formula.
        experimental: Whether the source marks it as an experimental structure.
        coordination: See `effective_coordination`; elements in the order of the label.
    """

    id: str
    formula: str
    experimental: bool
    coordination: FloatArray


def listed_compounds() -> dict[str, list[Prototype]]:
    """The prototypes that list a compound, by reduced formula."""
    listed: dict[str, list[Prototype]] = defaultdict(list)
    for named in prototype_table().values():
        for prototype in named:
            for compound in prototype.compounds:
                listed[Composition(compound).reduced_formula].append(prototype)
    return listed


def members(records: Iterable[StructureRecord]) -> dict[tuple[str, str], list[Member]]:
    """The members of each prototype, by label and name; of those in TEXTBOOK, the textbook structure."""
    listed = listed_compounds()
    textbook = {compound.name for compound in TEXTBOOK}
    found: dict[tuple[str, str], list[Member]] = defaultdict(list)
    crystals = itertools.chain(
        ((TEXTBOOK_ID, item.formula, True, item.structure()) for item in TEXTBOOK),
        (
            (record.id, record.reduced_formula, record.icsd is True, record.structure())
            for record in records
            if record.reduced_formula in listed
        ),
    )
    for identifier, formula, experimental, structure in crystals:
        label = structure_label(structure)
        isopointal = isopointal_prototypes(structure, label)
        for prototype in isopointal:
            from_textbook = identifier == TEXTBOOK_ID
            if from_textbook == (prototype.name in textbook) and (
                from_textbook or prototype in listed[formula]
            ):
                coordination = effective_coordination(structure, label.elements)
                member = Member(identifier, formula, experimental, coordination)
                found[prototype.label, prototype.name].append(member)
    return found


def typical_members(found: Sequence[Member]) -> list[Member]:
    """One member for each compound: experimental if there is one, and nearest to the median of all.

    Polymorphs of a compound can have one label; the others of the type tell which of them belongs to it.
    """
    compounds: dict[str, list[Member]] = defaultdict(list)
    for member in found:
        compounds[member.formula].append(member)
    chosen = [
        [member for member in same if member.experimental] or same for _, same in sorted(compounds.items())
    ]
    centre = np.median([np.median([item.coordination for item in same], axis=0) for same in chosen], axis=0)
    return [
        min(same, key=lambda item: (float(np.abs(item.coordination - centre).max()), item.id))
        for same in chosen
    ]


def coordination_ranges(typical: Sequence[Member]) -> tuple[Range, ...]:
    """Lowest and highest number of each pair of elements, rounded outwards to one decimal."""
    numbers = np.array([member.coordination.ravel() for member in typical])
    return tuple(
        (math.floor(10 * low + 1e-6) / 10, math.ceil(10 * high - 1e-6) / 10)
        for low, high in zip(numbers.min(0).tolist(), numbers.max(0).tolist(), strict=True)
    )


def ranges_csv(found: Mapping[tuple[str, str], Sequence[Member]]) -> str:
    """The table ``prototype_coordination.csv``."""
    rows = []
    for named in prototype_table().values():
        for prototype in named:
            if of_type := found.get((prototype.label, prototype.name)):
                typical = typical_members(of_type)
                ranges = " ".join(f"{low:g}:{high:g}" for low, high in coordination_ranges(typical))
                rows.append((prototype.label, prototype.name, len(typical), ranges))
    stream = io.StringIO()
    write_csv(stream, COLUMNS, rows)
    return stream.getvalue()
