"""Lists of formulas from spreadsheets and editors: names of columns, encodings, quotes, damaged lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphacrystal.errors import InputError
from alphacrystal.pipeline.formula_list import FormulaRequest, read_requests


@pytest.mark.parametrize(
    "name", ["spacegroup", "Space Group", "space-group", " SPACE_GROUP ", '"space group"']
)
def test_spellings_of_the_space_group_column_are_accepted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"Formula,{name}, Cell\nNaCl,225,Na4Cl4\n")
    assert list(read_requests(path)) == [FormulaRequest("NaCl", "Na4Cl4", 225)]
    assert caplog.messages == []


def test_two_spellings_of_one_column_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("formula,space_group,Space Group\nNaCl,225,221\n")
    with pytest.raises(InputError, match="names two columns space_group"):
        list(read_requests(path))


def test_ignored_columns_are_named_once_and_at_most_five(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("formula,sg,a,b,c,d,,e,f\nNaCl,225\nMgO,225\n")
    assert [request.formula for request in read_requests(path)] == ["NaCl", "MgO"]
    (message,) = caplog.messages
    assert message.endswith(
        "ignored columns sg, a, b, c, d and 2 more; a list uses formula, cell, space_group."
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["list.csv", "list.txt"])
def test_list_is_decoded_by_its_byte_order_mark(tmp_path: Path, encoding: str, name: str) -> None:
    path = tmp_path / name
    path.write_text("formula,space group\r\nNaCl,225\r\n", encoding=encoding, newline="")
    assert list(read_requests(path)) == [FormulaRequest("NaCl", None, 225)]


def test_big_endian_plain_list_is_read(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xfe\xff" + "NaCl\nMgO\n".encode("utf-16-be"))
    assert [request.formula for request in read_requests(path)] == ["NaCl", "MgO"]


@pytest.mark.parametrize("name", ["list", "list.txt"])
def test_quotes_around_the_lines_of_a_plain_list_are_removed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text('"NaCl"\nMgO\n "Al2O3" \n')
    assert [request.formula for request in read_requests(path)] == ["NaCl", "MgO", "Al2O3"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("list.csv", 'formula,cell\nNaCl,"Na4Cl4\n', "line 2 cannot be read as CSV: a quote is not closed"),
        ("list.csv", 'formula,"cell\nNaCl,Na4Cl4\n', "line 1 cannot be read as CSV: a quote is not closed"),
        ("list.csv", "formula,cell\nNaCl,,\nMgO,,x\n", "line 3 has 3 cells, but the header has 2"),
        ("list.csv", "formula\nNa\0Cl\n", "line 2 contains a NUL character"),
        ("list.txt", "NaCl\nMg\0O\n", "line 2 contains a NUL character"),
        ("list.txt", 'NaCl\n"MgO\n', "line 2 cannot be read as CSV: a quote is not closed"),
        ("list.txt", '"NaCl"\n"MgO","CaO"\n', "line 2 has several cells"),
        ("list.txt", 'NaCl\n""\n', "line 2 has no formula"),
    ],
)
def test_damaged_line_is_refused_by_its_number(
    tmp_path: Path, name: str, content: str, sentence: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        list(read_requests(path))
    assert sentence in str(caught.value)
