"""Labels of structure types and names of prototypes, for textbook structures."""

from __future__ import annotations

import gzip
import json
import re
from importlib.resources import files

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import (
    effective_coordination,
    prototype_names,
    prototype_table,
    prototypes,
    structure_label,
)

cubic, tetragonal, hexagonal = Lattice.cubic, Lattice.tetragonal, Lattice.hexagonal

#: Name, space group, cell in Å, elements and positions: R. W. G. Wyckoff, Crystal Structures (1963-1971), and
#: J. K. Burdett et al., doi:10.1021/ja00246a021 (rutile, anatase). Group 227: origin choice 1.
TEXTBOOK = (
    ("rutile", 136, tetragonal(4.594, 2.959), "Ti O", [(0, 0, 0), (0.305, 0.305, 0)]),
    ("anatase", 141, tetragonal(3.785, 9.514), "Ti O", [(0, 0, 0), (0, 0, 0.208)]),
    ("rock salt", 225, cubic(5.64), "Na Cl", [(0, 0, 0), (0.5, 0.5, 0.5)]),
    ("fluorite", 225, cubic(5.463), "Ca F", [(0, 0, 0), (0.25, 0.25, 0.25)]),
    ("antifluorite", 225, cubic(4.619), "O Li", [(0, 0, 0), (0.25, 0.25, 0.25)]),
    ("pyrite", 205, cubic(5.416), "Fe S", [(0, 0, 0), (0.385, 0.385, 0.385)]),
    ("CO2", 205, cubic(5.575), "C O", [(0, 0, 0), (0.11, 0.11, 0.11)]),
    ("β-cristobalite", 227, cubic(7.16), "Si O", [(0, 0, 0), (0.125, 0.125, 0.125)]),
    ("Laves phase MgCu2", 227, cubic(7.048), "Mg Cu", [(0, 0, 0), (0.625, 0.625, 0.625)]),
    ("cubic perovskite", 221, cubic(3.905), "Sr Ti O", [(0.5, 0.5, 0.5), (0, 0, 0), (0.5, 0, 0)]),
    ("cubic antiperovskite", 221, cubic(3.898), "Zn N Mn", [(0.5, 0.5, 0.5), (0, 0, 0), (0.5, 0, 0)]),
    ("2H-MoS2", 194, hexagonal(3.16, 12.29), "Mo S", [(1 / 3, 2 / 3, 0.25), (1 / 3, 2 / 3, 0.621)]),
    ("ReB2", 194, hexagonal(2.9, 7.478), "Re B", [(1 / 3, 2 / 3, 0.25), (1 / 3, 2 / 3, 0.548)]),
    ("Li3N", 191, hexagonal(3.648, 3.875), "N Li Li", [(0, 0, 0), (0, 0, 0.5), (1 / 3, 2 / 3, 0)]),
    ("LiC6", 191, hexagonal(4.31, 3.706), "Li C", [(0, 0, 0), (1 / 3, 0, 0.5)]),
    ("spinel", 227, cubic(8.08), "Mg Al O", [(0,) * 3, (0.625,) * 3, (0.389,) * 3]),
    ("wurtzite", 186, hexagonal(3.25, 5.207), "Zn O", [(1 / 3, 2 / 3, 0), (1 / 3, 2 / 3, 0.382)]),
    ("half-Heusler (MgAgAs)", 216, cubic(5.94), "Ti Ni Sn", [(0,) * 3, (0.25,) * 3, (0.5,) * 3]),
    ("MoSi2", 139, tetragonal(3.203, 7.855), "Mo Si", [(0, 0, 0), (0, 0, 1 / 3)]),
    ("CaC2", 139, tetragonal(3.88, 6.38), "Ca C", [(0, 0, 0), (0, 0, 0.406)]),
    (
        "NaN3 (high temperature)",
        166,
        hexagonal(3.646, 15.213),
        "Na N N",
        [(0,) * 3, (0, 0, 0.5), (0, 0, 0.423)],
    ),
    ("grey arsenic", 166, hexagonal(3.760, 10.548), "As", [(0, 0, 0.227)]),
    ("rhombohedral graphite", 166, hexagonal(2.456, 10.044), "C", [(0, 0, 0.1667)]),
    ("lonsdaleite", 194, hexagonal(2.52, 4.12), "C", [(1 / 3, 2 / 3, 0.063)]),
    (
        "LiNbO3",
        161,
        hexagonal(5.148, 13.863),
        "Li Nb O",
        [(0, 0, 0.2787), (0,) * 3, (0.0492, 0.3446, 0.0647)],
    ),
)

#: Crystals with the label of a prototype, but other axial ratios or coordinates: no structures of its type.
ISOPOINTAL = (
    ("NaN3 (high temperature)", 166, hexagonal(4.0, 19.6), "Na N N", [(0,) * 3, (0, 0, 0.5), (0, 0, 0.25)]),
    ("rutile", 136, tetragonal(4.594, 2.959), "Ti O", [(0, 0, 0), (0.42, 0.42, 0)]),
    ("WC", 187, hexagonal(2.9, 4.6), "W C", [(0, 0, 0), (1 / 3, 2 / 3, 0.5)]),
    ("skutterudite", 204, cubic(7.7), "Co As", [(0.25, 0.25, 0.25), (0, 0.2, 0.45)]),
    ("AlB2", 191, hexagonal(3.0, 6.2), "Al B", [(0, 0, 0), (1 / 3, 2 / 3, 0.5)]),
)


def textbook(name: str) -> Structure:
    """The structure of a prototype."""
    _, group, lattice, elements, positions = next(row for row in TEXTBOOK if row[0] == name)
    return Structure.from_spacegroup(group, lattice, elements.split(), positions)


