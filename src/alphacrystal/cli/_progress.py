"""Progress of long work: a live bar on a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY = 10.0  # s between plain lines of one stage


class ProgressDisplay:
    """Shows stage, count, rate and time left; call it with (stage, done, total)."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, float] = {}
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        begun = self._begun.setdefault(stage, now)
        rate = done / (now - begun) if done and now > begun else 0.0
        shown = f"{rate:.1f}/s" if rate else ""
        if self._bar is not None:
            if stage not in self._tasks:
                self._tasks[stage] = self._bar.add_task(stage, total=total, rate=shown)
            self._bar.update(self._tasks[stage], completed=done, total=total, rate=shown)
            return
        last, shown_done = self._printed.get(stage, (None, -1))
        if done != shown_done and (last is None or done == total or now - last > LINE_EVERY):
            self._printed[stage] = (now, done)
            left = f", {shown}, {(total - done) / rate:.0f} s left" if rate and done < total else ""
            sys.stderr.write(f"{self.title}: {stage} {done}/{total}{left}\n")
            sys.stderr.flush()
