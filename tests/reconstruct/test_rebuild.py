"""Crystals from an exact or noisy distance matrix, a space group and a cell, without Wyckoff letters."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import (
    LatticeParameters,
    describe_symmetry,
    lattice_parameters,
    min_image_distances,
)
from alphacrystal.errors import InputError
from alphacrystal.reconstruct import MatrixQuality, RebuiltCrystal, rebuild
from alphacrystal.typing import FloatArray, IntArray

NAMES = [
    "copper",
    "halite",
    "perovskite",
    "spinel",
    "pyrite",
    "wurtzite",
    "quartz",
    "corundum",
    "layered oxide",
    "anatase",
    "chalcopyrite",
    "orthoperovskite",
    "marcasite",
    "baddeleyite",
]
MATCHER = StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5)
CrystalInput = tuple[FloatArray, IntArray, int, LatticeParameters]


def crystal_input(structure: Structure) -> CrystalInput:
    """Matrix, elements, space group and cell of a crystal."""
    found = describe_symmetry(
        structure.lattice.matrix, structure.frac_coords, np.array(structure.atomic_numbers)
    )
    distances = min_image_distances(found.primitive_lattice, found.primitive_positions)
    return distances, found.numbers, found.space_group, lattice_parameters(found.lattice)


def built(crystal: RebuiltCrystal) -> Structure:
    return Structure(Lattice(crystal.lattice), crystal.numbers.tolist(), crystal.positions)


@pytest.mark.parametrize("name", NAMES)
def test_textbook_crystals_are_rebuilt_without_their_letters(
    textbook: Callable[[str], Structure], name: str
) -> None:
    distances, numbers, group, cell = crystal_input(textbook(name))
    best = rebuild(distances, numbers, group, cell)[0]
    assert best.rmse < 1e-3
    # atom by atom, not only as a set
    assert min_image_distances(best.lattice, best.positions) == pytest.approx(distances, abs=5e-3)
    assert MATCHER.fit(built(best), textbook(name))
    assert describe_symmetry(best.lattice, best.positions, best.numbers).space_group == group


@settings(max_examples=12)
@given(st.sampled_from(["quartz", "rutile", "wurtzite", "baddeleyite"]), st.integers(0, 2**32 - 1))
def test_the_crystal_does_not_depend_on_its_description(
    textbook: Callable[[str], Structure], redescribe: Callable[..., Structure], name: str, seed: int
) -> None:
    """Order of atoms, origin, cell choice and orientation are all drawn anew."""
    structure = redescribe(textbook(name).get_primitive_structure(), seed)
    distances, _, group, cell = crystal_input(textbook(name))
    other = min_image_distances(structure.lattice.matrix, structure.frac_coords)
    best = rebuild(other, np.array(structure.atomic_numbers), group, cell, seed=seed % 1000)[0]
    assert best.rmse < 1e-3
    assert MATCHER.fit(built(best), textbook(name))
    assert np.sort(other, axis=None) == pytest.approx(np.sort(distances, axis=None), abs=1e-6)


def test_twelve_free_coordinates_are_found() -> None:
    cell = Lattice.from_parameters(5.1, 6.2, 7.3, 90, 101, 90)
    sites = [[0.11, 0.0, 0.23], [0.62, 0.31, 0.05], [0.35, 0.62, 0.47], [0.83, 0.13, 0.71]]
    structure = Structure.from_spacegroup("P2_1", cell, ["Na", "Cr", "O", "S"], sites)
    distances, numbers, group, lattice = crystal_input(structure)
    best = rebuild(distances, numbers, group, lattice)[0]
    assert group == 4
    assert best.rmse < 1e-3
    assert MATCHER.fit(built(best), structure)


def test_many_wyckoff_assignments_are_screened() -> None:
    """Ten atoms on the 27 positions of Pmmm: far more assignments than anyone wants to list."""
    cell = Lattice.orthorhombic(3.9, 5.1, 9.7)
    sites = [[0, 0, 0], [0.5, 0.5, 0.5], [0, 0, 0.31], [0.5, 0, 0.17], [0, 0.5, 0.42], [0.5, 0.5, 0.22]]
    structure = Structure.from_spacegroup("Pmmm", cell, ["Ca", "Ca", "Ni", "Ni", "O", "O"], sites)
    distances, numbers, group, lattice = crystal_input(structure)
    best = rebuild(distances, numbers, group, lattice)[0]
    assert (group, len(numbers)) == (47, 10)
    assert best.rmse < 1e-3
    assert MATCHER.fit(built(best), structure)


@pytest.mark.parametrize("name", ["rutile", "spinel", "marcasite", "perovskite"])
def test_noise_and_a_wrong_cell_do_not_hide_the_crystal(
    textbook: Callable[[str], Structure], name: str
) -> None:
    distances, numbers, group, cell = crystal_input(textbook(name))
    noise = np.random.default_rng(1).normal(0, 0.2, distances.shape)
    np.fill_diagonal(noise, 0)
    wrong = LatticeParameters(1.03 * cell.a, 1.03 * cell.b, 1.03 * cell.c, cell.alpha, cell.beta, cell.gamma)
    quality = MatrixQuality(noise=0.15, lattice=0.03)
    best = rebuild(np.abs(distances + noise), numbers, group, wrong, quality=quality)[0]
    assert MATCHER.fit(built(best), textbook(name))
    assert abs(np.linalg.det(best.lattice)) < wrong.volume  # it went back towards the true cell


def test_same_seed_same_crystals(textbook: Callable[[str], Structure]) -> None:
    distances, numbers, group, cell = crystal_input(textbook("baddeleyite"))
    first, again = (rebuild(distances, numbers, group, cell, seed=7) for _ in range(2))
    assert [crystal.score for crystal in first] == [crystal.score for crystal in again]
    assert np.array_equal(first[0].positions, again[0].positions)


def test_atoms_that_do_not_fit_the_group_give_no_crystal(textbook: Callable[[str], Structure]) -> None:
    distances, numbers, _, cell = crystal_input(textbook("caesium chloride"))
    assert rebuild(distances, numbers, 230, cell) == []


def test_a_matrix_of_other_atoms_is_refused(textbook: Callable[[str], Structure]) -> None:
    distances, numbers, group, cell = crystal_input(textbook("rutile"))
    with pytest.raises(InputError, match="does not belong to 5 atoms"):
        rebuild(distances, numbers[:5], group, cell)
