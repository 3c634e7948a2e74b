"""Formulas from the command line or a file."""

from __future__ import annotations

from pathlib import Path

from alphacrystal.errors import InputError
from alphacrystal.pipeline.formula_list import FormulaRequest, read_requests

MAX_LIST_BYTES = 20_000_000  # all lines are in memory at once; a campaign reads one after the other


def gather_requests(formulas: list[str], source: Path | None) -> list[FormulaRequest]:
    """Formulas given as arguments, then those of a file.

    Raises:
        InputError: There are none, or the file cannot be read or is too large.
    """
    requests = [FormulaRequest(text) for text in formulas]
    if source is not None:
        requests += read_requests(source, MAX_LIST_BYTES)
    if not requests:
        raise InputError("Give at least one formula, for example: alphacrystal predict Zr4Al3.")
    return requests
