"""Flags of structures, and the sentences that explain them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import LatticeParameters, SymmetryHypothesis, dimensionality
from alphacrystal.generate import Candidate
from alphacrystal.ranking import FLAGS, flag_sentences, flags

THIRD = [1 / 3, 2 / 3]

#: Space group, cell, sites; R. W. G. Wyckoff, Crystal Structures (1963-1971). Dimensions of bonded parts.
CRYSTALS = {
    "MoS2": (194, Lattice.hexagonal(3.16, 12.3), {"Mo": [*THIRD, 0.25], "S": [*THIRD, 0.621]}, "2"),
    "graphite": (194, Lattice.hexagonal(2.46, 6.71), {"C": [0, 0, 0.25], "C0+": [*THIRD, 0.25]}, "2"),
    "CdI2": (164, Lattice.hexagonal(4.24, 6.84), {"Cd": [0, 0, 0], "I": [*THIRD, 0.25]}, "2"),
    "SnO": (129, Lattice.tetragonal(3.80, 4.84), {"Sn": [0, 0.5, 0.238], "O": [0, 0, 0]}, "2"),
    "CO2": (205, Lattice.cubic(5.62), {"C": [0, 0, 0], "O": [0.118, 0.118, 0.118]}, "0"),
    "Ne": (225, Lattice.cubic(4.43), {"Ne": [0, 0, 0]}, "0"),
    "NaCl": (225, Lattice.cubic(5.64), {"Na": [0, 0, 0], "Cl": [0.5, 0.5, 0.5]}, "3"),
    "CsCl": (221, Lattice.cubic(4.12), {"Cs": [0, 0, 0], "Cl": [0.5, 0.5, 0.5]}, "3"),
}


def crystal(name: str) -> Structure:
    group, lattice, sites, _ = CRYSTALS[name]
    elements = [symbol.removesuffix("0+") for symbol in sites]
    return Structure.from_spacegroup(group, lattice, elements, list(sites.values()))


def flagged(structure: Structure, **options: float) -> tuple[str, ...]:
    return flags(structure, Candidate(structure, "test", None), **options)


@pytest.mark.parametrize("name", CRYSTALS)
def test_dimensions_of_textbook_crystals(name: str) -> None:
    assert dimensionality(crystal(name)) == CRYSTALS[name][3]
    assert dimensionality(crystal(name) * (2, 1, 1)) == CRYSTALS[name][3]


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        (crystal("MoS2"), ("layered",)),
        (crystal("CO2"), ("molecular",)),
        (crystal("NaCl"), ()),
        (Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.5]]), ("magnetic",)),
        (Structure(Lattice.cubic(3.5), ["Na", "He"], [[0, 0, 0], [0.5, 0.5, 0.5]]), ("noble_gas",)),
        (
            Structure(Lattice.cubic(3.0), ["H", "Ce"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
            ("hydrogen_rich", "f_electrons"),
        ),
        (Structure(Lattice.cubic(9.0), ["Pb"], [[0, 0, 0]]), ("unknown",)),  # no layers: it is a metal
    ],
)
def test_flags_name_the_reasons_to_doubt(structure: Structure, expected: tuple[str, ...]) -> None:
    assert set(expected) <= set(flagged(structure))
    if not expected:
        assert flagged(structure) == ()


def test_salts_of_molecular_ions_are_no_molecules() -> None:
    scheelite = Structure.from_spacegroup(
        88, Lattice.tetragonal(5.19, 11.71), ["V", "Bi", "O"], [[0, 0, 0], [0, 0, 0.5], [0.25, 0.13, 0.08]]
    )
    assert "3" not in dimensionality(scheelite)
    assert "molecular" not in flagged(scheelite)


@pytest.mark.parametrize(
    ("length", "pressure", "found"), [(5.64, 0, False), (7.2, 0, True), (4.5, 40, False)]
)
def test_a_volume_far_from_the_predicted_one(length: float, pressure: float, found: bool) -> None:
    cell, none = LatticeParameters(5.64, 5.64, 5.64, 90, 90, 90), LatticeParameters(0, 0, 0, 0, 0, 0)
    scale = (0.05, 0.0, 0.0, 0.0, 0.0, 0.0)
    hypothesis = SymmetryHypothesis(225, {"Na": "a", "Cl": "b"}, 1, cell, none, scale, -1.0)
    salt = Structure.from_spacegroup(225, Lattice.cubic(length), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    primitive = salt.get_primitive_structure()
    candidate = Candidate(primitive, "test", -1.0, hypothesis)
    assert ("volume" in flags(primitive, candidate, pressure_gpa=pressure)) is found


def test_sentences_name_the_rows() -> None:
    rows = [
        (1, ["layered", "magnetic"]),
        (2, ["magnetic"]),
        (3, ["layered", "magnetic"]),
        (4, ["layered", "magnetic"]),
    ]
    layered, magnetic = flag_sentences(rows)
    assert layered == f"Rows 1, 3-4: {FLAGS['layered']}"
    assert magnetic == f"All rows: {FLAGS['magnetic']}"
    assert flag_sentences([(1, ["volume"])]) == [f"Row 1: {FLAGS['volume']}"]
    assert flag_sentences([]) == []


@given(st.sets(st.sampled_from(list(FLAGS)), max_size=4))
def test_each_flag_gives_one_sentence(names: set[str]) -> None:
    assert len(flag_sentences([(1, sorted(names)), (2, [])])) == len(names)
