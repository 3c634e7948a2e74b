"""Lists of formulas: CSV files with a ``formula`` column, or text files with one formula on each line."""

from __future__ import annotations

import codecs
import csv
import io
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from alphacrystal.errors import InputError
from alphacrystal.runtime.bounded_files import size_text
from alphacrystal.runtime.csv_cells import original_text

if TYPE_CHECKING:
    from alphacrystal.config import PredictConfig

MAX_LIST_BYTES = 1_000_000_000  # of a list that is read line by line
MAX_LIST_BYTES_IN_MEMORY = 20_000_000
MAX_LINE_LENGTH = 1_000_000  # characters
MAX_QUOTED = 80  # characters of a line in a message
MAX_QUOTED_NAMES = 5  # ignored columns in a message
COLUMNS = ("formula", "cell", "space_group")

_log = logging.getLogger(__name__)
_SEPARATORS = re.compile(r"[\s_-]+")


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
        """The settings of a run with the cell content and the space group of this line.

        Raises:
            InputError: The space group does not exist.
        """
        from alphacrystal.config import make_config

        line = {"cell": self.cell, "space_group": self.space_group}
        return make_config(**settings.model_dump() | {name: value for name, value in line.items() if value})


def gather_requests(formulas: Sequence[str], source: Path | None) -> list[FormulaRequest]:
    """All formulas of a command: its arguments, then the lines of a file.

    Raises:
        InputError: There are none, or the file cannot be read or is too large.
    """
    requests = [FormulaRequest(text) for text in formulas]
    if source is not None:
        requests += read_requests(source, MAX_LIST_BYTES_IN_MEMORY)
    if not requests:
        raise InputError("Give at least one formula, for example: alphacrystal predict Zr4Al3.")
    return requests


def check_list_size(path: Path, max_bytes: int = MAX_LIST_BYTES) -> None:
    """Refuse a list that is too large.

    Raises:
        InputError: It is larger than ``max_bytes``.
        OSError: There is no such file.
    """
    if path.stat().st_size > max_bytes:
        raise InputError(
            f"{path} is larger than {size_text(max_bytes)}, the limit for a list of formulas: split it"
            + (" or use alphacrystal campaign." if max_bytes < MAX_LIST_BYTES else ".")
        )


def read_requests(path: Path, max_bytes: int = MAX_LIST_BYTES) -> Iterator[FormulaRequest]:
    """Yield the lines of a list while it is read, so that it may be larger than the memory.

    A CSV has a ``formula`` column (optional ``cell`` and ``space_group``); any other text has one formula on
    each line, which may be quoted. Upper case, blanks, ``-`` and ``_`` in the name of a column do not matter;
    a log message names the columns that are ignored. Empty lines and those that begin with # are left out.
    The text is UTF-8, or UTF-16 with a byte order mark.

    Args:
        path: The list.
        max_bytes: Maximal size of the file.

    Raises:
        InputError: The file is missing, empty, malformed or too large; the line is named.
    """
    try:
        check_list_size(path, max_bytes)
        with path.open("rb") as content, _decoded(content) as stream:
            lines = _content_lines(path, stream)
            first = next(lines, None)
            if first is None:
                raise InputError(f"{path} holds no formula.")
            columns = _columns(path, *first)
            if columns is not None:
                empty = True
                width = len(_cells(path, *first))
                for number, line in lines:
                    yield _request(path, number, columns, width, line)
                    empty = False
                if empty:
                    raise InputError(f"{path} holds a header but no formula.")
                return
            if path.suffix.lower() == ".csv":
                raise InputError(
                    f"{path} has no column named formula; its first line is {first[1][:MAX_QUOTED]!r}."
                )
            yield FormulaRequest(_unquoted(path, *first))
            for number, line in lines:
                yield FormulaRequest(_unquoted(path, number, line))
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8 or UTF-16"
        raise InputError(f"{path} cannot be read as a list of formulas: {reason}.") from error


def _decoded(content: io.BufferedReader) -> TextIO:
    """Text of a file, decoded by its byte order mark; UTF-8 without one."""
    start = content.peek(2)
    is_utf16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return io.TextIOWrapper(content, encoding="utf-16" if is_utf16 else "utf-8-sig", newline="")


