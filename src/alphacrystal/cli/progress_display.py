"""Progress on standard error: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

LINE_EVERY = 10.0  # s between plain lines of one stage


class ProgressDisplay:
    """Shows stage, count, rate and time left; call it with (stage, done, total)."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, tuple[float, int]] = {}  # time, and items done by an earlier run
        self._printed: dict[str, tuple[float, int]] = {}

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description:>18}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    @property
    def console(self) -> Console | None:
        """The console of the live bar, which keeps text above the bar; None without a bar."""
        return None if self._bar is None else self._bar.console

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show the state of a stage; ``total`` is 0 where it is not known."""
        now = time.monotonic()
        begun, before = self._begun.setdefault(stage, (now, done))
        rate = (done - before) / (now - begun) if done > before and now > begun else 0.0
        rate_text = _rate(rate)
        if self._bar is not None:
            if stage not in self._tasks:
                self._tasks[stage] = self._bar.add_task(stage, total=total, rate=rate_text)
            self._bar.update(self._tasks[stage], completed=done, total=total, rate=rate_text)
            return
        last, last_done = self._printed.get(stage, (None, -1))
        if done != last_done and (last is None or done == total or now - last > LINE_EVERY):
            self._printed[stage] = (now, done)
            left = f", {rate_text}, {_span((total - done) / rate)} left" if rate and done < total else ""
            sys.stderr.write(f"{self.title}: {stage} {done}/{total}{left}\n")
            sys.stderr.flush()


def _rate(per_second: float) -> str:
    if not per_second:
        return ""
    for unit, seconds in (("s", 1), ("min", 60)):
        if per_second * seconds >= 0.95:
            return f"{per_second * seconds:.1f}/{unit}"
    return f"{per_second * 3600:.1f}/h"


def _span(seconds: float) -> str:
    if seconds < 600:
        return f"{seconds:.0f} s"
    hours = seconds / 3600
    return (
        f"{seconds / 60:.0f} min"
        if hours < 3
        else f"{hours:.1f} h"
        if hours < 100
        else f"{hours / 24:.0f} days"
    )
