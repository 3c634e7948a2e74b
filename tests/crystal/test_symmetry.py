"""The symmetry of a crystal does not depend on how a file describes it."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Structure

from alphacrystal.crystal import (
    SymmetryDescription,
    describe_symmetry,
    lattice_parameters,
    min_image_distances,
    multiplicities,
    space_group,
    standard_structure,
)
from alphacrystal.errors import InputError

NAMES = [
    "spinel",
    "quartz",
    "corundum",
    "rutile",
    "perovskite",
    "orthoperovskite",
    "baddeleyite",
    "sphalerite",
]
KNOWN = {
    "copper": (225, {"Cu": "a"}, 1),
    "diamond": (227, {"C": "a"}, 2),
    "halite": (225, {"Na": "a", "Cl": "b"}, 2),
    "fluorite": (225, {"Ca": "a", "F": "c"}, 3),
    "perovskite": (221, {"Sr": "a", "Ti": "b", "O": "c"}, 5),
    "spinel": (227, {"Mg": "a", "Al": "d", "O": "e"}, 14),
    "pyrite": (205, {"Fe": "a", "S": "c"}, 12),
    "wurtzite": (186, {"Zn": "b", "O": "b"}, 4),
    "nickeline": (194, {"Ni": "a", "As": "c"}, 4),
    "quartz": (152, {"Si": "a", "O": "c"}, 9),
    "corundum": (167, {"Al": "c", "O": "e"}, 10),
    "rutile": (136, {"Ti": "a", "O": "f"}, 6),
    "anatase": (141, {"Ti": "a", "O": "e"}, 6),
    "chalcopyrite": (122, {"Fe": "a", "Cu": "b", "S": "d"}, 8),  # the less electronegative comes first
    "baddeleyite": (14, {"Zr": "e", "O": "ee"}, 12),
}


def described(structure: Structure) -> SymmetryDescription:
    return describe_symmetry(
        structure.lattice.matrix, structure.frac_coords, np.array(structure.atomic_numbers, dtype=np.int64)
    )


def primitive(found: SymmetryDescription) -> Structure:
    return Structure(found.primitive_lattice, found.numbers, found.primitive_positions)


@pytest.mark.parametrize("name", KNOWN)
def test_known_space_groups_and_letters(name: str, textbook: Callable[[str], Structure]) -> None:
    number, occupation, atoms = KNOWN[name]
    found = described(textbook(name))
    assert found.occupation() == occupation
    assert (found.space_group, len(found.numbers)) == (number, atoms)


@given(st.sampled_from(NAMES), st.integers(0, 2**32 - 1), st.integers(1, 2))
def test_symmetry_does_not_depend_on_the_description(
    textbook: Callable[[str], Structure],
    redescribe: Callable[..., Structure],
    name: str,
    seed: int,
    enlarge: int,
) -> None:
    expected = described(textbook(name))
    found = described(redescribe(textbook(name), seed, enlarge=enlarge))
    assert found.space_group == expected.space_group
    assert found.occupation() == expected.occupation()
    assert len(found.numbers) == len(expected.numbers)
    cells = [list(lattice_parameters(x.lattice).as_dict().values()) for x in (found, expected)]
    assert cells[0] == pytest.approx(cells[1], abs=1e-4)


def test_description_is_the_same_crystal(textbook_crystal: Structure) -> None:
    found = described(textbook_crystal)
    matcher = StructureMatcher(ltol=1e-3, stol=1e-3, angle_tol=0.01, primitive_cell=True, scale=False)
    assert matcher.fit(primitive(found), textbook_crystal)


def test_letters_and_orbits_agree_with_the_wyckoff_table(textbook_crystal: Structure) -> None:
    found = described(textbook_crystal)
    sizes = multiplicities(found.space_group)
    for orbit in np.unique(found.orbits):
        members = np.flatnonzero(found.orbits == orbit)
        assert len({found.letters[i] for i in members}) == len({found.numbers[i] for i in members}) == 1
        assert len(members) == sizes[found.letters[members[0]]]
    group = space_group(found.space_group)
    assert found.primitive_lattice == pytest.approx(group.primitive_basis(found.lattice), abs=1e-6)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_which_site_gets_which_letter_does_not_depend_on_the_origin(
    redescribe: Callable[..., Structure], seed: int
) -> None:
    # P-1 with one element on two centres of inversion: the normaliser exchanges their letters.
    lattice = [[5.1, 0, 0], [0.7, 6.2, 0], [1.1, -0.9, 7.3]]
    sites = [(0, 0, 0), (0.5, 0.5, 0), (0.13, 0.21, 0.34), (-0.13, -0.21, -0.34)]
    structure = Structure(lattice, ["Ti", "Ti", "O", "O"], sites)

    def surroundings(found: SymmetryDescription) -> dict[str, np.ndarray]:
        distances = min_image_distances(found.primitive_lattice, found.primitive_positions)
        titanium = [i for i, number in enumerate(found.numbers) if number == 22]
        return {found.letters[i]: np.sort(distances[i]) for i in titanium}

    expected = surroundings(described(structure))
    found = surroundings(described(redescribe(structure, seed)))
    assert found.keys() == expected.keys()
    for letter, distances in expected.items():
        assert found[letter] == pytest.approx(distances, abs=1e-4)


def test_small_distortions_are_within_the_tolerance(textbook: Callable[[str], Structure]) -> None:
    distorted = textbook("rutile").copy()
    distorted.perturb(0.02)
    assert described(distorted).space_group == 136


def test_standard_structure_is_the_conventional_cell(textbook_crystal: Structure) -> None:
    found = described(textbook_crystal)
    standard, number, symbol = standard_structure(textbook_crystal)
    group = space_group(number)
    assert (number, symbol) == (found.space_group, group.symbol)
    assert len(standard) == len(found.numbers) * len(group.centring)
    assert StructureMatcher(primitive_cell=True, scale=False).fit(standard, textbook_crystal)
    # Every operation of the standard setting maps the cell onto itself.
    sites, numbers = standard.frac_coords, np.array(standard.atomic_numbers)
    for rotation, translation in zip(group.rotations, group.translations, strict=True):
        shift = (sites @ rotation.T + translation)[:, None] - sites[None]
        near = np.linalg.norm((shift - np.rint(shift)) @ standard.lattice.matrix, axis=-1) < 1e-3
        assert np.array_equal(near.sum(1), np.ones(len(sites)))
        assert np.array_equal(numbers[near.argmax(1)], numbers)


def test_atoms_at_one_place_are_bad_input() -> None:
    lattice, sites = np.eye(3) * 4, np.array([[0.1, 0.2, 0.3], [0.1, 0.2, 0.3]])
    with pytest.raises(InputError, match="do two atoms overlap"):
        describe_symmetry(lattice, sites, np.array([11, 17]))