def _content_lines(path: Path, stream: TextIO) -> Iterator[tuple[int, str]]:
    """Number and text of the lines with content."""
    number = 0
    while line := stream.readline(MAX_LINE_LENGTH + 1):
        number += 1
        if len(line) > MAX_LINE_LENGTH:
            raise InputError(
                f"{path} line {number} is longer than {MAX_LINE_LENGTH:,} characters, the limit."
            )
        if "\0" in line:
            raise InputError(f"{path} line {number} contains a NUL character: save the list as plain text.")
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.rstrip("\r\n")


def _columns(path: Path, number: int, line: str) -> dict[str, int] | None:
    """Indices of the columns in COLUMNS, None where the line is no header."""
    try:
        header = [name.strip() for name in _cells(path, number, line)]
    except InputError:
        if path.suffix.lower() == ".csv":
            raise
        return None
    known = {_SEPARATORS.sub("", name): name for name in COLUMNS}
    columns: dict[str, int] = {}
    ignored: dict[str, None] = {}  # names in order
    for index, title in enumerate(header):
        name = known.get(_SEPARATORS.sub("", title).casefold())
        if name is None:
            ignored[title[:MAX_QUOTED]] = None
        elif name in columns:
            raise InputError(f"{path} line {number} names two columns {name}: rename one.")
        else:
            columns[name] = index
    if "formula" not in columns:
        return None
    ignored.pop("", None)
    if ignored:
        names = ", ".join(list(ignored)[:MAX_QUOTED_NAMES])
        more = f" and {len(ignored) - MAX_QUOTED_NAMES:,} more" if len(ignored) > MAX_QUOTED_NAMES else ""
        plural = "s" if len(ignored) > 1 else ""
        _log.warning(
            "%s: ignored column%s %s%s; a list uses %s.", path, plural, names, more, ", ".join(COLUMNS)
        )
    return columns


def _cells(path: Path, number: int, line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        unclosed = "unexpected end of data" in str(error)
        reason = "a quote is not closed on the line" if unclosed else str(error)
        raise InputError(f"{path} line {number} cannot be read as CSV: {reason}.") from error


def _unquoted(path: Path, number: int, line: str) -> str:
    """The formula of a line of a plain list, without quotes around it."""
    text = line.strip()
    if not text.startswith('"'):
        return text
    first, *others = _cells(path, number, text)
    if any(cell.strip() for cell in others):
        raise InputError(f"{path} line {number} has several cells: give one formula a line.")
    if not first.strip():
        raise InputError(f"{path} line {number} has no formula.")
    return first.strip()


def _request(path: Path, number: int, columns: dict[str, int], width: int, line: str) -> FormulaRequest:
    cells = _cells(path, number, line)
    if any(cell.strip() for cell in cells[width:]):
        raise InputError(
            f"{path} line {number} has {len(cells):,} cells, but the header has {width:,}: "
            "quote a cell that contains a comma."
        )
    values = {
        name: original_text(cells[index].strip()) for name, index in columns.items() if index < len(cells)
    }
    if not values.get("formula"):
        raise InputError(f"{path} line {number} has no formula.")
    group = _space_group(values.get("space_group", ""), path, number)
    return FormulaRequest(values["formula"], values.get("cell") or None, group)


def _space_group(text: str, path: Path, number: int) -> int | None:
    """A space group number; table programs write it as 225.0 where other lines of the column are empty."""
    if not text or text.lower() in ("nan", "none", "null"):
        return None
    whole, _, decimals = text.partition(".")
    if whole.isdecimal() and len(whole) <= 3 and not decimals.strip("0") and 1 <= int(whole) <= 230:
        return int(whole)
    from alphacrystal.crystal import parse_space_group

    try:
        group = parse_space_group(text)
    except ValueError:
        group = text
    if isinstance(group, int):
        return group
    raise InputError(
        f"{path} line {number}: space_group {text[:MAX_QUOTED]!r} is neither a number from 1 to 230 nor a "
        "symbol."
    )
