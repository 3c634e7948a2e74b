"""Orbits in the primitive cell: as many atoms as they should have, and which of them are alike."""

import numpy as np
import pytest

from alphacrystal.crystal import multiplicities, primitive_orbits

GROUPS = [1, 2, 14, 38, 62, 156, 166, 194, 225, 227]


@pytest.mark.parametrize("number", GROUPS)
def test_orbits_have_the_multiplicity_of_their_letter(number: int) -> None:
    assert {orbit.letter: orbit.multiplicity for orbit in primitive_orbits(number)} == multiplicities(number)


def test_general_positions_have_one_leader_and_points_one_for_each_atom() -> None:
    for orbit in primitive_orbits(62):
        expected = {0: orbit.multiplicity, 3: 1}.get(orbit.free)
        if expected is not None:
            assert len(orbit.representatives) == expected
    # x,1/4,z and x,3/4,z are two planes
    plane = next(orbit for orbit in primitive_orbits(62) if orbit.letter == "c")
    assert len(plane.representatives) == 2


def test_coordinates_along_which_the_origin_is_free_are_known() -> None:
    assert primitive_orbits(1)[0].polar.all()
    assert not any(orbit.polar.any() for orbit in primitive_orbits(2))
    axis = primitive_orbits(156)[0]
    assert axis.letter == "a"
    assert np.array_equal(axis.polar, [True])


def test_letters_that_differ_by_the_origin_have_one_original() -> None:
    assert [orbit.letter for orbit in primitive_orbits(2) if orbit.canonical] == ["a", "i"]
    assert [orbit.letter for orbit in primitive_orbits(156) if orbit.canonical] == ["a", "d", "e"]
