"""Composition features: equal to matminer's, blind to how a composition is written, counts as published."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Composition

from alphacrystal.data import PreparedStructures
from alphacrystal_bench.models.magpie import (
    cell_contents,
    composition_features,
    elemental_values,
    feature_names,
    group_counts,
    lattice_counts,
)

# Written by scripts/build_magpie_table.py --golden, from matminer 0.10.1.
GOLDEN = json.loads((Path(__file__).parent / "magpie_golden.json").read_text(encoding="utf-8"))
elements = st.dictionaries(st.integers(1, 103), st.integers(1, 12), min_size=1, max_size=6)


def arrays(*compositions: dict[int, int]) -> tuple[np.ndarray, np.ndarray]:
    slots = max(map(len, compositions))
    numbers, counts = np.zeros((2, len(compositions), slots), dtype=np.int64)
    for row, composition in enumerate(compositions):
        numbers[row, : len(composition)] = list(composition)
        counts[row, : len(composition)] = list(composition.values())
    return numbers, counts


def of(formula: str) -> dict[int, int]:
    return {element.Z: int(count) for element, count in Composition(formula).items()}


def test_features_are_those_of_matminer() -> None:
    found = composition_features(*arrays(*map(of, GOLDEN["features"])))
    width = len(GOLDEN["labels"])
    assert feature_names()[:width] == GOLDEN["labels"]
    for row, (formula, expected) in zip(found, GOLDEN["features"].items(), strict=True):
        assert row[:width].tolist() == pytest.approx(expected, rel=1e-5, abs=1e-5), formula


def test_every_column_has_a_name_and_a_value() -> None:
    (row,) = composition_features(*arrays(of("K2NaAlF6")))
    assert row.shape == (250,)
    named = dict(zip(feature_names(), row.tolist(), strict=True))
    assert len(named) == 250
    assert named["fraction of element 9"] == pytest.approx(0.6)
    assert named["elements"] == 4
    assert sum(named[f"fraction of element {number}"] for number in range(1, 104)) == pytest.approx(1)


@given(elements, st.integers(2, 5), st.integers(0, 3), st.randoms())
def test_multiples_order_and_padding_do_not_matter(
    composition: dict[int, int], multiple: int, padding: int, random: object
) -> None:
    numbers, counts = arrays(composition)
    order = list(range(numbers.shape[1]))
    random.shuffle(order)  # type: ignore[attr-defined]
    wider = np.pad(numbers[:, order], ((0, 0), (0, padding)))
    more = np.pad(counts[:, order] * multiple, ((0, 0), (0, padding)))
    assert composition_features(wider, more) == pytest.approx(
        composition_features(numbers, counts), rel=1e-4, abs=1e-4
    )


def test_charges_balance_with_one_state_per_element() -> None:
    place = feature_names().index("compound possible")
    found = composition_features(*arrays(of("NaCl"), of("Fe3O4"), of("NaCl3"), of("Cu")))[:, place]
    assert found.tolist() == [1, 0, 0, 1]


def test_elemental_values_are_those_of_the_literature() -> None:
    values = elemental_values()
    column = dict(zip(values.properties, values.magpie.T, strict=True))
    assert column["AtomicWeight"][26] == pytest.approx(55.845)
    assert column["MeltingT"][74] == pytest.approx(3695, abs=1)
    assert column["CovalentRadius"][8] == 66
    assert values.electronegativity[9] == pytest.approx(3.98)
    assert values.mulliken[17] == pytest.approx((12.97 + 3.61) / 2, abs=0.02)  # eV, Cl
    assert set(values.oxidation_states[26]) == {2, 3}


def test_counts_of_a_full_formula_are_the_published_ones() -> None:
    _, counts = arrays(of("Zn24Si24Bi16O96"), {26: 4})
    assert lattice_counts(counts).tolist() == [[160, 96, 16, 40, 1056], [4, 4, 4, 4, 0]]
    fractions = np.array([24, 24, 16, 96]) / 160
    assert group_counts(counts) == pytest.approx(
        np.array([[160, 96, 16, 40, 8, fractions.var()], [4, 4, 4, 4, 4, 0]]), rel=1e-6
    )


def test_cell_contents_count_the_atoms_of_each_structure(prepared: PreparedStructures) -> None:
    numbers, counts = cell_contents(prepared)
    assert counts.sum(1).tolist() == prepared.sizes.tolist()
    for row in range(len(prepared)):
        own, amounts = np.unique(prepared.numbers[prepared.atoms(row)], return_counts=True)
        found = dict(zip(numbers[row].tolist(), counts[row].tolist(), strict=True))
        found.pop(0, None)
        assert found == dict(zip(own.tolist(), amounts.tolist(), strict=True))
