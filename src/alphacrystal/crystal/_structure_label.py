"""Labels of structure types in the style of AFLOW, e.g. "AB2_tP6_136_a_f" of rutile."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, reduce
from itertools import groupby
from math import gcd
from string import ascii_uppercase
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal._cells import describe_symmetry
from alphacrystal.crystal._wyckoff import LETTERS, crystal_system, group_symbol, letter_settings

if TYPE_CHECKING:
    from pymatgen.core import Structure

_FAMILIES = {
    "triclinic": "a",
    "monoclinic": "m",
    "orthorhombic": "o",
    "tetragonal": "t",
    "trigonal": "h",
    "hexagonal": "h",
    "cubic": "c",
}


@dataclass(frozen=True, slots=True)
class StructureLabel:
    """The structure type of a crystal, without its elements.

    Attributes:
        text: Stoichiometry, Pearson symbol, space group and Wyckoff letters of each element, e.g.
            "AB2_tP6_136_a_f" (M. J. Mehl et al., doi:10.1016/j.commatsci.2017.01.017). Elements are in order
            of their counts, then of their Wyckoff letters, then of Pettifor's scale; of the settings of the
            Euclidean normaliser, it has the one whose letters come first. AFLOW orders elements
            alphabetically, so that its labels may differ in the order of the elements or in the setting.
            Crystals with a rhombohedral lattice are counted in the primitive cell.
        elements: Symbols in the order of the letters A, B, ... of the label.
    """

    text: str
    elements: tuple[str, ...]


def structure_label(structure: Structure) -> StructureLabel:
    """The label of a crystal at 0.1 Å.

    Raises:
        InputError: No symmetry can be found (overlapping atoms).
    """
    numbers = np.array([site.specie.Z for site in structure], dtype=np.int64)
    found = describe_symmetry(structure.lattice.matrix, structure.frac_coords, numbers)
    occupation = found.occupation()
    symbols = [site.specie.symbol for site in structure]
    counts = [symbols.count(symbol) for symbol in occupation]
    divisor = reduce(gcd, counts)
    counts = [count // divisor for count in counts]
    places = list(map(mendeleev_number, occupation))
    settings = [
        sorted(zip(counts, letters, places, occupation, strict=True))
        for letters in letter_settings(found.space_group, list(occupation.values()))
    ]
    best = min(
        settings,
        key=lambda setting: ([item[:2] for item in setting], [place for _, _, place, _ in setting]),
    )
    parts = [
        "".join(ascii_uppercase[place] + _number(count) for place, (count, *_) in enumerate(best)),
        _pearson_symbol(found.space_group, len(found.numbers)),
        str(found.space_group),
        *(_wyckoff_text(letters) for _, letters, *_ in best),
    ]
    return StructureLabel("_".join(parts), tuple(element for *_, element in best))


@cache
def mendeleev_number(symbol: str) -> float:
    """Place of an element in the chemical scale of D. G. Pettifor, doi:10.1016/0038-1098(84)90765-8.

    The most electronegative non-metal comes last; Pauling's scale has Pt beyond Te and Sb.
    """
    from pymatgen.core import Element

    return float(Element(symbol).mendeleev_no)


def _wyckoff_text(letters: tuple[int, ...]) -> str:
    """Letters of an element, e.g. "a2c" for one orbit on a and two on c."""
    return "".join(_number(len(list(members))) + LETTERS[index] for index, members in groupby(letters))


def _number(count: int) -> str:
    return str(count) if count > 1 else ""


def _pearson_symbol(number: int, primitive_atoms: int) -> str:
    """Crystal family, centring and atoms of the conventional cell (rhombohedral: of the primitive cell)."""
    centring = group_symbol(number)[0].replace("A", "C")
    points = {"P": 1, "R": 1, "C": 2, "I": 2, "F": 4}[centring]
    return f"{_FAMILIES[crystal_system(number)]}{centring}{primitive_atoms * points}"
