"""The fit of the probability model, its tables and page, and the counts of the pressure benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphacrystal.errors import InputError
from alphacrystal.ranking import ROW_INPUTS
from alphacrystal_bench.list_order.evidence import EXTRA_INPUTS, matrix, with_second_energies
from alphacrystal_bench.list_order.fitting import Sample, cross_validated, fit
from alphacrystal_bench.list_order.page import draw, render
from alphacrystal_bench.list_order.pressure import counts, read_transitions
from alphacrystal_bench.list_order.pressure import render as render_pressure
from alphacrystal_bench.list_order.run import ranking_tables

NAMES = ("prior", "low_energy")
WEIGHTS, NONE = np.array([0.8, -30.0]), np.array([-2.0, 0.5])


def drawn(count: int, seed: int = 0) -> list[Sample]:
    """Lists whose known crystals are drawn from a model with WEIGHTS and NONE."""
    rng = np.random.default_rng(seed)
    lists = []
    for _ in range(count):
        inputs = np.column_stack([-6 * rng.random(12), 0.05 * rng.random(12)])
        none = np.array([1.0, -3 * rng.random()])
        scores = np.append(inputs @ WEIGHTS, none @ NONE)
        shares = np.exp(scores - np.logaddexp.reduce(scores))
        known = np.zeros(13, dtype=bool)
        known[rng.choice(13, p=shares)] = True
        lists.append(Sample(inputs, none, known[:-1]))
    return lists


def test_fit_finds_the_weights_of_the_model() -> None:
    model = fit(drawn(4000), NAMES, ridge=0.0)
    assert model.rows == pytest.approx(WEIGHTS, rel=0.15)
    assert model.none == pytest.approx(NONE, abs=0.2)


def test_weights_keep_their_signs() -> None:
    lists = [Sample(item.inputs * [1, -1], item.none, item.known) for item in drawn(500)]
    assert fit(lists, NAMES).rows[1] <= 0


def test_cross_validation_leaves_the_list_out() -> None:
    lists = drawn(40)
    before = cross_validated(lists, NAMES, seed=0)
    changed = [*lists[:-1], Sample(lists[-1].inputs, lists[-1].none, ~lists[-1].known)]
    after = cross_validated(changed, NAMES, seed=0)
    assert np.array_equal(before[-1], after[-1])
    assert not all(map(np.array_equal, before, after))
    assert all(values.sum() == pytest.approx(1) for values in before)


def finished(count: int = 30) -> list[dict[str, Any]]:
    """Finished compounds as the benchmark stores them."""
    rows = []
    width = len(ROW_INPUTS) + len(EXTRA_INPUTS)
    for index, item in enumerate(drawn(count)):
        inputs = np.zeros((len(item.inputs), width))
        inputs[:, ROW_INPUTS.index("prior")] = item.inputs[:, 0]
        inputs[:, ROW_INPUTS.index("low_energy")] = item.inputs[:, 1]
        content = {
            "inputs": inputs.tolist(),
            "list": item.none.tolist(),
            "known": item.known.tolist(),
            "above": item.inputs[:, 1].tolist(),
            "log_probability": item.inputs[:, 0].tolist(),
            "second": item.inputs[:, 1].tolist(),
        }
        rows.append({"id": str(index), "atoms": 5 + index, **content})
    return rows


def test_energies_of_the_second_potential_replace_those_of_the_first() -> None:
    (row,) = finished(1)
    energies = [None, 0.1, 0.0, *row["second"][3:]]
    changed = with_second_energies(row | {"second": energies})
    names = ("low_energy", "medium_energy", "high_energy", "prior")
    values = matrix(changed, names)
    assert values[1] == pytest.approx([0.05, 0.05, 0.0, matrix(row, ("prior",))[1, 0]])
    assert values[0, :3] == pytest.approx([0.05, 0.2, 1.0])  # as high as counts
    assert changed["above"] == energies
    assert row["second"] != energies


FACTS = {
    "commit": "abc",
    "time": "2026-11-29T00:00:00+00:00",
    "machine": {"cpu": "x", "cores": 2, "usable_cores": 2},
    "seed": 0,
    "minutes": 1.0,
}


def test_tables_compare_orders_by_size_and_the_page_shows_them(tmp_path: Path) -> None:
    result = {**FACTS, "per_class": [15], "classes": ["atoms_1_to_20"], **ranking_tables(finished(), 0)}
    orders = result["orders"]
    assert orders["probability"]["top_1"] >= orders["energy"]["top_1"]
    assert all(row["top_1"] <= row["top_5"] <= row["top_20"] for row in orders.values())
    assert sum(row["n"] for row in result["sizes"].values()) == 30
    assert result["second"]["energy"] == orders["energy"]  # the same energies here
    assert 0 <= result["calibration"]["first"]["expected_calibration_error"] <= 1
    text = render({**result, "rerank": "other"})
    for words in (
        "## Energies of other",
        "energy alone",
        "fixed weight, 0.1 eV/atom",
        "none of these",
        "abc",
    ):
        assert words in text
    assert "figures/ranking_reliability.png" in draw(result, tmp_path / "page.md", None)
    assert (tmp_path / "figures" / "ranking_reliability.svg").is_file()


def transition(formula: str, low: list[int], high_first: bool, low_first: bool) -> dict[str, Any]:
    found = {"high_first": high_first, "low_first": low_first}
    return {
        "formula": formula,
        "low": low,
        "high": [221],
        "literature_gpa": 29.0,
        "transition_gpa": 11.0,
        "low_rank": 1,
        "high_rank": None,
        "refused": "",
        **dict.fromkeys(("probability", "enthalpy", "known_phases"), found),
    }


def test_counts_of_phases_that_come_first() -> None:
    rows = [
        transition("NaCl", [225], True, True),
        transition("KCl", [225], True, False),
        transition("H3S", [], True, False),
    ]
    result = {**FACTS, "n": 3, **counts(rows), "rows": rows}
    assert result["probability"] == {"high_first": 3, "low_first": 1, "both": 1}
    assert result["with_low"] == 2
    text = render_pressure(result)
    assert "3 of 3" in text
    assert "1 of 2" in text


def test_a_table_of_transitions_is_read(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    header = "formula,low_space_group,high_space_group,transition_gpa,test_gpa,source\n"
    path.write_text(header + 'SiO2,152|154,136,9,16,"Zhang (1996)"\nH3S,,229,150,200,x\n')
    quartz, sulfide = read_transitions(path)
    assert (quartz.low, quartz.high, quartz.pressure_gpa) == ((152, 154), (136,), 9.0)
    assert sulfide.low == ()
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="table of transitions"):
        read_transitions(path)
