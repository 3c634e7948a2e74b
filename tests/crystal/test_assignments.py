"""Enumeration of Wyckoff assignments: complete, ordered, lazy, and quick where nothing fits."""

import itertools
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphacrystal.crystal import (
    can_place,
    first_assignments,
    letter_index,
    multiplicities,
    placeable_units,
    space_group,
    wyckoff_assignments,
)

groups = st.integers(1, 230)
small_counts = st.lists(st.integers(1, 5), min_size=1, max_size=3)


def brute_force(number: int, counts: Sequence[int]) -> set[tuple[str, ...]]:
    """Every choice of letters for each element, those kept that use fixed positions once."""
    sizes = multiplicities(number)
    fixed = {letter for letter, position in space_group(number).positions.items() if position.free == 0}
    per_element = [
        [
            "".join(letters)
            for orbits in range(1, count + 1)
            for letters in itertools.combinations_with_replacement(sizes, orbits)
            if sum(sizes[letter] for letter in letters) == count
        ]
        for count in counts
    ]
    return {
        choice
        for choice in itertools.product(*per_element)
        if all(times == 1 or letter not in fixed for letter, times in Counter("".join(choice)).items())
    }


@given(groups, st.sampled_from([[1, 1], [4], [6], [2, 3], [2, 4], [1, 2, 3], [2, 2, 2], [1, 1, 2]]))
def test_all_assignments_are_found_once(number: int, counts: list[int]) -> None:
    found = list(wyckoff_assignments(number, counts))
    assert len(set(found)) == len(found)
    assert set(found) == brute_force(number, counts)


@given(groups, small_counts)
def test_assignments_hold_the_content_and_use_fixed_positions_once(number: int, counts: list[int]) -> None:
    sizes = multiplicities(number)
    positions = space_group(number).positions
    for assignment in itertools.islice(wyckoff_assignments(number, counts), 50):
        assert [sum(sizes[letter] for letter in own) for own in assignment] == counts
        for letter, times in Counter("".join(assignment)).items():
            assert times == 1 or positions[letter].free > 0


@given(groups, small_counts)
def test_fewest_orbits_come_first_then_the_first_letters(number: int, counts: list[int]) -> None:
    found = list(itertools.islice(wyckoff_assignments(number, counts), 200))

    def key(assignment: tuple[str, ...]) -> tuple[int, list[tuple[int, list[int]]]]:
        own = [(len(letters), [letter_index(letter) for letter in letters]) for letters in assignment]
        return sum(map(len, assignment)), own

    assert found == sorted(found, key=key)


def test_known_assignments() -> None:
    assert list(wyckoff_assignments(225, [1, 1])) == [("a", "b"), ("b", "a")]
    assert ("a", "d", "e") in set(wyckoff_assignments(227, [2, 4, 8]))
    assert ("a", "f") in set(wyckoff_assignments(136, [2, 4]))
    assert list(wyckoff_assignments(227, [1])) == []


@pytest.mark.parametrize(
    ("number", "counts"),
    [(1, [20]), (1, [7, 6, 7]), (2, [20, 20]), (47, [21, 41, 63]), (123, [13, 17, 30]), (191, [13, 11, 5])],
)
def test_the_first_assignments_are_found_without_the_others(number: int, counts: list[int]) -> None:
    # Their number is astronomical: a list of all would end in a lack of memory.
    found = list(itertools.islice(wyckoff_assignments(number, counts), 5))
    assert 1 <= len(set(found)) == len(found) <= 5


@given(groups, small_counts)
def test_can_place_tells_whether_there_is_an_assignment(number: int, counts: list[int]) -> None:
    assert can_place(number, counts) == (next(wyckoff_assignments(number, counts), None) is not None)


def test_impossible_contents_are_recognised_without_enumeration() -> None:
    assert not can_place(221, [5, 11, 7])
    assert not can_place(227, [71, 93, 55])
    assert not can_place(230, [61, 61, 60])


def test_placeable_units() -> None:
    assert placeable_units(225, [1, 1], 10) == [1, 2]  # 3 = 1 + 2 and 4 = 1 + 1 + 2 need one position twice
    assert placeable_units(227, [1, 2, 4], 20) == [2]
    assert placeable_units(136, [1, 2], 20) == [2, 4, 6]
    assert placeable_units(227, [1, 1], 1) == []


@given(groups, small_counts, st.integers(1, 20))
def test_the_first_assignments_are_those_of_the_enumeration(
    number: int, counts: list[int], limit: int
) -> None:
    expected = list(itertools.islice(wyckoff_assignments(number, counts), limit))
    assert first_assignments(number, counts, limit) == expected
    assert first_assignments(number, counts, limit) == expected  # from memory


def test_similar_groups_have_assignments_with_different_letters() -> None:
    """Groups share what depends on multiplicities alone; 1 and 144 have one position each, of other sizes."""
    assert first_assignments(1, [1, 2], 5) == [("a", "aa")]
    assert first_assignments(144, [3, 6], 5) == [("a", "aa")]
    assert first_assignments(144, [1, 2], 5) == []
