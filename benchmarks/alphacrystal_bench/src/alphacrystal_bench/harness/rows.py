"""Resumable rows: finished rows are kept in a JSON-lines file, so that an interrupted run continues."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from alphacrystal.errors import InputError

Row = dict[str, Any]
Item = TypeVar("Item")


class Rows:
    """Finished rows by key, in memory and in a file.

    Args:
        file: JSON-lines file; None keeps the rows in memory only.
        key: Key of a row that is read from the file; by default its "id".
        upgrade: Converts a row of an earlier version.
    """

    def __init__(
        self,
        file: Path | None,
        *,
        key: Callable[[Row], str] = lambda row: str(row["id"]),
        upgrade: Callable[[Row], Row] = lambda row: row,
    ) -> None:
        self.file = file
        self._rows: dict[str, Row] = {}
        if file is not None and file.is_file():
            for line in file.read_text(encoding="utf-8").splitlines():
                try:
                    row = upgrade(json.loads(line))
                except json.JSONDecodeError:
                    continue  # a line that was cut off by a crash
                self._rows[key(row)] = row

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def __getitem__(self, key: str) -> Row:
        return self._rows[key]

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: str) -> Row | None:
        """The finished row of a key, or None."""
        return self._rows.get(key)

    def compute(self, key: str, compute: Callable[[], Row]) -> Row:
        """The finished row of a key, or a new one, which is added to the file."""
        if key not in self._rows:
            self.add(key, compute())
        return self._rows[key]

    def add(self, key: str, row: Row) -> None:
        """Add a row, or replace the row of the same key."""
        self._rows[key] = row
        if self.file is not None:
            with self.file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")


def check_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write the settings of a run into its folder, or compare them with those of the earlier run there.

    Raises:
        InputError: They differ.
    """
    file = folder / "settings.json"
    if file.is_file() and json.loads(file.read_text(encoding="utf-8")) != settings:
        raise InputError(f"The run in {folder} has other settings: choose another --out.")
    file.write_text(json.dumps(settings) + "\n", encoding="utf-8")


def sample(items: Sequence[Item], limit: int | None, seed: int, *, offset: int = 0) -> list[Item]:
    """At most ``limit`` items, drawn at random, in their original order; all of them if None.

    A larger limit adds items to those of a smaller one. ``offset`` leaves out the first items of the random
    order, so that several runs can share the work.
    """
    if limit is None and offset == 0:
        return list(items)
    order = np.random.default_rng(seed).permutation(len(items))[offset:][:limit]
    return [items[index] for index in sorted(order)]
