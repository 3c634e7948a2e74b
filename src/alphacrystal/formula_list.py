"""Lists of formulas: a CSV with a ``formula`` column, or one formula a line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from alphacrystal.config import PredictConfig


@dataclass(frozen=True, slots=True)
class FormulaRequest:
    """One line of a formula list.

    Attributes:
        formula: As the user wrote it.
        cell: Cell content, None if not given.
        space_group: International number, None if not given.
    """

    formula: str
    cell: str | None = None
    space_group: int | None = None

    def applied_to(self, settings: PredictConfig) -> PredictConfig:
        """The settings of a run with what this line says put in.

        Raises:
            InputError: The space group does not exist.
        """
        from alphacrystal.config import make_config

        own = {"cell": self.cell, "space_group": self.space_group}
        return make_config(**{**settings.model_dump(), **{key: value for key, value in own.items() if value}})


def read_requests(path: Path) -> Iterator[FormulaRequest]:
    """The lines of a list as they are read, so that it may be longer than the memory.

    A CSV has a ``formula`` column (optional ``cell`` and ``space_group``); any other text has one formula a
    line. Empty lines and those that begin with # are left out.

    Raises:
        InputError: The file is missing, empty or malformed; the line is named.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = _told_lines(stream)
            first = next(lines, None)
            if first is None:
                raise InputError(f"{path} holds no formula.")
            header = [name.strip().lower() for name in next(csv.reader([first[1]]))]
            if "formula" in header:
                found = 0
                for number, line in lines:
                    yield _request(path, number, header, line)
                    found += 1
                if not found:
                    raise InputError(f"{path} holds a header but no formula.")
                return
            if path.suffix.lower() == ".csv":
                raise InputError(f"{path} has no column named formula; its first line is {first[1]!r}.")
            yield FormulaRequest(first[1].strip())
            for _, line in lines:
                yield FormulaRequest(line.strip())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise InputError(f"{path} cannot be read as a list of formulas: {reason}.") from error


def _told_lines(stream: Iterator[str]) -> Iterator[tuple[int, str]]:
    """Number and text of the lines that say something."""
    for number, line in enumerate(stream, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.rstrip("\r\n")


def _request(path: Path, number: int, header: list[str], line: str) -> FormulaRequest:
    cells = next(csv.reader([line]), [])
    values = dict(zip(header, (value.strip() for value in cells), strict=False))
    group = values.get("space_group") or None
    if not values.get("formula"):
        raise InputError(f"{path} line {number} has no formula.")
    if group is not None and not (group.isdecimal() and 1 <= int(group) <= 230):
        raise InputError(f"{path} line {number}: space_group {group!r} is not a number from 1 to 230.")
    return FormulaRequest(values["formula"], values.get("cell") or None, int(group) if group else None)
