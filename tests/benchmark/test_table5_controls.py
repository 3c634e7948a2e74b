"""Controls on crystals: each is no better than its floor allows, and the floors are what they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alphacrystal.data import PreparedStructures, StructureRecord
from alphacrystal.learn.contacts.matrix_labels import MAX_DISTANCE, matrices
from alphacrystal_bench.harness.row_selection import split_rows
from alphacrystal_bench.paper_tables.table5_data import RowSplit, data_facts, row_split, table5_data
from alphacrystal_bench.paper_tables.table5_predictors import CONTROLS, FLOORS
from alphacrystal_bench.paper_tables.table5_rows import rows_numbered
from alphacrystal_bench.paper_tables.table5_scores import control_scores, padded_orbits


@pytest.fixture(scope="module")
def split(data: PreparedStructures) -> RowSplit:
    return RowSplit(*split_rows(data, np.arange(len(data)), 16, 6, seed=1, by_formula=True))


def test_every_control_and_floor_has_scores(data: PreparedStructures, split: RowSplit) -> None:
    found = control_scores(data, split, 10, seed=0)
    assert set(found) == {*CONTROLS, *FLOORS}
    for own in found.values():
        assert own.mse >= own.rmse**2 > 0
        assert 0 <= own.precision <= 1
    assert found["modal_class"].overlap == 1  # its centre is below 8 Å


def test_more_classes_lower_the_floor_of_perfect_classes(data: PreparedStructures, split: RowSplit) -> None:
    errors = [control_scores(data, split, classes, seed=0)["perfect_classes"].rmse for classes in (5, 10, 20)]
    assert errors == sorted(errors, reverse=True)
    assert errors[2] < MAX_DISTANCE / 20 / 2  # never further than half a class


def test_copy_of_a_structure_that_was_trained_on_is_exact(data: PreparedStructures, split: RowSplit) -> None:
    found = control_scores(data, RowSplit(split.train, split.train), 10, seed=0)
    assert found["nearest_composition"].rmse == pytest.approx(0, abs=1e-6)
    assert found["true_block_means"].rmse <= found["element_pair_lookup"].rmse + 1e-6


def test_orbits_are_parts_of_elements(data: PreparedStructures, split: RowSplit) -> None:
    numbers, _, _ = matrices(data, split.test)
    orbits = padded_orbits(data, split.test, 12)
    assert ((orbits >= 0) == (numbers > 0)).all()
    for own, elements in zip(orbits, numbers, strict=True):
        assert all(len(set(elements[own == orbit])) == 1 for orbit in set(own))


def test_order_noise_is_the_same_where_elements_are_orbits(data: PreparedStructures) -> None:
    rows = np.arange(len(data))
    numbers, _, _ = matrices(data, rows)
    orbits = padded_orbits(data, rows, 12)
    alike = [len(set(a)) == len(set(b)) for a, b in zip(numbers, orbits, strict=True)]
    assert 0 < sum(alike) < len(rows)  # baddeleyite has two kinds of oxygen
    found = control_scores(data, RowSplit(rows, rows[alike]), 10, seed=0)
    assert found["shuffled_in_orbits"] == found["shuffled_in_elements"]
    found = control_scores(data, RowSplit(rows, rows[~np.array(alike)]), 10, seed=0)
    assert found["shuffled_in_orbits"].rmse < found["shuffled_in_elements"].rmse


def test_same_seed_gives_the_same_scores(data: PreparedStructures, split: RowSplit) -> None:
    assert control_scores(data, split, 5, seed=2) == control_scores(data, split, 5, seed=2)


def test_compounds_of_figure_7_are_in_no_row(data: PreparedStructures) -> None:
    formulas = data.formulas.astype("<U20").copy()
    formulas[:3] = "EuSi2"
    (row,) = rows_numbered((1,), 0.015)
    found = row_split(replace(data, formulas=formulas), row, "disjoint", 0)
    assert not set(formulas[np.concatenate([found.train, found.test])]) & {"EuSi2"}
    facts = data_facts(replace(data, formulas=formulas), "conventional")
    assert facts.examples == {"EuSi2": sorted(data.ids[:3].tolist()), "ScTlAg2": []}


def test_cells_may_be_primitive_or_conventional(records: list[StructureRecord], tmp_path: Path) -> None:
    path = tmp_path / "structures.jsonl"
    path.write_text("".join(record.model_dump_json() + "\n" for record in records), encoding="utf-8")
    large, small = (table5_data(path, tmp_path, cell) for cell in ("conventional", "primitive"))
    assert large.ids.tolist() == small.ids.tolist()
    atoms, nearest = [], []
    for data in (large, small):
        row = int(np.flatnonzero(data.formulas == "LiBr")[0])
        atoms.append(int(data.sizes[row]))
        nearest.append(data.distances[data.pair_offsets[row] : data.pair_offsets[row + 1]].min())
    assert atoms == [8, 2]
    assert nearest[0] == pytest.approx(nearest[1])


def test_shares_of_figure_3_add_up(data: PreparedStructures) -> None:
    facts = data_facts(data, "conventional")
    assert sum(facts.of_pairs) == pytest.approx(1)
    pairs = (data.sizes * (data.sizes - 1)).sum()
    assert sum(facts.of_entries) == pytest.approx(pairs / (144 * len(data)))
    assert facts.shortest < facts.longest
