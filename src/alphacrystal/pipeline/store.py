"""The store of a run: its finished steps on disk and in memory, its events and its timings."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.pipeline.checkpoint import Checkpoint, Dispersion
from alphacrystal.pipeline.pattern import PatternFits
from alphacrystal.report import EventLog
from alphacrystal.typing import Progress

if TYPE_CHECKING:
    from alphacrystal.diffraction import PeakList, PowderPattern
    from alphacrystal.generate import Candidate
    from alphacrystal.relaxation import DisplacedStructure, Phonons, Relaxation

EVENTS_FILE = "events.jsonl"


class RunStore:
    """Finished work of one run; each step reads the results of an earlier, interrupted run from it.

    Attributes:
        folder: The run folder.
        progress: Called with (stage, done, total).
        checkpoint: The finished work on disk.
        events: The event log.
        timings: Seconds by stage.
    """

    def __init__(self, folder: Path, events: EventLog, progress: Progress | None = None) -> None:
        """Open the store of a run folder.

        Args:
            folder: The run folder.
            events: Its event log, open.
            progress: Called with (stage, done, total).
        """
        self.folder = folder
        self.progress = events.also(progress or _no_progress)
        self.checkpoint = Checkpoint(folder)
        self.events = events
        self.timings: dict[str, float] = {}
        self._parts: dict[int, list[Candidate]] = {}
        self._pending: list[Candidate] = []
        self._candidates: list[Candidate] | None = None
        self._relaxations: dict[tuple[str, int], Relaxation] | None = None
        self._phonons: dict[int, Phonons] | None = None
        self._displaced: dict[int, Sequence[DisplacedStructure]] | None = None
        self._fits: PatternFits | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure a stage and write its start and end to the event log."""
        begin = time.monotonic()
        self.events.emit(name, event="start")
        try:
            yield
        finally:
            self.timings[name] = self.timings.get(name, 0.0) + time.monotonic() - begin
        self.events.emit(name, event="end", seconds=round(self.timings[name], 3))

    # Candidates.

    def finished_candidates(self) -> list[Candidate] | None:
        """All candidates of the run, None before the end of the generation."""
        if self._candidates is None:
            self._candidates = self.checkpoint.load_candidates()
        return self._candidates

    def finished_parts(self) -> Mapping[int, Sequence[Candidate]]:
        """Candidates of the finished parts of the generation, by number of the part."""
        self._parts = self.checkpoint.load_generated()
        return dict(self._parts)

    def add_part(self, part: int, candidates: Sequence[Candidate]) -> None:
        """Store a finished part of the generation, which includes its pending candidates."""
        # In memory first: after an interrupt, a part on disk is in memory too.
        self._parts[part] = list(candidates)
        self._pending.clear()
        self.checkpoint.add_generated(part, candidates)

    def add_pending(self, candidate: Candidate) -> None:
        """Store a candidate of an unfinished part, in memory only."""
        self._pending.append(candidate)

    def save_candidates(self, candidates: Sequence[Candidate]) -> None:
        """Store all candidates at the end of the generation."""
        self._candidates = list(candidates)
        self.checkpoint.save_candidates(candidates)

    def candidates_so_far(self) -> list[Candidate]:
        """All candidates, or those of the finished parts and of the pending one."""
        if self._candidates is not None:
            return self._candidates
        finished = [candidate for part in self._parts.values() for candidate in part]
        return [*finished, *self._pending]

    # Relaxations.

    def relaxations(self, stage: str) -> dict[int, Relaxation]:
        """Finished relaxations of a pass, by number of the candidate."""
        if self._relaxations is None:
            self._relaxations = self.checkpoint.load_relaxations()
        return {index: item for (name, index), item in self._relaxations.items() if name == stage}

    def add_relaxation(self, stage: str, index: int, relaxation: Relaxation) -> None:
        """Store a finished relaxation."""
        assert self._relaxations is not None
        self._relaxations[stage, index] = relaxation
        self.checkpoint.add_relaxation(stage, index, relaxation)
        self.events.emit(
            "relax",
            event="structure",
            candidate=index,
            status=str(relaxation.status),
            reason=relaxation.reason,
        )

    def has_relaxations(self) -> bool:
        """Whether any relaxation is finished."""
        if self._relaxations is None:
            self._relaxations = self.checkpoint.load_relaxations()
        return bool(self._relaxations)

    # Dispersion.

    def dispersion(self) -> Dispersion | None:
        """The decision on dispersion, None before it."""
        return self.checkpoint.load_dispersion()

    def save_dispersion(self, decision: Dispersion) -> None:
        """Store the decision on dispersion."""
        self.checkpoint.save_dispersion(decision)

    # Fits to a measured pattern, which are fast and not on disk.

    def fits(self, pattern: PowderPattern | PeakList | None) -> PatternFits | None:
        """The fits of the structures to the pattern of the run; None without a pattern."""
        if self._fits is None and pattern is not None:
            self._fits = PatternFits(pattern, lambda done, total: self.progress("pattern", done, total))
        return self._fits

    # Phonons.

    def phonons(self) -> Mapping[int, Phonons]:
        """Finished phonons by number of the candidate."""
        if self._phonons is None:
            self._phonons = self.checkpoint.load_phonons()
        return self._phonons

    def add_phonons(self, index: int, phonons: Phonons) -> None:
        """Store the phonons of a candidate."""
        self._phonons = {**self.phonons(), index: phonons}
        self.checkpoint.add_phonons(index, phonons)

    def displaced(self) -> Mapping[int, Sequence[DisplacedStructure]]:
        """Structures displaced along unstable modes, by number of the candidate."""
        if self._displaced is None:
            self._displaced = self.checkpoint.load_displaced()
        return self._displaced

    def add_displaced(self, index: int, structures: Sequence[DisplacedStructure]) -> None:
        """Store the displaced structures of a candidate."""
        self._displaced = {**self.displaced(), index: structures}
        self.checkpoint.add_displaced(index, structures)


def _no_progress(stage: str, done: int, total: int) -> None:
    """The default callback: no display."""