@pytest.mark.parametrize("name", [row[0] for row in TEXTBOOK])
def test_textbook_structures_have_their_names(name: str) -> None:
    assert prototype_names(textbook(name)) == name


@pytest.mark.parametrize(("name", "group", "lattice", "elements", "positions"), ISOPOINTAL)
def test_isopointal_crystals_of_other_coordination_have_no_name(
    name: str, group: int, lattice: Lattice, elements: str, positions: list[tuple[float, ...]]
) -> None:
    structure = Structure.from_spacegroup(group, lattice, elements.split(), positions)
    assert name in [prototype.name for prototype in prototype_table()[structure_label(structure).text]]
    assert name not in prototype_names(structure)


def test_effective_coordination_depends_on_neither_cell_nor_scale() -> None:
    rutile = textbook("rutile")
    expected = effective_coordination(rutile, ("Ti", "O"))
    assert expected == pytest.approx(np.array([[0, 6], [3, 0]]), abs=0.3)
    other = rutile.copy()
    other.scale_lattice(3 * other.volume)
    other.make_supercell([[1, 1, 0], [0, 1, 0], [0, 0, 2]])
    assert effective_coordination(other, ("Ti", "O")) == pytest.approx(expected, abs=1e-3)
    assert effective_coordination(other, ("O", "Ti")) == pytest.approx(expected[::-1, ::-1], abs=1e-3)


def test_equal_wyckoff_letters_are_ordered_by_element() -> None:
    structures = [
        Structure.from_spacegroup(
            198,
            cubic(5.9),
            ["Ni", "Sb", "S"],
            [[x] * 3 for x in (shift - 0.024, shift + 0.625, shift + 0.39)],
        )
        for shift in (0, 0.5)
    ]
    assert {structure_label(structure).elements for structure in structures} == {("Ni", "Sb", "S")}


#: Strukturbericht symbols of AFLOW's library that differ from those of our table, by ours.
OTHER_SYMBOLS = {
    "B16": {"B29", "B27"},  # SnS, which is a variant of GeS; FeB with exchanged elements
    "C28": {"C25"},  # HgCl2 has both
    "C52": {"C21"},  # brookite with a wrong length of a
    "L1_2": {"D0_c"},  # U3Si, at 0.1 Å
}


def test_names_agree_with_the_library_of_aflow() -> None:
    """The structures of M. J. Mehl et al., doi:10.1016/j.commatsci.2017.01.017, which pymatgen contains."""
    prototypes_module = pytest.importorskip("pymatgen.analysis.prototypes")
    library = files(prototypes_module.__name__) / "aflow_prototypes.json.gz"
    entries = json.loads(gzip.decompress(library.read_bytes()))
    symbols, found, differences = 0, 0, {}
    for entry in entries:
        expected = re.sub(r"[{}$]", "", str(entry["tags"]["strukturbericht"]))
        structure = Structure.from_dict(entry["snl"])
        if not re.fullmatch(r"[A-L]\d*(_[0-9a-z]+)?", expected) or len(structure) > 40:
            continue
        symbols += 1
        for prototype in prototypes(structure):
            if (ours := prototype.strukturbericht) and ours != expected:
                differences.setdefault(ours, set()).add(expected)
            else:
                found += 1
    assert differences == OTHER_SYMBOLS
    assert symbols > 100
    assert found > 80


def test_label_names_stoichiometry_pearson_symbol_space_group_and_positions() -> None:
    label = structure_label(textbook("rutile"))
    assert label.text == "AB2_tP6_136_a_f"
    assert label.elements == ("Ti", "O")
    assert structure_label(textbook("spinel")).text == "AB2C4_cF56_227_a_d_e"


@pytest.mark.parametrize("name", ["anatase", "cubic perovskite", "pyrite", "2H-MoS2"])
def test_names_do_not_depend_on_origin_and_cell(name: str) -> None:
    structure = textbook(name)
    structure.translate_sites(range(len(structure)), [0.5, 0.5, 0.5])
    structure.make_supercell([[1, 1, 0], [0, 1, 0], [0, 0, 2]])
    assert prototype_names(structure) == name


def test_both_hands_of_quartz_have_one_name() -> None:
    sites = [(0.4697, 0, 2 / 3), (0.4135, 0.2669, 0.7858)]
    left = Structure.from_spacegroup(154, hexagonal(4.916, 5.405), ["Si", "O"], sites)
    right = Structure(left.lattice, left.species, -left.frac_coords)
    assert {structure_label(hand).text for hand in (left, right)} == {"AB2_hP9_154_a_c", "AB2_hP9_152_a_c"}
    assert prototype_names(left) == prototype_names(right) == "α-quartz"


def test_structures_without_a_prototype_have_no_name() -> None:
    structure = Structure(
        Lattice.from_parameters(3, 4, 5, 80, 85, 95), ["Na", "Cl"], [(0, 0, 0), (0.4, 0.3, 0.6)]
    )
    assert prototypes(structure) == []


def test_conditions_of_every_line_can_be_evaluated() -> None:
    rutile = textbook("rutile")
    label = structure_label(rutile)
    table = prototype_table()
    assert sum(map(len, table.values())) > 400
    for named in table.values():
        for prototype in named:
            assert prototype.name
            assert prototype.compounds
            assert prototype.label.count("_") >= 3
            # Prototypes that share a label need differences that tell them apart.
            assert len(named) == 1 or prototype.conditions or prototype.coordination
            elements = prototype.label.partition("_")[0]
            assert len(prototype.coordination) in (0, sum(letter.isalpha() for letter in elements) ** 2)
    assert [item.name for item in prototypes(rutile, label)] == ["rutile"]
