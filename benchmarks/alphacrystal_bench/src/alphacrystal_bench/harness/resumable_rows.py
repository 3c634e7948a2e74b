"""Rows of a benchmark on disk, so that an interrupted one goes on, and with its own settings only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alphacrystal.errors import InputError

Row = dict[str, Any]


def check_settings(out: Path, own: Mapping[str, Any]) -> None:
    """Note the settings of a run in its folder, or compare them with those it was begun with.

    Raises:
        InputError: They differ.
    """
    file = out / "settings.json"
    if file.is_file() and json.loads(file.read_text(encoding="utf-8")) != own:
        raise InputError(f"The run in {out} has other settings: choose another --out.")
    file.write_text(json.dumps(own) + "\n", encoding="utf-8")


def read_rows(file: Path) -> dict[str, Row]:
    """Rows by id; a line that was cut off by a crash is left out."""
    rows: dict[str, Row] = {}
    if file.is_file():
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            rows[row["id"]] = row
    return rows


def append_row(file: Path, row: Row) -> None:
    """Add one row as a line."""
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")
