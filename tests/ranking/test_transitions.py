"""Enthalpies of phases between computed pressures, and the phase of lowest enthalpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphacrystal.ranking import PhaseEnthalpies, distances_from_lowest, lowest_phases

EV_PER_GPA_A3 = 1 / 160.2176634


def murnaghan(energy: float, volume: float, modulus: float, pressures: list[float]) -> PhaseEnthalpies:
    """Enthalpies of Murnaghan's equation of state with a pressure derivative of 4."""
    p = np.array(pressures, dtype=float)
    volumes = volume * (1 + 4 * p / modulus) ** -0.25
    work = volume * modulus / 3 * ((1 + 4 * p / modulus) ** 0.75 - 1)  # integral of V dP
    return PhaseEnthalpies(p, energy + work * EV_PER_GPA_A3, volumes)


def test_interpolated_enthalpies_follow_the_equation_of_state() -> None:
    coarse = murnaghan(-4.0, 20.0, 60.0, [0, 60])
    fine = murnaghan(-4.0, 20.0, 60.0, list(np.linspace(0, 60, 41)))
    assert coarse.at(fine.pressures) == pytest.approx(fine.enthalpies, abs=1e-6)
    assert coarse.at(coarse.pressures) == pytest.approx(coarse.enthalpies)


def test_enthalpies_that_fit_no_equation_of_state_are_joined_smoothly() -> None:
    odd = PhaseEnthalpies(np.array([0.0, 10.0]), np.array([-4.0, -3.9]), np.array([10.0, 11.0]))
    grid = np.linspace(0, 10, 101)
    values = odd.at(grid)
    assert values[[0, -1]] == pytest.approx([-4.0, -3.9])
    slopes = np.gradient(values, grid)[[0, -1]] / EV_PER_GPA_A3
    assert slopes == pytest.approx([10.0, 11.0], rel=0.05)


@given(st.floats(5, 40), st.floats(20, 300), st.floats(1, 80))
def test_beyond_the_computed_pressures_the_tangent_is_an_upper_limit(
    volume: float, modulus: float, pressure: float
) -> None:
    true = murnaghan(-4.0, volume, modulus, [0.0, pressure])
    known = PhaseEnthalpies(true.pressures[:1], true.enthalpies[:1], true.volumes[:1])
    assert known.at(true.pressures)[1] >= true.enthalpies[1] - 1e-9


def test_phases_change_at_the_pressure_of_equal_enthalpies() -> None:
    pressures = [0.0, 20.0, 40.0, 60.0]
    low, high = murnaghan(-3.60, 22.0, 30.0, pressures), murnaghan(-3.45, 19.0, 32.0, pressures)
    first, second = lowest_phases([high, low], 0.0, 60.0)
    assert (first.phase, second.phase) == (1, 0)
    assert (first.begin_gpa, second.end_gpa) == (0.0, 60.0)
    assert first.end_gpa == second.begin_gpa
    at = np.array([first.end_gpa])
    assert low.at(at) == pytest.approx(high.at(at), abs=1e-4)


def test_a_phase_that_is_known_at_one_pressure_only_takes_part() -> None:
    low = murnaghan(-3.6, 22.0, 30.0, [0.0, 20.0, 40.0])
    dense = murnaghan(-3.4, 17.0, 40.0, [40.0])
    ranges = lowest_phases([low, dense], 0.0, 40.0)
    assert [item.phase for item in ranges] == [0, 1]
    assert distances_from_lowest([low, dense], [0.0, 20.0, 40.0]) == pytest.approx([0.0, 0.0])


def test_one_phase_or_none_has_no_transition() -> None:
    assert lowest_phases([], 0.0, 10.0) == ()
    ((phase, begin, end),) = lowest_phases([murnaghan(-1.0, 10.0, 50.0, [0.0, 10.0])], 0.0, 10.0)
    assert (phase, begin, end) == (0, 0.0, 10.0)
