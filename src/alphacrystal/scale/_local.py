"""Units on processes of this machine, one thread each."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from types import TracebackType
from typing import Self

from alphacrystal.runtime.task_process import TaskProcess
from alphacrystal.scale._executor import TRIES
from alphacrystal.scale._units import Outcome, Unit, Work

#: Units after which a process is replaced, so that what libraries keep in memory stays bounded.
RECYCLE = 500

#: Imported by a process before its first unit.
_PRELOAD = ("alphacrystal.scale",)


class LocalExecutor:
    """Worker processes, each with a thread here that hands it one unit after the other.

    A unit whose process dies is tried once more; a unit beyond its time limit fails, and so does one that
    kills two processes. When this process ends, however it ends, so do its workers.

    Args:
        work: Pickled by its name.
        workers: Processes.
        limit_s: Wall seconds per unit, None for no limit.
    """

    def __init__(self, work: Work, workers: int = 1, limit_s: float | None = None) -> None:
        self._work = work
        self._limit_s = limit_s
        self._stopping = threading.Event()
        self._units: queue.SimpleQueue[Unit | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._processes = [TaskProcess(_PRELOAD) for _ in range(max(1, workers))]
        self.idle_s = 0.0  # time that workers spent without a unit while there was one to come
        self._threads = [
            threading.Thread(target=self._serve, args=(process,), daemon=True) for process in self._processes
        ]

    @property
    def workers(self) -> int:
        """Processes."""
        return len(self._processes)

    @property
    def capacity(self) -> int:
        """One unit at work and one waiting for each process."""
        return 2 * len(self._processes)

    @property
    def worker_pids(self) -> list[int]:
        """Ids of the processes that run."""
        return [process.pid for process in self._processes if process.pid is not None]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for process in self._processes:
            self._units.put(None)
            process.stop()
        for thread in self._threads:
            thread.join(timeout=5)

    def submit(self, unit: Unit) -> None:
        """Take a unit."""
        self._units.put(unit)

    def finished(self, timeout_s: float) -> list[Outcome]:
        """Outcomes that are there, at least one unless that takes longer than the timeout."""
        try:
            found = [self._outcomes.get(timeout=timeout_s)]
        except queue.Empty:
            return []
        while True:
            try:
                found.append(self._outcomes.get_nowait())
            except queue.Empty:
                return found

    def _serve(self, process: TaskProcess) -> None:
        for number in itertools.count(1):
            begin = time.monotonic()
            unit = self._units.get()
            if unit is None or self._stopping.is_set():
                return
            self.idle_s += time.monotonic() - begin
            outcome = self._outcome(process, unit)
            if self._stopping.is_set():
                return
            self._outcomes.put(outcome)
            if number % RECYCLE == 0:
                process.stop()

    def _outcome(self, process: TaskProcess, unit: Unit) -> Outcome:
        begin = time.monotonic()
        for _ in range(TRIES):
            result = process.run(self._work, (unit,), self._limit_s)
            if isinstance(result.value, Outcome):
                return result.value
            if not result.died or self._stopping.is_set():
                break
        failure = result.failure or "it returned no outcome"
        kind = "time" if result.late else "died" if result.died else "internal"
        if result.died:
            failure = f"{failure}, and so did the one after it"
        return Outcome(
            unit.key, f"{failure[0].upper()}{failure[1:]}.", kind, seconds=time.monotonic() - begin
        )
