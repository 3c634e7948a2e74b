"""Labels of structure types and names of prototypes, for textbook structures."""

from __future__ import annotations

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import prototype_names, prototype_table, prototypes, structure_label

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
)


def textbook(name: str) -> Structure:
    """The structure of a prototype."""
    _, group, lattice, elements, positions = next(row for row in TEXTBOOK if row[0] == name)
    return Structure.from_spacegroup(group, lattice, elements.split(), positions)


@pytest.mark.parametrize("name", [row[0] for row in TEXTBOOK])
def test_textbook_structures_have_their_names(name: str) -> None:
    assert prototype_names(textbook(name)) == name


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
            # Prototypes that share a label need conditions that tell them apart.
            assert len(named) == 1 or prototype.conditions
    assert [item.name for item in prototypes(rutile, label)] == ["rutile"]
