"""Items of a CIF data block by tag, in the spellings of all CIF dictionaries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from gemmi import cif

_MINUS_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2010": "-", "\u2011": "-"})
_UNCERTAINTY = re.compile(r"\((?:\d+|\.)\)$")
_FRACTION = re.compile(r"([+-]?\d+)\s*/\s*(\d+)")


class CifItems:
    """The items of one data block.

    Tags are compared without case, and with "_" for "." (the DDLm spelling), so that ``_cell.length_a`` and
    ``_cell_length_A`` are one.
    """

    def __init__(self, block: cif.Block) -> None:
        """Index the block."""
        from gemmi import cif

        self.name: str = block.name
        self._columns: dict[str, list[str]] = {}
        for item in block:
            pair: Sequence[str] | None = item.pair  # type: ignore[assignment]  # untyped in gemmi
            if pair is not None:
                self._add(pair[0], [pair[1]])
            elif item.loop is not None:
                tags = item.loop.tags
                for place, tag in enumerate(tags):
                    self._add(tag, list(item.loop.values[place :: len(tags)]))
        self._string = cif.as_string

    def _add(self, tag: str, values: list[str]) -> None:
        if self._columns.setdefault(_spelled(tag), values) != values:
            raise InputError(
                f"The data block {self.name[:40]} gives {tag[:60]} twice, in two spellings: remove one."
            )

    def has(self, tag: str) -> bool:
        """Whether the block has the item, with any value."""
        return tag in self._columns

    def column(self, *tags: str) -> list[str | None] | None:
        """Values of the first of the tags that the block has; None for ``?`` and ``.``."""
        for tag in tags:
            if tag in self._columns:
                return [self._text(value) for value in self._columns[tag]]
        return None

    def text(self, *tags: str) -> str | None:
        """The first value of the tags that is neither ``?`` nor ``.`` nor empty."""
        for tag in tags:
            for value in self._columns.get(tag, ()):
                if (text := self._text(value)) is not None and text.strip():
                    return text.strip()
        return None

    def number(self, *tags: str) -> float | None:
        """The first value of the tags as a number; NaN where it is text that is no number."""
        text = self.text(*tags)
        return None if text is None else number(text)

    def containing(self, part: str) -> bool:
        """Whether a tag of the block contains a text."""
        return any(part in tag for tag in self._columns)

    def _text(self, value: str) -> str | None:
        return None if value in ("?", ".") else str(self._string(value))


def number(text: str) -> float:
    """A number of a CIF without its standard uncertainty; fractions such as 1/3 too; NaN if it is none."""
    text = _UNCERTAINTY.sub("", text.strip().translate(_MINUS_SIGNS))
    if match := _FRACTION.fullmatch(text):
        return int(match[1]) / int(match[2]) if int(match[2]) else float("nan")
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if "_" not in text and np.isfinite(value) else float("nan")


def _spelled(tag: str) -> str:
    return tag.lower().removeprefix("_").replace(".", "_")
