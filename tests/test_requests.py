"""The page of requests: the commands, options, columns and formats that it names exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from alphacrystal.cli.app import app
from alphacrystal.export import FORMATS
from alphacrystal.report import SUMMARY_COLUMNS

PAGE = Path(__file__).parents[1] / "docs" / "requests.md"
CODE = re.findall(r"`([^`]+)`", PAGE.read_text(encoding="utf-8"))
OPTIONS = sorted({text for text in CODE if re.fullmatch(r"[a-z]+ --[a-z-]+", text)})
COMMANDS = sorted({text for text in CODE if text.startswith("alphacrystal ")})


@cache
def command(*words: str) -> Any:
    """The command that the words name; those of other packages may be missing."""
    found: Any = typer.main.get_command(app).loaded()
    for word in words:
        found = found.commands[word]
    return found


@pytest.mark.parametrize("text", OPTIONS)
def test_options_exist(text: str) -> None:
    name, option = text.split()
    found = command(name)
    assert any(option in [*item.opts, *item.secondary_opts] for item in found.params)


@pytest.mark.parametrize("text", COMMANDS)
def test_commands_exist(text: str) -> None:
    words = text.split()[1:]
    path = words[:2] if words[0] in ("data", "model") else words[:1]
    assert command(*path).name == path[-1]


def test_columns_and_formats_exist() -> None:
    columns = {text for text in CODE if re.fullmatch(r"[a-z]+(_[a-z]+)*(_ev|_a)?", text)}
    assert {"converged", "probability", "novelty", "prototype", "energy_above_hull_per_atom_ev"} <= columns
    assert {text for text in columns if "_" in text} <= set(SUMMARY_COLUMNS)
    assert {"probability", "novelty", "prototype", "converged"} <= set(SUMMARY_COLUMNS)
    assert "optimade" in columns & set(FORMATS)


def test_each_request_says_how_it_is_served() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    rows = [row for row in rows if row[0] != "| request"]
    assert len(rows) >= 36
    assert all(len(row) == 3 and row[1] for row in rows)
