"""From a formula to symmetry hypotheses, with the shipped weights."""

import math

import numpy as np
import pytest

from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.crystal import (
    FREE_SHAPE,
    LatticeParameters,
    SymmetryHypothesis,
    canonical_letters,
    multiplicities,
    space_group,
)
from alphacrystal.errors import InputError
from alphacrystal.learn import check_supported, predict_hypotheses

ANGLES = ("alpha", "beta", "gamma")


def hypotheses_of(text: str, count: int = 30, max_atoms: int = 20) -> list[SymmetryHypothesis]:
    formula = parse_formula(text)
    return predict_hypotheses(formula, formula_units_within(formula, max_atoms), count)


def identity(hypothesis: SymmetryHypothesis) -> tuple[object, ...]:
    return (hypothesis.space_group, *sorted(hypothesis.occupation.items()))


# A binary, a ternary, and a stoichiometry of which no crystal is known.
@pytest.fixture(scope="module", params=["Mg2Si", "BaZrO3", "Zr7Al5B3"])
def formula(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def hypotheses(formula: str) -> list[SymmetryHypothesis]:
    return hypotheses_of(formula, 200)


def test_probabilities_are_normalised_and_sorted(hypotheses: list[SymmetryHypothesis]) -> None:
    logs = [h.log_probability for h in hypotheses]
    assert logs == sorted(logs, reverse=True)
    assert 0.5 < math.fsum(map(math.exp, logs)) <= 1 + 1e-9


def test_no_hypothesis_comes_twice(hypotheses: list[SymmetryHypothesis]) -> None:
    assert len({identity(h) for h in hypotheses}) == len(hypotheses) > 20
    for h in hypotheses:  # nor in another setting of the same group
        letters = tuple(h.occupation.values())
        assert canonical_letters(h.space_group, letters) == letters


def test_letters_hold_the_cell_content(formula: str, hypotheses: list[SymmetryHypothesis]) -> None:
    counts = parse_formula(formula).counts
    for h in hypotheses:
        sizes = multiplicities(h.space_group)
        held = {element: sum(sizes[x] for x in letters) for element, letters in h.occupation.items()}
        assert held == {element: h.formula_units * count for element, count in counts.items()}
        assert sum(held.values()) <= 20


def test_cells_obey_their_crystal_system(hypotheses: list[SymmetryHypothesis]) -> None:
    for h in hypotheses:
        cell, system = h.lattice, space_group(h.space_group).crystal_system
        if system != "triclinic":
            assert (cell.alpha, cell.gamma) == pytest.approx(
                (90, 120 if system in ("hexagonal", "trigonal") else 90)
            )
        if system not in ("triclinic", "monoclinic"):
            assert cell.beta == pytest.approx(90)
        if system not in ("triclinic", "monoclinic", "orthorhombic"):
            assert cell.a == pytest.approx(cell.b)
        if system == "cubic":
            assert cell.a == pytest.approx(cell.c)
        atoms = sum(h.occupation[e].count(x) * n for e in h.occupation for x, n in sizes_of(h).items())
        # Types of slabs with vacuum are among those looked at, and keep some of it.
        assert 3 < cell.volume / atoms / len(space_group(h.space_group).centring) < 300


def sizes_of(hypothesis: SymmetryHypothesis) -> dict[str, int]:
    return multiplicities(hypothesis.space_group)


def test_spread_is_zero_where_symmetry_fixes_the_cell(hypotheses: list[SymmetryHypothesis]) -> None:
    for h in hypotheses:
        system = space_group(h.space_group).crystal_system
        free = set(FREE_SHAPE[system])
        assert [scale > 0 for scale in h.shape_scale] == [place in free for place in range(6)]
        spread = h.lattice_std.as_dict()
        assert min(spread["a"], spread["b"], spread["c"]) > 0
        for place, name in enumerate(ANGLES, start=3):
            assert spread[name] == pytest.approx(0, abs=1e-9) or place in free


def test_a_stoichiometry_never_seen_still_gets_hypotheses() -> None:
    found = hypotheses_of("Zr7Al5B3", 50)
    assert len(found) == 50
    assert {h.source for h in found} == {"enumerated"}
    assert {h.formula_units for h in found} == {1}
    assert len({h.space_group for h in found}) > 5
    assert all(np.isfinite(list(h.lattice.as_dict().values())).all() for h in found)


def test_known_stoichiometries_get_both_known_and_new_types() -> None:
    assert {h.source for h in hypotheses_of("Mg2Si", 500)} == {"type", "enumerated"}


def test_the_same_question_gets_the_same_answer() -> None:
    assert hypotheses_of("BaZrO3") == hypotheses_of("BaZrO3")


def test_the_spelling_of_a_formula_does_not_matter() -> None:
    assert hypotheses_of("O3BaZr") == hypotheses_of("BaZrO3")


def test_only_the_requested_cells_are_used() -> None:
    formula = parse_formula("TiO2")
    for units in ([2], [1, 4]):
        found = predict_hypotheses(formula, units, 60)
        assert {h.formula_units for h in found} <= set(units)
    rutile = predict_hypotheses(formula, [2], 10)
    assert (136, ("Ti", "a"), ("O", "f")) in {(h.space_group, *h.occupation.items()) for h in rutile}


@pytest.mark.parametrize("group", [225, 62, 1])
def test_only_the_requested_space_group_is_used(group: int) -> None:
    found = predict_hypotheses(parse_formula("NaCl"), [1, 2, 4], 20, group=group)
    assert found
    assert {h.space_group for h in found} == {group}


def test_a_given_space_group_gets_as_many_hypotheses_as_requested() -> None:
    assert len(predict_hypotheses(parse_formula("TiO2"), [4, 8, 12], 60, group=62)) == 60


def test_probabilities_within_a_space_group_are_normalised_again() -> None:
    found = predict_hypotheses(parse_formula("NaCl"), [1], 1000, group=225)
    assert math.fsum(math.exp(h.log_probability) for h in found) == pytest.approx(1)


def test_a_given_lattice_is_kept() -> None:
    cell = LatticeParameters(5.64, 5.64, 5.64, 90.0, 90.0, 90.0)
    found = predict_hypotheses(parse_formula("NaCl"), [1, 2], 30, lattice=cell)
    assert found
    for h in found:
        assert set(h.lattice_std.as_dict().values()) == {0.0}
        assert set(h.shape_scale) == {0.0}
        assert h.lattice.volume == pytest.approx(cell.volume)
        if space_group(h.space_group).crystal_system not in ("hexagonal", "trigonal"):
            assert list(h.lattice.as_dict().values()) == pytest.approx(list(cell.as_dict().values()))


def test_a_given_oblique_lattice_is_kept_where_the_system_allows() -> None:
    cell = LatticeParameters(5.15, 5.21, 5.32, 90.0, 99.2, 90.0)
    (first, *_) = predict_hypotheses(parse_formula("ZrO2"), [4], 5, group=14, lattice=cell)
    assert list(first.lattice.as_dict().values()) == pytest.approx(list(cell.as_dict().values()))


def test_a_space_group_that_cannot_hold_the_cell_is_bad_input() -> None:
    formula = parse_formula("Zr4Al3")
    with pytest.raises(
        InputError, match=r"Zr4Al3 cannot be placed .* space group 227 \(Fd-3m\).*can hold"
    ) as e:
        check_supported(formula, [1], 227)
    assert "\n" not in str(e.value)
    with pytest.raises(InputError, match="Space group 231 does not exist"):
        predict_hypotheses(formula, [1], 5, group=231)


def test_too_many_elements_are_bad_input() -> None:
    with pytest.raises(InputError, match="9 elements; at most 8"):
        predict_hypotheses(parse_formula("LiNaKRbCsMgCaOF"), [1], 5)


@pytest.mark.parametrize(
    ("text", "group"), [("NaCl", 225), ("CsCl", 221), ("MgO", 225), ("GaAs", 216), ("SrTiO3", 221)]
)
def test_textbook_space_groups_are_among_the_first_three(text: str, group: int) -> None:
    """A smoke test, no evidence: these compounds may be in the training data."""
    assert group in [h.space_group for h in hypotheses_of(text, 3)]
