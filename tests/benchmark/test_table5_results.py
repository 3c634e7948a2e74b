"""Rows, stored cells and tables of Table 5."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphacrystal.errors import InputError
from alphacrystal_bench.paper_tables.table5_page import render, score_table
from alphacrystal_bench.paper_tables.table5_results import (
    DataFacts,
    Scores,
    Table5Cell,
    check_settings,
    read_results,
    save_cell,
    save_data_facts,
)
from alphacrystal_bench.paper_tables.table5_rows import TABLE5_ROWS, rows_numbered

FACTS = {
    "commit": "abc1234",
    "time": "2026-01-01T00:00:00+00:00",
    "machine": {"cpu": "Z80", "usable_cores": 1},
}


def scores(rmse: float) -> Scores:
    return Scores(mse=rmse**2, rmse=rmse, rmse_error=0.01, overlap=1.0, precision=0.5, f1=2 / 3)


def cell(row: int = 1, split: str = "random", method: str = "controls", **scored: float) -> Table5Cell:
    return Table5Cell(
        row=row,
        split=split,
        method=method,
        settings={"seed": 0, "share": 1.0},
        train=1000,
        test=100,
        scores={name: scores(value) for name, value in scored.items()},
        minutes=0.5,
        facts=FACTS,
    )


def data_facts(digest: str) -> DataFacts:
    return DataFacts(
        digest=digest,
        cell="conventional",
        counts={"all": 20000, "cubic": 3000, "binary": 6000, "ternary": 12000},
        shortest=0.95,
        longest=23.2,
        edges=[0.0, 2.33361, 4.66722],
        of_entries=[0.01, 0.25],
        of_pairs=[0.2, 0.8],
        examples={"EuSi2": ["mp-1072248"], "ScTlAg2": []},
    )


def test_rows_are_cut_by_share_and_stay_in_the_order_of_the_table() -> None:
    rows = rows_numbered((6, 1), 0.1)
    assert [(row.number, row.train, row.test, row.classes) for row in rows] == [
        (1, 100, 10, 5),
        (6, 264, 20, 10),
    ]
    assert rows_numbered((4,)) == (TABLE5_ROWS[3],)


@pytest.mark.parametrize("numbers", [(0,), (1, 9), ()])
def test_unknown_rows_are_bad_input(numbers: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="rows 1 to 8"):
        rows_numbered(numbers)


def test_rows_agree_with_the_sentences_of_the_paper() -> None:
    """The percentages of §3.2.3 are (old - new) / new of the RMSE column."""
    rmse = {(row.classes, row.train): row.rmse for row in TABLE5_ROWS if row.subset == "all"}
    assert 100 * (rmse[5, 1000] / rmse[5, 10_000] - 1) == pytest.approx(53.57, abs=0.01)
    assert 100 * (rmse[5, 10_000] / rmse[10, 10_000] - 1) == pytest.approx(11.69, abs=0.02)
    assert 100 * (rmse[10, 10_000] / rmse[20, 10_000] - 1) == pytest.approx(18.88, abs=0.02)


def test_cells_come_back_in_the_order_of_the_table(tmp_path: Path) -> None:
    for own in (cell(3), cell(1, "disjoint"), cell(1, "random", "pair"), cell(1)):
        save_cell(tmp_path, own)
    found = [(own.row, own.split, own.method) for own in read_results(tmp_path).cells]
    assert found == [
        (1, "random", "controls"),
        (1, "random", "pair"),
        (1, "disjoint", "controls"),
        (3, "random", "controls"),
    ]


def test_cells_of_format_1_have_the_names_of_the_predictors_as_keys(tmp_path: Path) -> None:
    own = cell(1, modal_class=1.2, element_pair_lookup=1.0)
    save_cell(tmp_path, own)
    file = tmp_path / "cells" / f"{own.name}.json"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("modal_class", "modal class").replace("element_pair_lookup", "element-pair lookup"),
        encoding="utf-8",
    )
    assert read_results(tmp_path).cells == [own]


def test_cell_of_other_settings_is_refused_with_their_names(tmp_path: Path) -> None:
    check_settings(cell(), {"seed": 0, "share": 1.0}, tmp_path)
    with pytest.raises(InputError, match=r"seed 0 instead of 7, time-limit None instead of 5"):
        check_settings(cell(), {"seed": 7, "share": 1.0, "time_limit": 5}, tmp_path)


def test_results_of_other_data_are_refused(tmp_path: Path) -> None:
    save_data_facts(tmp_path, data_facts("one"))
    save_data_facts(tmp_path, data_facts("one"))
    with pytest.raises(InputError, match="other data"):
        save_data_facts(tmp_path, data_facts("two"))


def test_table_has_a_column_for_each_predictor_with_scores(tmp_path: Path) -> None:
    save_cell(tmp_path, cell(1, modal_class=1.2))
    save_cell(tmp_path, cell(1, method="pair", pair_network=0.4))
    save_cell(tmp_path, cell(3, modal_class=0.9))
    lines = score_table(read_results(tmp_path), "random", "rmse").splitlines()
    cells = [[text.strip() for text in line.strip("|").split("|")] for line in lines]
    assert cells[0] == ["row", "N", "trained / tested on", "paper", "our pair network", "modal class"]
    assert cells[2:] == [
        ["1", "5", "1,000 / 100", "1.884", "0.400 ± 0.010", "1.200 ± 0.010"],
        ["3", "10", "1,000 / 100", "1.340", "", "0.900 ± 0.010"],
    ]
    assert len(score_table(read_results(tmp_path), "disjoint", "rmse").splitlines()) == 2


def test_page_states_what_it_needs_to_be_repeated(tmp_path: Path) -> None:
    save_data_facts(tmp_path, data_facts("d1g3st"))
    save_cell(tmp_path, cell(1, modal_class=1.2))
    text = render(read_results(tmp_path).model_dump(mode="json"))
    for part in (
        "abc1234",
        "Z80",
        "2026-01-01",
        "d1g3st",
        "--methods controls --seed 0",
        "1.884",
    ):
        assert part in text
    assert "ScTlAg2 of Figure 7 is not in the data" in text
    assert "EuSi2 of Figure 7 is in the data as mp-1072248" in text
    assert "always the class with most pairs" in text
    assert "our network of atoms" not in text  # it was not run
