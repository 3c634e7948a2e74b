"""Files that are too large or nested too deeply are refused with one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alphacrystal.config import read_config_file
from alphacrystal.errors import InputError
from alphacrystal.pipeline.formula_list import MAX_LINE_LENGTH, read_requests
from alphacrystal.runtime.bounded_files import MAX_DEPTH, check_depth, read_json, size_text


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 900, 100_000])
@pytest.mark.parametrize("brackets", ["[]", '{"a":}'])
def test_json_nested_too_deeply_is_an_error_of_its_value(tmp_path: Path, levels: int, brackets: str) -> None:
    path = tmp_path / "x.json"
    begin, end = brackets[:-1], brackets[-1]
    path.write_text(begin * levels + "1" + end * levels)
    with pytest.raises(ValueError, match="nested"):
        read_json(path, 10**7)


def test_deepest_json_that_is_read(tmp_path: Path) -> None:
    value: object = 1
    for _ in range(MAX_DEPTH):
        value = [value, 1]
    (tmp_path / "x.json").write_text(json.dumps(value))
    assert read_json(tmp_path / "x.json", 10**6) == value
    with pytest.raises(ValueError, match="nested"):
        check_depth([value])


def test_file_larger_than_the_limit_is_named_with_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps("x" * 2000))
    with pytest.raises(InputError, match=r"x\.json is larger than 2 kB"):
        read_json(path, 2000)
    assert read_json(path, 3000) == "x" * 2000
    assert [size_text(count) for count in (999, 20_000_000, 10**9)] == ["999 bytes", "20 MB", "1 GB"]


@pytest.mark.parametrize(
    "text",
    [
        "top = " + "[" * 5000 + "]" * 5000,
        "top." + "a." * 5000 + "a = 1",
        "top = " + "{a=" * 2000 + "1" + "}" * 2000,
        "[" + "a." * 500 + "a]\nb = 1",
        "a." * 50_000 + "a = 1",
        "\n".join(f"b{i}." + '"".' * 3000 + "a = 1" for i in range(100)),
        "# " + "x" * 2_000_000,
        "top = 5\0",
        "top = \udcff",
    ],
    ids=[
        "lists",
        "names",
        "tables",
        "header",
        "long key",
        "many keys",
        "size",
        "control character",
        "no text",
    ],
)
def test_configuration_that_is_no_settings_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(text.encode("utf-8", errors="surrogateescape"))
    with pytest.raises(InputError, match=r"x\.toml is (not a TOML|nested too|larger than 1 MB)") as caught:
        read_config_file(path)
    assert len(str(caught.value)) < 500


def test_configuration_with_a_ruled_comment_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("# " + "." * 200 + "\npressure = 1.5\n")
    assert read_config_file(path) == {"pressure": 1.5}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"formula," + b"a," * MAX_LINE_LENGTH, "line 1 is longer than 1,000,000 characters"),
        (b"formula,x\nNaCl," + b"a" * 200_000, "line 2 cannot be read as CSV: field larger"),
        (b"formula,formula\nNaCl,MgO", "names two columns formula"),
        (b"formula,space_group\nNaCl,9999999999", "line 2: space_group '9999999999'"),
        (b"formula,space_group\nNaCl," + b"1" * 10_000, "is neither a"),
        (b"a," * 400_000 + b"\n1", "has no column named formula; its first line is 'a,a,"),
        (b"formula\n\xff", "it is not text in UTF-8"),
        (b"formula\n", "holds a header but no formula"),
    ],
    ids=["columns", "field", "two columns", "group", "long group", "no header", "no text", "empty"],
)
def test_list_that_cannot_be_read_names_the_line(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        list(read_requests(path))
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 500


def test_list_of_400000_columns_is_read(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("a," * 400_000 + "formula\n" + "1," * 400_000 + "NaCl\n")
    assert [request.formula for request in read_requests(path)] == ["NaCl"]


def test_list_of_a_gigabyte_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    with path.open("wb") as stream:
        stream.truncate(1_000_000_001)
    with pytest.raises(InputError, match="is larger than 1 GB, the limit for a list of formulas"):
        list(read_requests(path))
