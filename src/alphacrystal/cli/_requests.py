"""Formulas asked for on the command line or in a file."""

from __future__ import annotations

import csv
import io
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


def gather_requests(formulas: list[str], source: Path | None) -> list[FormulaRequest]:
    """Formulas given as arguments, then those of a file.

    Raises:
        InputError: There are none, or the file cannot be read.
    """
    requests = [FormulaRequest(text) for text in formulas]
    if source is not None:
        requests += read_requests(source)
    if not requests:
        raise InputError("Give at least one formula, for example: alphacrystal predict Zr4Al3.")
    return requests


def read_requests(path: Path) -> list[FormulaRequest]:
    """A CSV with a ``formula`` column (optional ``cell`` and ``space_group``), or one formula a line.

    Raises:
        InputError: The file is missing, empty or malformed; the line is named.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise InputError(f"{path} cannot be read as a list of formulas: {reason}.") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise InputError(f"{path} holds no formula.")
    header = [name.strip().lower() for name in next(csv.reader([lines[0]]))]
    if "formula" not in header:
        if path.suffix.lower() == ".csv":
            raise InputError(f"{path} has no column named formula; its first line is {lines[0]!r}.")
        return [FormulaRequest(line.strip()) for line in lines]
    requests = []
    for number, row in enumerate(csv.reader(io.StringIO("\n".join(lines[1:]))), start=2):
        values = dict(zip(header, (value.strip() for value in row), strict=False))
        group = values.get("space_group") or None
        if not values.get("formula"):
            raise InputError(f"{path} line {number} has no formula.")
        if group is not None and not (group.isdecimal() and 1 <= int(group) <= 230):
            raise InputError(f"{path} line {number}: space_group {group!r} is not a number from 1 to 230.")
        requests.append(
            FormulaRequest(values["formula"], values.get("cell") or None, int(group) if group else None)
        )
    if not requests:
        raise InputError(f"{path} holds a header but no formula.")
    return requests
