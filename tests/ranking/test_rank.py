"""Both ranks and the default order."""

from __future__ import annotations

from typing import Any

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import LatticeParameters, SymmetryHypothesis
from alphacrystal.generate import Candidate
from alphacrystal.ranking import EnergyReference, likely_order, rank_candidates
from alphacrystal.relaxation import Relaxation, RelaxationStatus

STATUS = RelaxationStatus


def halite(a: float = 5.64) -> Structure:
    cell = Lattice([[0, a / 2, a / 2], [a / 2, 0, a / 2], [a / 2, a / 2, 0]])
    return Structure(cell, ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def caesium_chloride(a: float = 3.5) -> Structure:
    return Structure(Lattice.cubic(a), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def zincblende(a: float = 6.0) -> Structure:
    cell = Lattice([[0, a / 2, a / 2], [a / 2, 0, a / 2], [a / 2, a / 2, 0]])
    return Structure(cell, ["Na", "Cl"], [[0, 0, 0], [0.25, 0.25, 0.25]])


def made(structure: Structure, chance: float | None) -> Candidate:
    return Candidate(structure, "test", chance)


def relaxed(structure: Structure, energy: float | None, status: STATUS = STATUS.CONVERGED) -> Relaxation:
    return Relaxation(structure, status, "", energy, 0.05, 0.1, 5, 0.1)


def test_without_relaxation_the_order_is_the_chemical_one() -> None:
    candidates = [made(caesium_chloride(), -3.0), made(halite(), -0.5), made(halite(5.66), -4.0)]
    ranked = rank_candidates(candidates, {}, relaxed=False, top=10)
    assert [(row.space_group_number, row.rank, row.chemical_rank) for row in ranked] == [
        (225, 1, 1),
        (221, 2, 2),
    ]
    assert ranked[0].candidate_index == 1
    assert ranked[0].duplicates == (2,)
    assert all(row.energy_rank is None and row.relaxation is None for row in ranked)


@pytest.mark.parametrize("order", ["combined", "chemical"])
def test_a_converged_structure_represents_equal_unconverged_ones(order: Any) -> None:
    candidates = [made(halite(5.7), -0.5), made(halite(), -6.0), made(caesium_chloride(), -2.0)]
    relaxations = {
        0: relaxed(halite(5.7), -3.5, STATUS.STEP_LIMIT),
        1: relaxed(halite(), -3.6),
        2: relaxed(caesium_chloride(), -3.0),
    }
    first, second = rank_candidates(candidates, relaxations, relaxed=True, top=10, order=order)
    assert (first.candidate_index, first.duplicates, first.chemical_rank) == (1, (0,), 1)
    assert first.relaxation is not None
    assert first.relaxation.converged
    assert second.candidate_index == 2


def test_energy_and_chemistry_are_ranked_side_by_side() -> None:
    candidates = [made(halite(), -1.0), made(caesium_chloride(), -0.5), made(zincblende(), -6.0)]
    relaxations = {
        0: relaxed(halite(), -3.6),
        1: relaxed(caesium_chloride(), -2.9),
        2: relaxed(zincblende(), -3.59),
    }
    ranked = rank_candidates(
        candidates, relaxations, relaxed=True, top=10, reference=EnergyReference("chgnet")
    )
    found = {row.space_group_number: (row.chemical_rank, row.energy_rank) for row in ranked}
    assert found == {225: (2, 1), 221: (1, 3), 216: (3, 2)}
    assert ranked[0].space_group_number == 225
    assert [row.score for row in ranked] == sorted(row.score for row in ranked)
    difference = ranked[0].relaxation.energy_per_atom - ranked[0].formation_energy_per_atom  # type: ignore[union-attr,operator]
    for row in ranked:  # one composition: the references are the same
        assert row.relaxation is not None
        assert row.formation_energy_per_atom == pytest.approx(row.relaxation.energy_per_atom - difference)  # type: ignore[operator]


def test_broken_relaxations_are_left_out_and_the_rest_stays() -> None:
    candidates = [made(halite(), -1.0), made(caesium_chloride(), -0.5), made(zincblende(), None)]
    relaxations = {
        0: relaxed(halite(), None, STATUS.FAILED),
        1: relaxed(caesium_chloride(), -3.0, STATUS.EXPLODED),
        2: relaxed(zincblende(), -3.0, STATUS.STEP_LIMIT),
    }
    ranked = rank_candidates(candidates, relaxations, relaxed=True, top=10)
    assert [row.candidate_index for row in ranked] == [2]
    assert ranked[0].formation_energy_per_atom is None


def test_duplicate_lends_its_better_chance_to_the_group() -> None:
    candidates = [made(halite(), -8.0), made(halite(), -0.1), made(caesium_chloride(), -1.0)]
    relaxations = {
        0: relaxed(halite(), -3.61),
        1: relaxed(halite(5.66), -3.60),
        2: relaxed(caesium_chloride(), -3.3),
    }
    ranked = rank_candidates(candidates, relaxations, relaxed=True, top=10)
    assert [(row.space_group_number, row.chemical_rank) for row in ranked] == [(225, 1), (221, 2)]


def test_list_is_cut_at_top_and_numbered_without_gaps() -> None:
    candidates = [made(halite(), -1.0), made(caesium_chloride(), -2.0), made(zincblende(), -3.0)]
    ranked = rank_candidates(candidates, {}, relaxed=False, top=2)
    assert [row.rank for row in ranked] == [1, 2]
    assert rank_candidates([], {}, relaxed=False, top=2) == []


@pytest.mark.parametrize(("order", "first"), [("combined", 0), ("chemical", 0), ("energy", 1)])
def test_order_can_be_that_of_one_rank_alone(order: str, first: int) -> None:
    candidates = [made(halite(), -1.0), made(caesium_chloride(), -5.0), made(zincblende(), -2.0)]
    ends = {
        i: relaxed(c.structure, e)
        for (i, c), e in zip(enumerate(candidates), (-3.3, -3.4, -3.0), strict=True)
    }
    ranked = rank_candidates(candidates, ends, relaxed=True, top=3, order=order)  # type: ignore[arg-type]
    assert ranked[0].candidate_index == first
    if order == "energy":
        assert [row.energy_rank for row in ranked] == [1, 2, 3]
    if order == "chemical":
        assert [row.chemical_rank for row in ranked] == [1, 2, 3]


def test_likely_order_is_the_default_order_once_all_have_converged() -> None:
    candidates = [made(halite(), -4.0), made(caesium_chloride(), -1.0), made(zincblende(), None)]
    energies = {0: -3.5, 1: -2.9, 2: -3.6}
    ends = {i: relaxed(c.structure, energies[i]) for i, c in enumerate(candidates)}
    ranked = rank_candidates(candidates, ends, relaxed=True, top=3)
    assert likely_order(candidates, ends) == [row.candidate_index for row in ranked]
    assert likely_order(candidates, {}) == []


def test_a_space_group_is_given_at_two_tolerances() -> None:
    shifted = halite()
    shifted.translate_sites([1], [0.004, 0.0, 0.0], frac_coords=True)  # 0.016 Å from the centre
    found = rank_candidates([made(shifted, -1.0), made(zincblende(), -2.0)], {}, relaxed=False, top=2)
    assert found[0].space_group_number == 225
    assert found[0].tight_space_group not in (None, 225)
    assert found[1].space_group_number == found[1].tight_space_group == 216


def hypothesis(log_probability: float, group: int) -> SymmetryHypothesis:
    cell = LatticeParameters(5.64, 5.64, 5.64, 90.0, 90.0, 90.0)
    none = LatticeParameters(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    letters = {"Na": "a", "Cl": "b"}
    return SymmetryHypothesis(group, letters, 1, cell, none, (0.0,) * 6, log_probability)


def scored(structure: Structure, group: int, prior: float) -> Candidate:
    return Candidate(structure, "test", prior, hypothesis(prior, group), {"geometry": -1.0, "penalty": 0.0})


CRYSTALS = (halite(), caesium_chloride(), zincblende())
GROUPS = (225, 221, 216)


def ranked_by(priors: Any, energies: Any, **options: Any) -> list[Any]:
    candidates = [scored(c, g, p) for c, g, p in zip(CRYSTALS, GROUPS, priors, strict=True)]
    ends = {i: relaxed(c, e) for i, (c, e) in enumerate(zip(CRYSTALS, energies, strict=True))}
    return rank_candidates(candidates, ends, relaxed=True, top=10, **options)


def test_the_list_is_in_order_of_probabilities_that_leave_room_for_none_of_these() -> None:
    rows = ranked_by((-0.5, -1.5, -3.0), (-3.6, -3.55, -3.0))
    values = [row.probability for row in rows]
    assert values == sorted(values, reverse=True)
    assert 0.5 < sum(values) < 1
    assert all(value > 0 for value in values)


def test_a_lower_energy_raises_the_probability() -> None:
    def probability(energy: float) -> float:
        rows = ranked_by((-1.0, -1.0, -1.0), (-3.5, energy, -3.5))
        return next(row.probability for row in rows if row.space_group_number == 221)

    values = [probability(energy) for energy in (-3.2, -3.45, -3.48, -3.5)]
    assert values == sorted(values)
    assert values[-1] > 3 * values[0]


def test_likely_structure_types_leave_less_room_for_none_of_these() -> None:
    known = ranked_by((-0.3, -2.0, -3.0), (-3.6, -3.55, -3.0))
    unknown = ranked_by((-4.3, -6.0, -7.0), (-3.6, -3.55, -3.0))
    assert sum(row.probability for row in unknown) < sum(row.probability for row in known) - 0.2


def test_under_pressure_the_enthalpy_decides_over_a_strong_prior() -> None:
    priors, values = (-0.1, -6.0, -9.0), (-3.2, -3.6, -3.0)
    assert ranked_by(priors, values)[0].space_group_number == 225
    assert ranked_by(priors, values, pressure_gpa=45.0)[0].space_group_number == 221


def test_candidates_without_a_hypothesis_have_no_probability() -> None:
    candidates = [scored(halite(), 225, -0.5), made(caesium_chloride(), -2.0)]
    rows = rank_candidates(candidates, {}, relaxed=False, top=5)
    assert [row.probability for row in rows] == [None, None]
    assert [row.space_group_number for row in rows] == [225, 221]
