"""Structure types under pressure."""

from __future__ import annotations

import numpy as np
import pytest

from alphacrystal.composition import parse_formula
from alphacrystal.learn import (
    StructureType,
    homologue_hypotheses,
    predict_hypotheses,
    type_probabilities,
    types_under_pressure,
)

UNITS = [1, 2]


def table(formula: str, pressure: float) -> dict[StructureType, float]:
    types, logs = types_under_pressure(parse_formula(formula), UNITS, pressure)
    assert len(types) == len(set(types))
    return dict(zip(types, np.exp(logs).tolist(), strict=True))


def test_at_zero_pressure_the_types_are_the_ambient_ones() -> None:
    formula = parse_formula("NaCl")
    types, logs = types_under_pressure(formula, UNITS, 0.0)
    ambient, ambient_logs = type_probabilities(formula, UNITS)
    assert types == ambient
    np.testing.assert_array_equal(logs, ambient_logs)


def test_pressure_makes_the_types_of_heavier_homologues_more_probable() -> None:
    rock_salt = StructureType(225, ("a", "b"))  # of CdO
    chances = [table("ZnO", pressure)[rock_salt] for pressure in (0.0, 30.0, 300.0)]
    assert chances == sorted(chances)
    assert chances[2] > 1.3 * chances[0]


@pytest.mark.parametrize("formula", ["Sn2Ge", "MgSiO3", "Si"])
def test_all_types_hold_the_formula_and_probabilities_have_the_sum_one(formula: str) -> None:
    parsed = parse_formula(formula)
    found = table(formula, 40.0)
    assert sum(found.values()) == pytest.approx(1)
    for structure_type in found:
        total = sum(structure_type.counts()) // parsed.num_atoms
        assert structure_type.counts() == tuple(total * count for count in parsed.counts.values())
        assert total in UNITS


@pytest.mark.parametrize(
    ("formula", "group"), [("CaH6", 229), ("LaH10", 225), ("YH9", 194), ("UH8", 225), ("SrH4", 139)]
)
def test_hydrides_have_types_with_hydrogen_cages_under_pressure(formula: str, group: int) -> None:
    ambient, high = table(formula, 0.0), table(formula, 150.0)
    types = [structure_type for structure_type in high if structure_type.space_group == group]
    assert max(high[item] - ambient.get(item, 0.0) for item in types) > 0.1


def test_a_space_group_limits_the_types_under_pressure_too() -> None:
    types, _ = types_under_pressure(parse_formula("CaH6"), UNITS, 150.0, group=229)
    assert {structure_type.space_group for structure_type in types} == {229}


def test_hypotheses_of_heavier_homologues_are_those_of_the_compound_with_free_coordinates() -> None:
    formula = parse_formula("TiO2")
    hypotheses = predict_hypotheses(formula, [4], 60, pressure_gpa=25.0)
    models = homologue_hypotheses(formula, [4], hypotheses)
    (baddeleyite,) = (model for model in models if model.hypothesis.space_group == 14)
    assert (baddeleyite.replaced, baddeleyite.heavier) == ("Ti", "Zr")
    assert baddeleyite.hypothesis in hypotheses
    assert baddeleyite.hypothesis.occupation == {"Ti": "e", "O": "ee"}
    assert baddeleyite.homologue.occupation == {"Zr": "e", "O": "ee"}
    assert baddeleyite.homologue.lattice.volume > 1.1 * baddeleyite.hypothesis.lattice.volume
    salt = parse_formula("NaCl")
    assert (
        homologue_hypotheses(salt, [1], predict_hypotheses(salt, [1], 20, pressure_gpa=25.0), group=221) == []
    )
