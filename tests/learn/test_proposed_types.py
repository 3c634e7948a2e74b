"""Candidate structure types by origin, and their probabilities."""

import numpy as np
import pytest

from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.learn import StructureType, load_model, models_folder, type_probabilities
from alphacrystal.learn.proposed_types import ORIGINS, type_lists
from alphacrystal.learn.symmetry.network import SymmetryNet


def lists(text: str, group: int | None = None, *, subgroups: bool = True) -> dict[str, list[StructureType]]:
    formula = parse_formula(text)
    counts = tuple(formula.counts[symbol] for symbol in formula.elements)
    units = formula_units_within(formula, 40)
    found = type_lists(
        tuple(formula.elements), counts, units, group, models_folder(None), subgroups=subgroups
    )
    return {one.origin: one.types for one in found}


@pytest.mark.parametrize("text", ["CuGaS2", "NaCl", "Mg2Si"])
def test_each_type_has_one_origin(text: str) -> None:
    found = lists(text)
    assert tuple(found) == ORIGINS
    types = [structure_type for one in found.values() for structure_type in one]
    assert len(types) == len(set(types))
    net = load_model("symmetry", models_folder(None))
    assert isinstance(net, SymmetryNet)
    assert all(structure_type in net.rows for structure_type in found["known"])
    assert not any(structure_type in net.rows for origin in ORIGINS[1:] for structure_type in found[origin])


def test_subgroup_types_have_the_requested_cells_and_group() -> None:
    counts = {z * 4 for z in range(1, 11)}
    found = lists("CuGaS2")["subgroup"]
    assert found
    assert all(sum(structure_type.counts()) in counts for structure_type in found)
    number = found[0].space_group
    assert {structure_type.space_group for structure_type in lists("CuGaS2", number)["subgroup"]} == {number}
    assert lists("CuGaS2", subgroups=False)["subgroup"] == []


def test_likely_types_keep_their_places_with_subgroup_types() -> None:
    formula = parse_formula("CuGaS2")
    types, logs = type_probabilities(formula, formula_units_within(formula, 40))
    assert np.exp(logs).sum() == pytest.approx(1)
    first = [types[place] for place in np.argsort(-logs, kind="stable")[:3]]
    assert not set(first) & set(lists("CuGaS2")["subgroup"])
