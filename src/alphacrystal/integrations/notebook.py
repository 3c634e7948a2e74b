"""Progress of a calculation in a Jupyter notebook, with IPython alone."""

from __future__ import annotations

import html
import time
from typing import Any

from alphacrystal.errors import InputError

NEEDS_EXTRA = "NotebookProgress needs the package IPython: pip install 'alphacrystal[notebook]'."
UPDATE_SECONDS = 0.2  # between two updates of a stage


class NotebookProgress:
    """A bar for each stage of a calculation; pass it as ``progress``.

    ``alphacrystal.predict("Zr4Al3", progress=NotebookProgress())``

    Raises:
        InputError: The extra ``notebook`` is not installed.
    """

    def __init__(self) -> None:
        try:
            from IPython.display import HTML, display
        except ImportError as error:
            raise InputError(NEEDS_EXTRA) from error
        self._html: Any = HTML  # IPython has partial types
        self._display: Any = display
        self._handle: Any = None
        self._stages: dict[str, tuple[int, int, float]] = {}  # done, total, time of the first call
        self._updated = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show the state of a stage; ``total`` is 0 where it is not known."""
        now = time.monotonic()
        begun = self._stages.get(stage, (0, 0, now))[2]
        is_new = stage not in self._stages
        self._stages[stage] = (done, total, begun)
        if not is_new and done != total and now - self._updated < UPDATE_SECONDS:
            return
        self._updated = now
        content = self._html(self._table(now))
        if self._handle is None:
            self._handle = self._display(content, display_id=True)
        else:
            self._handle.update(content)

    def _table(self, now: float) -> str:
        rows = []
        for stage, (done, total, begun) in self._stages.items():
            bar = f'<progress value="{done}" max="{total}"></progress>' if total else ""
            count = f"{done} / {total}" if total else str(done)
            cells = (html.escape(stage), bar, count, remaining(done, total, now - begun))
            rows.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
        return f"<table>{''.join(rows)}</table>"


def remaining(done: int, total: int, seconds: float) -> str:
    """The remaining time of a stage as text, e.g. "12 s left"; "" where it is not known.

    Args:
        done: Finished steps.
        total: All steps, 0 where their number is not known.
        seconds: Time since the first step.
    """
    return f"{(total - done) * seconds / done:.0f} s left" if 0 < done < total else ""
