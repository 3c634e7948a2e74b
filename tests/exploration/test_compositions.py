"""Compositions of chemical systems: reduced, unique, within the limit, charge balance, order."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphacrystal.composition import (
    ANY_RATIO_ATOMS,
    charge_imbalance,
    parse_formula,
    reduced_ratios,
    system_ratios,
)
from alphacrystal.errors import InputError
from alphacrystal.exploration import enumerate_compositions, parse_budget, parse_system

SYMBOLS = ("Li", "Mg", "Al", "Fe", "P", "S", "Cl", "O", "Zr", "Ge")


@given(st.integers(1, 4), st.integers(1, 12))
def test_ratios_are_all_coprime_numbers_within_the_limit(elements: int, most: int) -> None:
    expected = {
        row
        for row in product(range(1, most + 1), repeat=elements)
        if sum(row) <= most and math.gcd(*row) == 1
    }
    rows = [tuple(row) for row in reduced_ratios(elements, most).tolist()]
    assert len(rows) == len(set(rows))
    assert set(rows) == expected
    assert [sum(row) for row in rows] == sorted(sum(row) for row in rows)


def test_charges_of_textbook_compounds_balance() -> None:
    for text in ("NaCl", "MgO", "Al2O3", "Li3PS4", "CaTiO3", "Fe2O3", "K2S"):
        formula = parse_formula(text)
        assert charge_imbalance(formula.elements, np.array([[*formula.counts.values()]]))[0] == 0, text
    for text in ("NaCl2", "Mg2Si3", "LiAl"):
        formula = parse_formula(text)
        assert charge_imbalance(formula.elements, np.array([[*formula.counts.values()]]))[0] > 0.05, text


@given(st.sets(st.sampled_from(SYMBOLS), min_size=2, max_size=3), st.integers(2, 30))
def test_large_ratios_are_charge_balanced(symbols: set[str], most: int) -> None:
    chosen = sorted(symbols)
    rows = system_ratios(chosen, most)
    large = rows[rows.sum(1) > ANY_RATIO_ATOMS]
    assert (rows.sum(1) <= most).all()
    assert (charge_imbalance(chosen, large) < 1e-9).all()
    small = rows[rows.sum(1) <= ANY_RATIO_ATOMS]
    assert len(small) == len(reduced_ratios(len(chosen), min(most, ANY_RATIO_ATOMS)))


def test_compositions_are_unique_and_the_most_probable_come_first() -> None:
    found = enumerate_compositions(parse_system("Li-P-S"), 20)
    assert len(set(found.formulas)) == len(found) == 3 * 127 + 997
    assert list(found.probabilities) == sorted(found.probabilities, reverse=True)
    assert ((found.probabilities > 0) & (found.probabilities < 1)).all()
    np.testing.assert_allclose(found.fractions.sum(axis=1), 1)
    assert found.formulas.index("Li2S") < 20
    assert found.formulas.index("Li3PS4") < 100
    assert found.probability("Li2S") == pytest.approx(
        found.probabilities[found.formulas.index("Li2S")], abs=1e-4
    )
    assert found.probability("Li") is None
    again = enumerate_compositions(parse_system(["S", "Li", "P"]), 20)
    assert again.formulas == found.formulas


def test_peroxides_have_their_usual_name() -> None:
    formulas = enumerate_compositions(parse_system("Li-O"), 4).formulas
    assert "Li2O2" in formulas
    assert "LiO" not in formulas


@pytest.mark.parametrize("text", ["Li-P-S", "S Li P", "Li,P,S", "Li – P – S"])
def test_systems_are_read_in_many_spellings(text: str) -> None:
    assert parse_system(text).name == "Li-P-S"


def test_subsystems_are_all_sets_of_two_or_more() -> None:
    assert parse_system("Li-P-S").subsystems == (("Li", "P"), ("Li", "S"), ("P", "S"), ("Li", "P", "S"))


def test_budgets() -> None:
    assert parse_budget("200formulas").formulas == 200
    assert parse_budget("1 formula").formulas == 1
    assert parse_budget("30min").seconds == 1800
    assert parse_budget("1.5 h").seconds == 5400
    assert parse_budget("90s").seconds == 90
    for text in ("", "30", "min", "-3min", "0h", "2.5formulas", "10days"):
        with pytest.raises(InputError):
            parse_budget(text)
