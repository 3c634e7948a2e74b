"""Hulls: against linear programming and pymatgen, decompositions, chemical potentials, choice of formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.analysis.phase_diagram import PDEntry
from pymatgen.core import Composition
from scipy.optimize import linprog

from alphacrystal.exploration import (
    ChemicalSystem,
    Hull,
    Phase,
    expected_lowering,
    parse_system,
    predicted_depths,
)


def phase(formula: str, energy: float, **values: object) -> Phase:
    counts = {str(symbol): int(count) for symbol, count in Composition(formula).items()}
    return Phase(counts, energy, str(values.pop("source", "predicted")), **values)  # type: ignore[arg-type]


@st.composite
def hulls(draw: st.DrawFn) -> Hull:
    elements = draw(st.sampled_from([("Li", "O"), ("Li", "P", "S"), ("Li", "Fe", "P", "O")]))
    energies = st.floats(-2, 0.5, allow_nan=False).map(lambda value: round(value, 4))
    phases = [
        Phase({symbol: 1}, draw(st.floats(-5, -1).map(lambda v: round(v, 4))), "reference")
        for symbol in elements
    ]
    for _ in range(draw(st.integers(0, 12))):
        counts = draw(st.lists(st.integers(0, 4), min_size=len(elements), max_size=len(elements)))
        if sum(count > 0 for count in counts) < 2:
            continue
        divisor = int(np.gcd.reduce(counts))
        reduced = {s: n // divisor for s, n in zip(elements, counts, strict=True) if n}
        base = sum(phases[elements.index(s)].energy_per_atom_ev * n for s, n in reduced.items())
        phases.append(Phase(reduced, base / sum(reduced.values()) + draw(energies), "predicted"))
    return Hull(ChemicalSystem(elements), tuple(phases))


@settings(max_examples=40, deadline=None)
@given(hulls(), st.lists(st.floats(0.01, 1), min_size=4, max_size=4))
def test_energy_of_the_hull_is_that_of_the_lowest_mixture(hull: Hull, weights: list[float]) -> None:
    """Brute force: the lowest mixture of all phases with the composition, by linear programming."""
    size = len(hull.system.elements)
    target = np.array(weights[:size]) / sum(weights[:size])
    best = linprog(hull.energies, A_eq=hull.fractions.T, b_eq=target, method="highs")
    assert hull.energy_at(target[None])[0] == pytest.approx(best.fun, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(hulls())
def test_energies_above_the_hull_are_those_of_pymatgen(hull: Hull) -> None:
    diagram = hull.phase_diagram
    for item, above, formation in zip(hull.phases, hull.above, hull.formation, strict=True):
        composition = Composition(dict(item.counts))
        entry = PDEntry(composition, item.energy_per_atom_ev * composition.num_atoms)
        assert above == pytest.approx(diagram.get_e_above_hull(entry, allow_negative=True), abs=2e-6)
        assert formation == pytest.approx(diagram.get_form_energy_per_atom(entry), abs=1e-9)
    # A phase whose energy is exactly that of a mixture counts as stable here, and is no corner in pymatgen.
    assert {hull.phases[i].formula for i in hull.stable} >= {entry.name for entry in diagram.stable_entries}
    assert max(hull.above[i] for i in hull.stable) <= 1e-6


def test_depth_of_a_stable_phase_is_relative_to_the_hull_of_the_others() -> None:
    hull = Hull(
        parse_system("Li-O"),
        (phase("Li", 0.0), Phase({"O": 1}, 0.0, "reference"), phase("Li2O", -2.0), phase("Li3O", -1.2)),
    )
    depths = dict(zip([item.formula for item in hull.phases], hull.depths.tolist(), strict=True))
    # Between Li3O and oxygen the others reach -1.2 × (2/3) / (3/4) eV/atom at Li2O.
    assert depths["Li2O"] == pytest.approx(-2.0 + 1.2 * (2 / 3) / (3 / 4))
    assert depths["Li3O"] == pytest.approx(hull.above[3])
    assert hull.decomposition(3) == (("Li2O", pytest.approx(0.75)), ("Li", pytest.approx(0.25)))


def test_phases_with_unknown_neighbours_are_not_on_the_hull() -> None:
    hull = Hull(
        parse_system("Li-O"),
        (
            phase("Li", 0.0),
            Phase({"O": 1}, 0.0, "reference"),
            phase("Li2O", -9.0, flags="unknown"),
            phase("Li2O", -2.0),
        ),
    )
    assert [hull.phases[i].energy_per_atom_ev for i in hull.stable if hull.phases[i].formula == "Li2O"] == [
        -2.0
    ]
    assert hull.above[2] == pytest.approx(-7.0)


def test_chemical_potentials_of_a_compound_end_at_the_elements() -> None:
    hull = Hull(
        parse_system("Mg-O"), (phase("Mg", -1.0), Phase({"O": 1}, -4.0, "reference"), phase("MgO", -5.5))
    )
    (magnesium, oxygen) = hull.potential_ranges()["MgO"]
    assert magnesium == pytest.approx((-6.0, 0.0))  # twice the formation energy per atom of -3 eV
    assert oxygen == pytest.approx((-6.0, 0.0))


def test_expected_lowering_matches_sampled_values() -> None:
    rng = np.random.default_rng(0)
    for mean, deviation in ((-0.05, 0.1), (0.0, 0.05), (0.2, 0.1)):
        draws = rng.normal(mean, deviation, 400_000)
        expected = np.maximum(0, -draws).mean()
        assert expected_lowering(np.array([mean]), np.array([deviation]))[0] == pytest.approx(
            expected, rel=0.05
        )


def test_neighbours_change_the_expectation_and_distant_phases_do_not() -> None:
    known = np.array([[0.5, 0.5]])
    new = np.array([[0.5, 0.5], [0.52, 0.48], [0.95, 0.05]])
    prior = np.full(3, 0.1)
    mean, deviation = predicted_depths(new, prior, known, np.array([-0.1]), np.array([0.1]))
    assert mean[0] < mean[1] < mean[2]
    assert mean[2] == pytest.approx(0.1, abs=1e-3)
    assert deviation[0] < deviation[1] < deviation[2]


def test_phases_are_ordered_by_their_agreement_with_a_pattern() -> None:
    system = parse_system("Li-F")
    elements = (phase("Li", 0.0), phase("F", 0.0))
    profile = Hull(
        system,
        (
            *elements,
            phase("LiF", -3.0, r_wp=0.3, unexplained_peaks=4),
            phase("LiF", -2.9, r_wp=0.1, unexplained_peaks=0),
            phase("Li2F", -1.0, r_wp=0.2, unexplained_peaks=1),
        ),
    )
    assert profile.by_agreement == (3, 4)
    peaks = Hull(
        system, (*elements, phase("LiF", -3.0, unexplained_peaks=2), phase("LiF", -2.0, unexplained_peaks=0))
    )
    assert peaks.by_agreement == (3,)
    assert not Hull(system, elements).by_agreement
