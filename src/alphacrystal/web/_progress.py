"""Progress of a job, read from the growing ``events.jsonl`` of its runs."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from alphacrystal.exploration import EVENTS_FILE as EXPLORATION_EVENTS
from alphacrystal.report import pressure_folder
from alphacrystal.web._files import is_regular, open_file
from alphacrystal.web._names import RUN_FILE
from alphacrystal.web._tasks import EXPLORATION, task_of

if TYPE_CHECKING:
    from alphacrystal.web._job import Job

EVENTS_FILE = "events.jsonl"
MAX_BYTES_AT_ONCE = 4_000_000
MAX_LINE_BYTES = 20_000
MAX_STAGES = 50

Count = Annotated[int, Field(ge=0, le=10**9)]


class Stage(BaseModel):
    """One stage of a run.

    Attributes:
        name: For example "generate" or "relax (tight)".
        done: Items done, None where the stage does not count.
        total: Items in total, 0 where their number is not known, None where the stage does not count.
        ended: Whether it is over.
        per_minute: Items per minute since its last start, null before the second one.
    """

    name: str
    done: int | None = None
    total: int | None = None
    ended: bool = False
    per_minute: float | None = None


def event_files(job: Job) -> set[tuple[str, ...]]:
    """Places of the files below the runs folder to which a job appends its progress."""
    if task_of(job.request) == EXPLORATION:
        return {(job.id, EXPLORATION_EVENTS)}
    return {(*parts, EVENTS_FILE) for parts in ((job.id,), *run_parts(job))}


def run_parts(job: Job) -> list[tuple[str, ...]]:
    """Places of the runs of a predicted job below the runs folder: one, or one for each pressure."""
    folders = [pressure_folder(Path(), pressure).name for pressure in job.request.pressures]
    return [(job.id, folder) for folder in folders] or [(job.id,)]


class JobProgress:
    """The stages of all jobs; every method may be called from any thread."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._readers: dict[tuple[str, ...], ProgressReader] = {}
        self._lock = Lock()

    def stages(self, job: Job, *, active: bool) -> list[Stage]:
        """The stages of a job so far; once it is over, its files are read one last time.

        Of several pressures, a finished list is one stage, and finished passes of the last part are left out.
        """
        ended = None if active else job.ended
        with self._lock:
            if task_of(job.request) == EXPLORATION:
                return self._read((job.id, EXPLORATION_EVENTS), ended)
            if not job.request.pressures:
                return self._read((job.id, EVENTS_FILE), ended)
            stages = []
            for pressure, parts in zip(job.request.pressures, run_parts(job), strict=True):
                found, name = self._read((*parts, EVENTS_FILE), ended), f"{pressure:g} GPa"
                over = all(stage.ended for stage in found) and is_regular(self._runs, *parts, RUN_FILE)
                if found and over:
                    found = [Stage(name=name, ended=True)]
                else:
                    found = [stage.model_copy(update={"name": f"{name}, {stage.name}"}) for stage in found]
                stages += found
            last = self._read((job.id, EVENTS_FILE), ended)
            return stages + [stage for stage in last if stage.total is None or _is_running(stage)]

    def forget(self, job: Job) -> None:
        """The job was deleted."""
        with self._lock:
            for file in event_files(job):
                self._readers.pop(file, None)

    def _read(self, file: tuple[str, ...], ended: datetime | None) -> list[Stage]:
        reader = self._readers.get(file)
        if reader is None:
            reader = self._readers[file] = ProgressReader(self._runs, file)
        return reader.stages(ended)


class _Event(BaseModel):
    """The part of an event that tells progress."""

    model_config = ConfigDict(strict=True, extra="ignore")

    stage: Annotated[str, Field(max_length=200)]
    event: Annotated[str, Field(max_length=200)] = ""
    done: Count | None = None
    total: Count | None = None
    time: AwareDatetime | None = None


class ProgressReader:
    """Reads only the lines appended since the last call; an incomplete last line waits for its end.

    Args:
        root: Folder below which the file lies.
        parts: Its place below ``root``; links are not followed.
    """

    def __init__(self, root: Path, parts: tuple[str, ...]) -> None:
        self._root = root
        self._parts = parts
        self._read = 0
        self._stages: dict[str, Stage] = {}
        self._begun: dict[str, tuple[datetime, int]] = {}  # time and items done at the start of a stage
        self._final: datetime | None = None

    def stages(self, ended: datetime | None = None) -> list[Stage]:
        """The stages so far, in the order of their start.

        Args:
            ended: When the run ended, None while it grows; the file of one that ended is read once.
        """
        if ended is None or ended != self._final:
            self._final = ended if self._read_on() else None
        return [stage.model_copy() for stage in self._stages.values()]

    def _read_on(self) -> bool:
        """Take the lines that are new; returns whether the end of the file was reached."""
        try:
            with open_file(self._root, *self._parts) as stream:
                size = os.fstat(stream.fileno()).st_size
                if size < self._read:  # another file
                    self._read, self._stages = 0, {}
                stream.seek(self._read)
                text = stream.read(MAX_BYTES_AT_ONCE)
        except OSError:
            return True
        whole = text[: text.rfind(b"\n") + 1]
        if not whole and len(text) == MAX_BYTES_AT_ONCE:  # no line of a run is so long
            whole = text
        self._read += len(whole)
        for line in whole.splitlines():
            event = _event(line)
            if event is not None:
                self._take(event)
        return len(text) < MAX_BYTES_AT_ONCE

    def _take(self, event: _Event) -> None:
        name, change = event.stage, event.event
        if name == "run" and change == "start":  # of another process: the time between them does not count
            self._begun.clear()
        if name == "run" or (name not in self._stages and len(self._stages) >= MAX_STAGES):
            return
        for stage in self._stages.values():  # a stage of unknown length ends with the start of the next
            stage.ended = stage.ended or (stage.total == 0 and stage.name != name)
        if change == "start":
            self._stages = {key: old for key, old in self._stages.items() if not _belongs(key, name)}
            self._stages[name] = Stage(name=name)
        elif change == "end":
            for key, stage in self._stages.items():
                if _belongs(key, name):
                    stage.ended = True
        elif change == "progress" and event.done is not None and event.total is not None:
            if name not in self._stages:  # the passes of a stage: they replace its uncounted line
                outer = self._stages.get(name.partition(" (")[0])
                if outer is not None and outer.total is None:
                    del self._stages[outer.name]
                for stage in self._stages.values():
                    stage.ended = stage.ended or stage.name.partition(" (")[0] == name.partition(" (")[0]
            rate = self._per_minute(name, event.done, event.time)
            self._stages[name] = Stage(name=name, done=event.done, total=event.total, per_minute=rate)

    def _per_minute(self, name: str, done: int, time: datetime | None) -> float | None:
        """Items per minute since the start of a stage."""
        if time is None:
            return None
        begin, before = self._begun.setdefault(name, (time, done))
        seconds = (time - begin).total_seconds()
        if done < before or seconds < 0:  # it began again
            self._begun[name] = (time, done)
            return None
        return round(60 * (done - before) / seconds, 3) if done > before and seconds > 0 else None


def _event(line: bytes) -> _Event | None:
    """A line as an event, None where it is none: torn, foreign, nested too deeply."""
    if len(line) > MAX_LINE_BYTES:
        return None
    try:
        return _Event.model_validate_json(line)
    except ValidationError:
        return None


def _is_running(stage: Stage) -> bool:
    return not stage.ended and stage.done != stage.total


def _belongs(key: str, name: str) -> bool:
    return key == name or key.startswith(f"{name} (")
