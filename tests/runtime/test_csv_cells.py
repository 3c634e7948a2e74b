"""Text in CSV files is no formula for a spreadsheet, and is read back as it was."""

from __future__ import annotations

import ast
import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alphacrystal.pipeline.formula_list import read_requests
from alphacrystal.report import IndexRow, write_index
from alphacrystal.runtime.csv_cells import guard_text, original_text, write_csv

SOURCE = Path(__file__).parents[2] / "src"
STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


@given(st.one_of(st.text(), st.text(alphabet="'=-+@a1 \t\r\n")))
@example("=1+1")
@example("'=1+1")
@example("''")
def test_text_is_read_back_and_starts_no_formula(text: str) -> None:
    guarded = guard_text(text)
    assert not guarded.startswith(tuple(STARTS))
    assert original_text(guarded) == text


@pytest.mark.parametrize("start", list(STARTS))
def test_each_start_of_a_formula_is_guarded_in_a_table_and_numbers_are_not(start: str) -> None:
    stream = io.StringIO(newline="")
    attack = f"{start}cmd|' /C calc'!A0"
    write_csv(stream, ("a", "b", "c", "d", "hkl"), [[attack, -1.5, -2, None, "-1 0 2"]], verbatim={"hkl"})
    _, row = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    assert row == [f"'{attack}", "-1.500000", "-2", "", "-1 0 2"]


def test_index_gives_a_list_with_the_formulas_as_they_were(tmp_path: Path) -> None:
    formulas = ["=HYPERLINK(1)", "+NaCl", "-1", "@MgO", "'=x", "NaCl"]
    write_index(tmp_path, [IndexRow(formula, "", "failed", "-reason") for formula in formulas])
    text = (tmp_path / "index.csv").read_text()
    assert text.splitlines()[1].startswith("'=HYPERLINK(1),,failed,'-reason,0,,")
    assert [request.formula for request in read_requests(tmp_path / "index.csv")] == formulas


def test_all_tables_are_written_in_one_place() -> None:
    writers = []
    modules = list((SOURCE / "alphacrystal").rglob("*.py"))
    assert modules
    for path in modules:
        names = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Attribute)
        }
        # csv_cells has no writer of the csv module either.
        if "DictWriter" in names or ("writer" in names and "csv" in path.read_text("utf-8")):
            writers.append(path.name)
    assert writers == []
