"""CSV tables for spreadsheets: text from users never becomes a formula.

A spreadsheet evaluates a cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line break. Such text
gets a single quote in front, as OWASP recommends (owasp.org/www-community/attacks/CSV_Injection). Text that
begins with single quotes and one of these characters gets a quote too, so that reading restores the original
text. Numbers stay numbers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import TextIO

_QUOTED = re.compile('[",\r\n]')
# The full-width forms count as well.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def guard_text(text: str) -> str:
    """The text with a single quote in front where a spreadsheet would take it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def original_text(cell: str) -> str:
    """The inverse of ``guard_text``."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def write_csv(
    stream: TextIO,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    number: str = ".6f",
    verbatim: Collection[str] = (),
) -> None:
    """Write a table with a header line and plain line feeds.

    Args:
        stream: Opened with ``newline=""``.
        columns: Names.
        rows: Values in the order of the columns: None is an empty cell, truth values are "true" and "false",
            text is guarded.
        number: Format of floats.
        verbatim: Columns with text of this program, such as Miller indices, which is written without a guard.
    """
    stream.write(_line(columns))
    plain = [name in verbatim for name in columns]
    stream.writelines(
        _line(
            str(value) if is_plain else _cell(value, number)
            for value, is_plain in zip(row, plain, strict=True)
        )
        for row in rows
    )


def _line(cells: Iterable[str]) -> str:
    # Python's writer leaves a carriage return unquoted before 3.13, and readers take it for the end of a row.
    quoted = ('"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell for cell in cells)
    return ",".join(quoted) + "\n"


def _cell(value: object, number: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(value, number)
    return guard_text(value) if isinstance(value, str) else str(value)
