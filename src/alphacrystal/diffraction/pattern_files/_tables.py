"""Columns of numbers in text: xy, xye, csv, txt, dat and files like them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from alphacrystal.diffraction.pattern_files._headers import (
    Columns,
    axis_in_text,
    named_columns,
    radiation_in_text,
)
from alphacrystal.diffraction.pattern_files._scans import (
    MAX_POINTS,
    MAX_SCANS,
    Axis,
    PatternFile,
    Scan,
    stepped,
)
from alphacrystal.errors import InputError, one_line
from alphacrystal.typing import FloatArray

MAX_COLUMNS = 200
MAX_HEADER_LINES = 2000
_SAMPLE = 2 * MAX_HEADER_LINES  # lines, from which the separator is chosen
_POINT_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?"
_COMMA_NUMBER = r"[+-]?(?:\d+,?\d*|,\d+)(?:[eEdD][+-]?\d+)?"
_NO_NUMBER = r"[+-]?(?:nan|inf|infinity)"
_POINT = re.compile(f"{_POINT_NUMBER}|{_NO_NUMBER}", re.IGNORECASE)
_COMMA = re.compile(f"{_COMMA_NUMBER}|{_NO_NUMBER}", re.IGNORECASE)
_FRACTION_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eEdD][+-]?\d+)?")
_FRACTION_POINT = re.compile(r"[+-]?\d*\.\d*(?:[eEdD][+-]?\d+)?")
_COMMENT = re.compile(r"\s*(?:#|!|%|//|/\*|'|\*|\$|@|REM\b|;(?=\s*\D))", re.IGNORECASE)
_INLINE_COMMENT = re.compile(r"\s(?:#|!|//).*$")
_SEPARATORS = (";", "\t", None, ",")  # None: any white space


class _Line(NamedTuple):
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class _Reading:
    """The lines of a text for one separator.

    Attributes:
        separator: Between columns; None for white space.
        comma: Whether commas mark decimals.
        rows: Line number and fields of each row that begins with a number and has another.
        columns: Named by the header, if it is.
    """

    separator: str | None
    comma: bool
    rows: list[tuple[int, list[str]]]
    columns: Columns | None


def read_table(text: str, name: str, *, axis: Axis | None, deviations: bool) -> PatternFile:
    """The scans of a text with columns.

    Args:
        text: Of the file.
        name: Of the file, for messages.
        axis: Quantity of the first column, where it is known; else the header names it, or it is 2θ.
        deviations: Whether the third of three columns without names is known to be a standard deviation.

    Raises:
        InputError: There are no two columns of numbers, or a row between them is not one.
    """
    if text.count("\n") > MAX_POINTS + MAX_HEADER_LINES:
        raise InputError(f"{name} has more than {MAX_POINTS} lines: bin the pattern.")
    lines = [_Line(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if (counts := _count_list(lines, text)) is not None:
        return counts
    readings = [_reading(lines[:_SAMPLE], separator) for separator in _SEPARATORS]
    best = max(readings, key=lambda reading: (len(reading.rows), reading.columns is not None))
    if len(lines) > _SAMPLE:
        best = _reading(lines, best.separator)
    if not best.rows:
        raise InputError(
            f"{name} has no two columns of numbers: give angle and intensity in columns, or a file of a "
            "diffractometer."
        )
    header = [line.text for line in lines if line.number < best.rows[0][0]]
    header = header[:MAX_HEADER_LINES]
    columns = best.columns
    notes: list[str] = []
    if columns is None:
        columns = _unnamed_columns(best, header, notes, deviations=deviations)
    if axis is not None:
        columns = Columns(
            columns.position, columns.intensity, columns.uncertainty, axis, columns.factor, False
        )
    if columns.axis is None:
        raise InputError(
            f"{name} has a column of θ: name it 2theta if it contains 2θ, else double its values."
        )
    blocks = list(_blocks(lines, best, name))
    scans = [_scan(block, columns, name, comma=best.comma) for block in blocks]
    peaks = True if columns.indices else None
    return PatternFile(scans, radiation_in_text(header), notes, peaks)


def _reading(lines: Sequence[_Line], separator: str | None) -> _Reading:
    split = [(line.number, _fields(line.text, separator)) for line in lines if not _COMMENT.match(line.text)]
    comma = False
    if separator != ",":
        words = [word for _, fields in split for word in fields]
        comma = any(_FRACTION_COMMA.fullmatch(word) for word in words) and not any(
            _FRACTION_POINT.fullmatch(word) for word in words
        )
    pattern = _COMMA if comma else _POINT
    rows = [
        (number, fields)
        for number, fields in split
        if pattern.fullmatch(fields[0]) and any(pattern.fullmatch(word) for word in fields[1:])
    ]
    columns = None
    if rows:
        width = len(rows[0][1])
        before = [line.text for line in lines if line.number < rows[0][0]][-MAX_HEADER_LINES:]
        columns = next(
            filter(None, (_header_columns(line, separator, width) for line in reversed(before))), None
        )
    return _Reading(separator, comma, rows, columns)


def _fields(line: str, separator: str | None) -> list[str]:
    line = _INLINE_COMMENT.sub("", line)
    if separator is None:
        words = [bare for word in line.split(None, MAX_COLUMNS) if (bare := word.strip("\"'").rstrip(","))]
    else:
        words = [word.strip().strip("\"'").strip() for word in line.split(separator, MAX_COLUMNS)]
    while len(words) > 1 and not words[-1]:
        words.pop()
    if len(words) > 1 and not words[0]:
        words = words[1:]
    return words or [""]


def _header_columns(line: str, separator: str | None, width: int) -> Columns | None:
    bare = re.sub(r"^\s*(?:#|!|%|//|/\*|'|;|REM\b)+\s*", "", line, flags=re.IGNORECASE)
    bare = re.sub(r"\b2\s+(?=th|θ)", "2", bare, flags=re.IGNORECASE)
    candidates = [_fields(bare, separator)]
    if separator is None:  # units and names may contain spaces: "2theta (deg)   Rel. Int."
        candidates.insert(0, _fields(re.sub(r"\s*([\[(])\s*", r"\1", bare), None))
        candidates.append(re.split(r"\t|\s{2,}|[,;]", bare.strip()))
    for words in candidates:
        indices = next((at for at, word in enumerate(words) if word.lower() == "hkl"), None)
        if indices is not None and len(words) == width - 2:  # three columns under one name
            words[indices : indices + 1] = ["h", "k", "l"]
        columns = named_columns(words) if len(words) <= width else None
        if columns is not None and max(columns.position, columns.intensity) < width:
            return columns
    return None


def _unnamed_columns(
    reading: _Reading, header: Sequence[str], notes: list[str], *, deviations: bool
) -> Columns:
    """The first two columns, and the third of three as the standard deviation."""
    widths = {len(fields) for _, fields in reading.rows}
    uncertainty = None
    if max(widths) == min(widths) == 3 or deviations:
        uncertainty = 2 if min(widths) >= 3 else None
        if uncertainty and not deviations:
            notes.append("The third column is read as standard deviations of the intensities.")
    axis, factor = axis_in_text(header) or ("2theta", 1.0)
    return Columns(0, 1, uncertainty, axis, factor, False)


def _blocks(lines: Sequence[_Line], reading: _Reading, name: str) -> Iterator[list[tuple[int, list[str]]]]:
    """The rows of each scan: a new one begins after other lines where the positions begin again."""
    rows = dict(reading.rows)
    block: list[tuple[int, list[str]]] = []
    others: list[_Line] = []
    blocks = 1
    for line in lines:
        if line.number not in rows:
            if block:
                others.append(line)
            continue
        fields = rows[line.number]
        if others:
            odd = next((other for other in others if not _COMMENT.match(other.text)), None)
            if len(block) > 1 and _number(fields[0]) <= _number(block[-1][1][0]):
                yield block
                block = []
                blocks += 1
            elif odd is not None:
                raise InputError(
                    f"{name}, line {odd.number} is not a row of numbers "
                    f"({one_line(odd.text.strip()[:60])!r}): correct or remove it."
                )
        if blocks > MAX_SCANS:
            raise InputError(f"{name} has more than {MAX_SCANS} scans: give one.")
        block.append((line.number, fields))
        others = []
    yield block


def _scan(rows: Sequence[tuple[int, list[str]]], columns: Columns, name: str, *, comma: bool) -> Scan:
    pattern = _COMMA if comma else _POINT

    def column(place: int) -> FloatArray:
        values = np.empty(len(rows))
        for index, (number, fields) in enumerate(rows):
            if place >= len(fields) or not pattern.fullmatch(fields[place]):
                raise InputError(
                    f"{name}, line {number} has no number in column {place + 1}: correct or remove the line."
                )
            values[index] = _number(fields[place])
        return values

    uncertainty = None if columns.uncertainty is None else column(columns.uncertainty)
    assert columns.axis is not None
    position = column(columns.position) * columns.factor
    return Scan(position, column(columns.intensity), uncertainty, columns.axis)


def _number(word: str) -> float:
    return (
        float(word.replace(",", ".").replace("d", "e").replace("D", "e"))
        if "n" not in word.lower()
        else float(word)
    )


def _count_list(lines: Sequence[_Line], text: str) -> PatternFile | None:
    """A scan as in FullProf and DBWS: a line "start step stop", then the counts in lines of several."""
    plain = [line.text for line in lines if not _COMMENT.match(line.text)]
    for index, line in enumerate(plain[:7]):
        words = line.split()
        if len(words) < 3 or not all(_POINT.fullmatch(word) for word in words[:3]):
            continue
        start, step, stop = map(_number, words[:3])
        if not (np.isfinite([start, step, stop]).all() and 0 < step < 1 and start < stop <= 180):
            return None
        counts = " ".join(plain[index + 1 :]).split()
        points = round((stop - start) / step) + 1
        if len(plain) - index - 1 >= points or abs(len(counts) - points) > 10 or points < 3:
            return None
        if not all(_POINT.fullmatch(word) for word in counts):
            return None
        points = min(points, len(counts))
        intensity = np.array([_number(word) for word in counts[:points]])
        return PatternFile(
            [Scan(stepped(start, step, points), intensity)],
            radiation_in_text(text.split("\n")[:20]),
            [],
            False,
        )
    return None
