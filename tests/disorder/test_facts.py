"""The degree of disorder, and the facts and sentences of a run."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from alphacrystal.disorder import (
    BOLTZMANN,
    Disorder,
    alloy_structure,
    disorder_facts,
    ordered_approximants,
)


def facts(structure: Structure, max_atoms: int = 8, count: int = 1000) -> Disorder:
    return disorder_facts(
        ordered_approximants(structure, "a file", max_atoms=max_atoms, count=count), "parent"
    )


@given(share=st.floats(0.1, 0.9))
@settings(max_examples=15, deadline=None)
def test_the_entropy_of_a_binary_alloy_is_that_of_ideal_mixing(share: float) -> None:
    found = facts(alloy_structure("fcc", {"Cu": share, "Au": 1 - share}, 14.0), 12, 1)
    # Occupancies have three decimals.
    expected = -share * math.log(share) - (1 - share) * math.log(1 - share)
    assert found.entropy_kb_per_atom == pytest.approx(expected, abs=2e-3)
    assert found.entropy_ev_per_k_per_atom == pytest.approx(found.entropy_kb_per_atom * BOLTZMANN, abs=1e-9)


def test_equal_shares_of_five_elements_have_the_entropy_ln_5() -> None:
    amounts = dict.fromkeys(("Co", "Cr", "Fe", "Mn", "Ni"), 1)
    assert facts(alloy_structure("fcc", amounts, 11.5), 5, 1).entropy_kb_per_atom == pytest.approx(
        math.log(5), abs=1e-6
    )


def test_vacancies_and_ordered_atoms_count_in_the_entropy_per_atom() -> None:
    sites: list[dict[str, float] | str] = [{"Li": 0.5}, "Cl"]
    parent = Structure(Lattice.tetragonal(3.5, 4.5), sites, [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert facts(parent).entropy_kb_per_atom == pytest.approx(math.log(2) / 1.5, abs=1e-6)


def test_the_mean_energy_weighs_the_arrangements() -> None:
    found = facts(alloy_structure("fcc", {"Cu": 1, "Au": 1}, 14.0), max_atoms=2)
    assert (found.orderings, found.kept, found.selection) == (2, 2, "all")
    energies = found.with_energies([-1.0, -0.9], [3, 1])
    assert energies.energy_spread_per_atom_ev == pytest.approx(0.1)
    assert energies.mean_above_lowest_per_atom_ev == pytest.approx(0.025)
    assert energies.mixing_temperature_k == pytest.approx(0.025 / (math.log(2) * BOLTZMANN), abs=0.1)
    assert "outweighs above 418 K" in energies.sentences[1]


def test_without_all_energies_there_is_no_mean() -> None:
    found = facts(alloy_structure("fcc", {"Cu": 1, "Au": 1}, 14.0), max_atoms=2)
    assert found.with_energies([None, None], [3, 1]) == found
    partial = found.with_energies([-1.0, None], [3, 1])
    assert (partial.energy_spread_per_atom_ev, partial.mean_above_lowest_per_atom_ev) == (0.0, None)
    assert partial.mixing_temperature_k is None


def test_the_sentences_state_what_was_rounded() -> None:
    found = facts(alloy_structure("fcc", {"Cu": 0.63, "Au": 0.37}, 14.0))
    assert "site M holds 0.63 Cu, 0.37 Au; approximated: M 0.625 Cu, 0.375 Au" in found.sentences[0]
    assert "0.659 k_B" in found.sentences[0]
    assert "86 inequivalent orderings" in found.sentences[1]
