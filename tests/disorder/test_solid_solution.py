"""Solid solutions on the sites of a parent compound."""

from __future__ import annotations

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.disorder import solid_solution
from alphacrystal.errors import InputError

PEROVSKITE = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]


def perovskite(first: str, second: str) -> Structure:
    return Structure(Lattice.cubic(3.9), [first, second, "O", "O", "O"], PEROVSKITE)


def contents(parent: Structure, **amounts: float) -> list[dict[str, float]]:
    mixed = solid_solution(parent, amounts, "parent.cif", "the formula")
    return [{s.symbol: round(float(x), 3) for s, x in site.species.items()} for site in mixed]


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_an_added_element_takes_the_sites_of_the_one_that_falls_short(scale: float) -> None:
    found = contents(perovskite("La", "Mn"), La=0.7 * scale, Sr=0.3 * scale, Mn=scale, O=3 * scale)
    assert found == [{"La": 0.7, "Sr": 0.3}, {"Mn": 1.0}, *[{"O": 1.0}] * 3]


def test_two_elements_replace_one() -> None:
    found = contents(perovskite("Sr", "Ti"), Li=1, La=1, Ti=2, O=6)
    assert found[0] == {"Li": 0.5, "La": 0.5}


def test_what_is_missing_is_vacant() -> None:
    found = contents(perovskite("La", "Ti"), La=0.56, Li=0.33, Ti=1, O=3)
    assert found[0] == {"La": 0.56, "Li": 0.33}
    assert contents(perovskite("Sr", "Fe"), Sr=1, Fe=1, O=2.75)[2:] == [{"O": 0.917}] * 3


def test_two_mixed_sites_differ_in_their_amounts() -> None:
    found = contents(perovskite("Sr", "Ti"), Sr=0.8, La=0.2, Ti=0.7, Nb=0.3, O=3)
    assert found[:2] == [{"Sr": 0.8, "La": 0.2}, {"Ti": 0.7, "Nb": 0.3}]


@pytest.mark.parametrize(
    ("amounts", "sentence"),
    [
        ({"Sr": 2, "Ti": 2, "O": 6}, "has the composition the formula already"),
        (
            {"Sr": 0.9, "Ti": 0.9, "La": 0.1, "Nb": 0.1, "O": 3},
            "does not fit on the sites of parent.cif in one",
        ),
        ({"Sr": 1, "Ti": 1, "O": 3, "H": 1}, "(no site free for 1 H)"),
        ({"Na": 1, "Cl": 1}, "parent.cif has no element of the formula"),
    ],
)
def test_formulas_that_do_not_fit_are_refused(amounts: dict[str, float], sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        solid_solution(perovskite("Sr", "Ti"), amounts, "parent.cif", "the formula")
    assert sentence in str(refusal.value)
