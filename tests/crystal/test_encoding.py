"""Encodings of symmetry hypotheses: any free coordinates give a crystal of that symmetry and content."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Structure

from alphacrystal.composition import element_order
from alphacrystal.crystal import (
    CrystalEncoding,
    SymmetryHypothesis,
    canonical_letters,
    constrained_shape,
    describe_symmetry,
    encode,
    lattice_parameters,
    letter_index,
    min_image_distances,
    minkowski_reduced,
    multiplicities,
    shape_to_cell,
    space_group,
)

ELEMENTS = ("Zr", "Al", "O")


def hypothesis_of(number: int, letters: list[str], volume: float = 300.0) -> SymmetryHypothesis:
    """Elements on the given letters, in a cell of the crystal system with nothing accidental about it."""
    system = space_group(number).crystal_system
    shape = constrained_shape(system, np.array([np.log(volume), 0.17, 0.31, 0.13, -0.21, 0.09]))
    cell = lattice_parameters(shape_to_cell(shape))
    return SymmetryHypothesis(
        space_group=number,
        occupation=dict(zip(ELEMENTS, letters, strict=False)),
        formula_units=1,
        lattice=cell,
        lattice_std=lattice_parameters(np.eye(3)),
        shape_scale=(0.1, 0.1, 0.1, 0.1, 0.1, 0.1),
        log_probability=0.0,
    )


def built(encoding: CrystalEncoding, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Lattice and fractional coordinates at random free coordinates and the predicted cell."""
    x = np.random.default_rng(seed).random(encoding.free)
    return encoding.lattice(np.zeros(6)), encoding.positions(x)


@st.composite
def occupied(draw: st.DrawFn) -> tuple[int, list[str]]:
    """A space group and letters for three elements, fixed positions used once."""
    group = space_group(draw(st.integers(1, 230)))
    pool = list(group.positions)
    letters = []
    for _ in ELEMENTS:
        own = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=2))
        own = [x for i, x in enumerate(own) if group.positions[x].free or x not in own[:i]] or [
            list(group.positions)[-1]
        ]
        pool = [x for x in pool if group.positions[x].free or x not in own]
        letters.append("".join(own))
    return group.number, letters


@given(occupied(), st.integers(0, 2**32 - 1))
def test_any_free_coordinates_keep_the_symmetry(case: tuple[int, list[str]], seed: int) -> None:
    number, letters = case
    group = space_group(number)
    hypothesis = hypothesis_of(number, letters)
    encoding = encode(hypothesis)
    lattice, fractional = built(encoding, seed)
    # In conventional fractional coordinates the operations of the group must map the crystal onto itself.
    conventional = encoding.conventional(np.zeros(6))
    sites = fractional @ lattice @ np.linalg.inv(conventional)
    to_reduced = conventional @ np.linalg.inv(lattice)
    images = np.einsum("oij,mj->omi", group.rotations, sites) + group.translations[:, None]
    shift = (images[:, :, None] - sites) @ to_reduced  # (operations, atoms, atoms, 3)
    same = np.abs(shift - np.rint(shift)).max(-1) < 1e-6
    like = encoding.numbers[:, None] == encoding.numbers
    assert (same & like).any(-1).all()


@given(occupied())
def test_encoding_holds_the_content_of_the_primitive_cell(case: tuple[int, list[str]]) -> None:
    number, letters = case
    encoding = encode(hypothesis_of(number, letters))
    sizes = multiplicities(number)
    expected = {element: sum(sizes[x] for x in own) for element, own in zip(ELEMENTS, letters, strict=True)}
    atomic_numbers = {"Zr": 40, "Al": 13, "O": 8}
    assert Counter(encoding.numbers.tolist()) == {atomic_numbers[e]: n for e, n in expected.items()}
    group = space_group(number)
    assert encoding.free == sum(group.positions[x].free for own in letters for x in own)
    for orbit, size in Counter(encoding.orbits.tolist()).items():
        letter = encoding.letters[encoding.orbits == orbit]
        assert len(set(letter.tolist())) == 1
        assert size == {letter_index(x) + 1: n for x, n in sizes.items()}[letter[0]]
    volume = abs(np.linalg.det(encoding.lattice(np.zeros(6))))
    assert volume == pytest.approx(300 / len(group.centring))


