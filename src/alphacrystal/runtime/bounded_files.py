"""Reading of text and JSON files from users, limited in size and depth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from alphacrystal.errors import InputError

MAX_DEPTH = 100  # of nested lists and objects


def read_bounded_text(path: Path, max_bytes: int, *, encoding: str = "utf-8") -> str:
    """Text of a file of at most ``max_bytes``.

    Raises:
        InputError: The file is larger.
        OSError: It cannot be read.
        UnicodeDecodeError: It is not text in this encoding.
    """
    with path.open("rb") as stream:
        content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise InputError(f"{path} is larger than {size_text(max_bytes)}, the limit for such a file.")
    return content.decode(encoding)


def read_json(path: Path, max_bytes: int) -> Any:
    """Value of a JSON file of at most ``max_bytes`` and at most ``MAX_DEPTH`` levels.

    Raises:
        InputError: The file is larger.
        OSError: It cannot be read.
        ValueError: It is not JSON, not UTF-8 or nested more deeply.
    """
    return parse_json(read_bounded_text(path, max_bytes))


def parse_json(text: str) -> Any:
    """Value of a JSON text of at most ``MAX_DEPTH`` levels.

    Raises:
        ValueError: It is not JSON or is nested more deeply.
    """
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    check_depth(value)
    return value


def check_depth(value: object) -> None:
    """Refuse a value of lists and dicts nested more than ``MAX_DEPTH`` levels.

    Raises:
        ValueError: It is nested more deeply.
    """
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        holders = [item for item in level if isinstance(item, dict | list)]
        if not holders:
            return
        level = [item for part in holders for item in (part.values() if isinstance(part, dict) else part)]
    raise ValueError(f"nested more than {MAX_DEPTH} levels")


def check_lines(text: str, most_characters: int, most_dots: int) -> None:
    """Refuse lines that would take the TOML parser minutes.

    Args:
        text: TOML.
        most_characters: Of a line.
        most_dots: Of a line without comments: the parser's time grows with the square of the parts of a key.

    Raises:
        ValueError: Names the line.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > most_characters:
            raise ValueError(f"line {number} is longer than {most_characters:,} characters")
        if line.count(".") > most_dots and not line.lstrip().startswith("#"):
            raise ValueError(f"line {number} has more than {most_dots} dots")


def size_text(count: int) -> str:
    """A number of bytes in words, e.g. "20 MB"."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:g} {unit}"
    return f"{count} bytes"
