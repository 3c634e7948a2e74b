"""The state of one prediction while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.composition import Formula
from alphacrystal.config import PredictConfig
from alphacrystal.generate import Candidate
from alphacrystal.pipeline.checkpoint import Checkpoint
from alphacrystal.report import EventLog

if TYPE_CHECKING:
    from alphacrystal.rank import EnergyReference
    from alphacrystal.relax import Relaxation

# Stage, items done, items in total.
Progress = Callable[[str, int, int], None]


@dataclass
class Run:
    """State of one run while it goes on."""

    formula: Formula
    config: PredictConfig
    folder: Path
    progress: Progress
    checkpoint: Checkpoint
    events: EventLog
    timings: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    relaxations: dict[int, Relaxation] = field(default_factory=dict)
    reference: EnergyReference | None = None
    merged: dict[int, int] = field(default_factory=dict)  # candidate -> the equal one that stands for it

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage and tell the event log."""
        begin = time.monotonic()
        self.events.emit(name, event="start")
        try:
            yield
        finally:
            self.timings[name] = self.timings.get(name, 0.0) + time.monotonic() - begin
        self.events.emit(name, event="end", seconds=round(self.timings[name], 3))
