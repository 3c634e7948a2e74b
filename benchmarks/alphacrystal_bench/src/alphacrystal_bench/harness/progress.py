"""How a benchmark tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

#: Stage, items done, items in total.
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """No progress wanted."""