@given(occupied())
def test_atoms_are_ordered_by_electronegativity_then_orbit(case: tuple[int, list[str]]) -> None:
    encoding = encode(hypothesis_of(*case))
    symbols = {40: "Zr", 13: "Al", 8: "O"}
    keys = [element_order(symbols[number]) for number in encoding.numbers]
    assert keys == sorted(keys)
    assert encoding.orbits.tolist() == sorted(encoding.orbits.tolist())


@given(occupied())
def test_the_cell_is_reduced(case: tuple[int, list[str]]) -> None:
    lattice = encode(hypothesis_of(*case)).lattice(np.zeros(6))
    reduced, _ = minkowski_reduced(lattice)
    lengths = [np.sort(np.linalg.norm(cell, axis=1)) for cell in (lattice, reduced)]
    assert lengths[0] == pytest.approx(lengths[1])


@pytest.mark.parametrize("system_start", [1, 75, 143, 195], ids=lambda number: f"from {number}")
def test_two_general_orbits_have_exactly_the_space_group(system_start: int) -> None:
    for number in range(system_start, {1: 75, 75: 143, 143: 195, 195: 231}[system_start]):
        general = list(space_group(number).positions)[-1]
        encoding = encode(hypothesis_of(number, [general, general], volume=5000.0))
        for seed in range(20):  # two orbits may come too close by chance
            lattice, fractional = built(encoding, seed)
            distances = min_image_distances(lattice, fractional)
            if distances[np.triu_indices(len(distances), 1)].min() > 0.3:
                break
        found = describe_symmetry(lattice, fractional, encoding.numbers, symprec=0.01)
        assert found.space_group == number
        assert found.occupation() == {"Zr": general, "Al": general}
        assert len(found.numbers) == len(encoding.numbers)


def test_textbook_crystals_are_encoded_with_their_letters(textbook_crystal: Structure) -> None:
    found = describe_symmetry(
        textbook_crystal.lattice.matrix,
        textbook_crystal.frac_coords,
        np.array(textbook_crystal.atomic_numbers),
    )
    occupation = found.occupation()
    letters = canonical_letters(found.space_group, list(occupation.values()))
    assert letters == tuple(occupation.values())
    hypothesis = SymmetryHypothesis(
        space_group=found.space_group,
        occupation=occupation,
        formula_units=1,
        lattice=lattice_parameters(found.lattice),
        lattice_std=lattice_parameters(np.eye(3)),
        shape_scale=(0.0,) * 6,
        log_probability=0.0,
    )
    encoding = encode(hypothesis)
    assert Counter(encoding.numbers.tolist()) == Counter(found.numbers.tolist())
    if encoding.free == 0:  # nothing to search: the crystal itself
        distances = min_image_distances(encoding.lattice(np.zeros(6)), encoding.positions(np.zeros(0)))
        expected = min_image_distances(found.primitive_lattice, found.primitive_positions)
        assert np.sort(distances, axis=None) == pytest.approx(np.sort(expected, axis=None), abs=1e-4)


def test_positions_and_lattices_come_in_batches(textbook: Callable[[str], Structure]) -> None:
    encoding = encode(hypothesis_of(136, ["a", "f"]))
    x, z = (
        np.random.default_rng(0).random((2, 3, encoding.free)),
        np.random.default_rng(1).normal(size=(2, 3, 6)),
    )
    assert encoding.positions(x).shape == (2, 3, 6, 3)
    assert encoding.lattice(z).shape == (2, 3, 3, 3)
    assert encoding.positions(x)[1, 2] == pytest.approx(encoding.positions(x[1, 2]))
    assert encoding.lattice(z)[1, 2] == pytest.approx(encoding.lattice(z[1, 2]))


@given(occupied(), st.integers(0, 2**32 - 1))
def test_lattice_deviations_keep_the_crystal_system(case: tuple[int, list[str]], seed: int) -> None:
    encoding = encode(hypothesis_of(*case))
    deviated = lattice_parameters(encoding.conventional(np.random.default_rng(seed).normal(size=6)))
    system = space_group(case[0]).crystal_system
    if system in ("cubic", "tetragonal", "hexagonal", "trigonal"):
        assert deviated.a == pytest.approx(deviated.b)
    gamma = 120 if system in ("hexagonal", "trigonal") else 90
    if system not in ("monoclinic", "triclinic"):
        assert (deviated.alpha, deviated.beta, deviated.gamma) == pytest.approx((90, 90, gamma))
