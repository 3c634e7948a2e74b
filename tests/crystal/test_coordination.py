"""Coordination shells, dimensions of bonded parts, bond valences and oxidation states."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import (
    bond_valences,
    bonded_dimensions,
    neighbours_within_reach,
    oxidation_states,
    shape_name,
    shell,
)

ELEMENTS = (
    ("fcc", 225, 3.61, 12, "cuboctahedron"),
    ("bcc", 229, 2.87, 14, "rhombic dodecahedron"),
    ("diamond", 227, 5.43, 4, "tetrahedron"),
    ("simple cubic", 221, 3.36, 6, "octahedron"),
)


@pytest.mark.parametrize(("group", "edge", "number", "shape"), [row[1:] for row in ELEMENTS])
def test_shells_of_elements(group: int, edge: float, number: int, shape: str) -> None:
    structure = Structure.from_spacegroup(group, Lattice.cubic(edge), ["Fe"], [[0, 0, 0]])
    around = shell(neighbours_within_reach(structure, [structure[0]]), 0)
    assert (len(around.atoms), around.shape) == (number, shape)


def test_shell_of_a_cation_counts_the_allowed_atoms_only() -> None:
    salt = Structure.from_spacegroup(225, Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    chlorine = [index for index, site in enumerate(salt) if site.specie.symbol == "Cl"]
    around = shell(neighbours_within_reach(salt, [salt[0]]), 0, chlorine)
    assert around.shape == "octahedron"
    assert around.distances == pytest.approx([2.82] * 6)


def test_shape_of_a_turned_and_stretched_octahedron() -> None:
    corners = np.vstack([np.eye(3), -np.eye(3)])
    turned = corners @ np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    assert shape_name(turned * np.array([[1.9], [2.0], [2.2], [2.0], [1.9], [2.1]])) == "octahedron"


def test_dimensions_of_bonded_parts() -> None:
    along = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    for dimension in range(4):
        assert bonded_dimensions([(0, 0, axis) for axis in along[:dimension]], 1) == {dimension}
    assert bonded_dimensions([(0, 1, (0, 0, 0)), (1, 0, (1, 0, 0))], 3) == {0, 1}
    assert bonded_dimensions([(0, 1, (0, 0, 0)), (1, 0, (0, 0, 0))], 2) == {0}  # one bond, counted twice


def test_bond_valence_of_titanium_in_rutile_is_about_four() -> None:
    assert bond_valences("Ti", "O", np.array([1.949] * 4 + [1.98] * 2)).sum() == pytest.approx(4.0, abs=0.2)


@pytest.mark.parametrize(
    ("counts", "valences", "expected"),
    [
        ({"Bi": 1, "V": 1, "O": 4}, {"Bi": 2.7, "V": 4.8, "O": -1.9}, {"Bi": 3, "V": 5, "O": -2}),
        ({"Fe": 1, "S": 2}, {"Fe": 2.2, "S": -1.1}, {"Fe": 2, "S": -1}),
        ({"Fe": 3, "O": 4}, {"Fe": 2.6, "O": -1.95}, {"Fe": 8 / 3, "O": -2}),
        ({"Ba": 1, "Cl": 2, "O": 6}, {"Ba": 2.4, "Cl": 3.9, "O": -1.7}, {"Ba": 2, "Cl": 5, "O": -2}),
        ({"Mg": 1, "Zn": 2}, {"Mg": 1.0, "Zn": 0.5}, None),
        ({"Ti": 1, "B": 2}, {"Ti": 3.0, "B": -1.5}, None),
        ({"Si": 1}, {"Si": 0.0}, None),
    ],
)
def test_oxidation_states(
    counts: dict[str, int], valences: dict[str, float], expected: dict[str, float] | None
) -> None:
    found = oxidation_states(counts, valences)
    assert found == (None if expected is None else pytest.approx(expected))


def test_two_metals_have_no_bond_valence() -> None:
    assert bond_valences("Li", "Nb", np.array([3.08])).tolist() == [0.0]
    # Six bonds of 2.15 Å, the mean of octahedra of oxygen around Li, carry its charge.
    assert 6 * float(bond_valences("Li", "O", np.array([2.15]))[0]) == pytest.approx(1, abs=0.1)
