"""Equivalent descriptions of one crystal get the same Wyckoff letters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphacrystal.crystal import (
    SpaceGroup,
    canonical_letters,
    canonical_settings,
    crystal_system,
    group_symbol,
    lattice_points,
    space_group,
)


@st.composite
def occupied_positions(draw: st.DrawFn) -> tuple[SpaceGroup, list[str]]:
    group = space_group(draw(st.integers(1, 230)))
    letter = st.sampled_from(list(group.positions))
    elements = draw(st.lists(st.lists(letter, min_size=1, max_size=3), min_size=1, max_size=3))
    return group, ["".join(element) for element in elements]


@pytest.mark.parametrize(
    ("number", "one", "other"),
    [
        (225, ["a", "b"], ["b", "a"]),  # rock salt, origin on Na or on Cl
        (225, ["a", "c"], ["b", "c"]),  # fluorite
        (221, ["a", "b", "c"], ["b", "a", "d"]),  # perovskite, A at the corner or in the centre
        (216, ["a", "c"], ["b", "d"]),  # sphalerite: four origins
        (216, ["a", "c"], ["c", "b"]),
        (227, ["a", "d", "e"], ["b", "c", "e"]),  # spinel
        (136, ["a", "f"], ["b", "g"]),  # rutile
        (2, ["a", "h"], ["h", "a"]),
        (62, ["a", "c"], ["b", "c"]),
    ],
)
def test_equivalent_descriptions_have_the_same_letters(number: int, one: list[str], other: list[str]) -> None:
    assert canonical_letters(number, one) == canonical_letters(number, other)


@pytest.mark.parametrize(
    ("number", "one", "other"),
    [
        (225, ["a", "b"], ["a", "c"]),  # rock salt is not fluorite's halves
        (221, ["a", "b", "c"], ["a", "b", "d"]),  # O on faces or on edges, with A at the corner
        (216, ["a", "b"], ["a", "c"]),
        (194, ["a", "c"], ["c", "a"]),  # which element is octahedral in NiAs matters
    ],
)
def test_different_crystals_keep_different_letters(number: int, one: list[str], other: list[str]) -> None:
    assert canonical_letters(number, one) != canonical_letters(number, other)


def test_the_first_letters_are_chosen() -> None:
    assert canonical_letters(225, ["b", "a"]) == ("a", "b")
    assert canonical_letters(221, ["b", "a", "d"]) == ("a", "b", "c")


@given(occupied_positions())
def test_canonical_letters_are_the_same_in_every_setting(case: tuple[SpaceGroup, list[str]]) -> None:
    group, letters = case
    expected = canonical_letters(group.number, letters)
    assert canonical_letters(group.number, expected) == expected
    for image in group.equivalent_letters:
        assert (
            canonical_letters(group.number, ["".join(image[x] for x in own) for own in letters]) == expected
        )


@given(occupied_positions())
def test_the_map_leads_to_the_canonical_letters(case: tuple[SpaceGroup, list[str]]) -> None:
    group, letters = case
    expected, (image, *_) = canonical_settings(group.number, letters)
    assert [sorted(image[x] for x in own) for own in letters] == [sorted(own) for own in expected]
    assert sorted(image.values()) == sorted(group.positions)


def test_equivalent_letters_form_a_group_that_keeps_the_multiplicity_and_freedom_of_positions() -> None:
    for number in range(1, 231):
        group = space_group(number)
        letters = list(group.positions)
        identity = {letter: letter for letter in letters}
        images = [identity, *group.equivalent_letters]
        known = {tuple(image.values()) for image in images}
        assert len(known) == len(images)
        for first in images:
            for letter, position in group.positions.items():
                other = group.positions[first[letter]]
                assert (other.multiplicity, other.free) == (position.multiplicity, position.free)
            for second in images:
                assert tuple(second[first[letter]] for letter in letters) in known, number


@given(occupied_positions())
def test_letters_alone_are_those_of_the_setting(case: tuple[SpaceGroup, list[str]]) -> None:
    group, letters = case
    assert canonical_letters(group.number, letters) == canonical_letters(group.number, letters)


def test_facts_without_operations_are_those_of_the_space_group() -> None:
    for number in range(1, 231):
        group = space_group(number)
        assert lattice_points(number) == len(group.centring)
        assert crystal_system(number) == group.crystal_system
        assert group_symbol(number) == group.symbol
