"""Free coordinates of an orbit from the place of one atom: all of them, and only them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphacrystal.crystal import orbit_parameters, space_group


def orbit(number: int, letter: str, values: np.ndarray) -> set[tuple[float, ...]]:
    """All atoms of an orbit, wrapped and rounded."""
    position = space_group(number).positions[letter]
    points = np.round((position.linear @ values + position.constant) % 1.0, 4) % 1.0
    return {tuple(point) for point in points.tolist()}


@given(number=st.integers(1, 230), data=st.data())
def test_every_solution_makes_the_same_orbit(number: int, data: st.DataObject) -> None:
    positions = space_group(number).positions
    letter = data.draw(st.sampled_from(list(positions)))
    position = positions[letter]
    # far from multiples of 1/24: no special position
    values = np.array([0.1434, 0.2718, 0.3924])[: position.free]
    member = data.draw(st.integers(0, position.multiplicity - 1))
    lattice_vector = np.array(data.draw(st.tuples(*[st.integers(-2, 2)] * 3)))
    point = position.linear[member] @ values + position.constant[member] + lattice_vector
    found = orbit_parameters(number, letter, point)
    assert found.shape[1] == position.free
    assert len(found)
    assert any(np.allclose((own - values + 0.5) % 1.0, 0.5, atol=1e-4) for own in found)
    wanted = orbit(number, letter, values)
    assert all(orbit(number, letter, own) == wanted for own in found)


@pytest.mark.parametrize(
    ("number", "letter", "point"),
    [(225, "a", [0.1, 0, 0]), (136, "f", [0.3, 0.2, 0]), (62, "c", [0, 0.1, 0])],
)
def test_points_off_the_position_have_none(number: int, letter: str, point: list[float]) -> None:
    assert len(orbit_parameters(number, letter, np.array(point))) == 0


def test_rutile_has_two_ways_to_write_its_oxygen() -> None:
    # 4f x,x,0 of P4_2/mnm: x and 1 - x are one orbit (International Tables A)
    found = orbit_parameters(136, "f", np.array([0.305, 0.305, 0.0]))
    assert sorted(found[:, 0].tolist()) == pytest.approx([0.305, 0.695])
