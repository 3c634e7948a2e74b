"""Tasks on processes of this machine, one thread each."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from typing import Self

from alphacrystal.runtime.task_process import TaskProcess
from alphacrystal.scale._executor import MAX_ATTEMPTS, CampaignTask, TaskFunction, TaskOutcome

#: Tasks after which a process is replaced, to bound the memory that libraries retain.
MAX_TASKS_PER_PROCESS = 500

#: Imported by a process before its first task.
_PRELOAD = ("alphacrystal.scale",)


class LocalExecutor:
    """Worker processes, each with a thread of this process that sends it one task after the other.

    A task whose process dies is repeated once; it fails if the second process dies too, or beyond the time
    limit. The workers end with this process, also when it is killed.

    Args:
        function: Computes a task; pickled by its name.
        workers: Number of processes.
        limit_s: Wall seconds per task, None for no limit.
    """

    def __init__(self, function: TaskFunction, workers: int = 1, limit_s: float | None = None) -> None:
        self._function = function
        self._limit_s = limit_s
        self._stopping = threading.Event()
        self._tasks: queue.SimpleQueue[CampaignTask | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[TaskOutcome] = queue.SimpleQueue()
        self._processes = [TaskProcess(_PRELOAD) for _ in range(max(1, workers))]
        self._threads = [
            threading.Thread(target=self._serve, args=(process,), daemon=True) for process in self._processes
        ]

    @property
    def workers(self) -> int:
        """Number of processes."""
        return len(self._processes)

    @property
    def capacity(self) -> int:
        """One running and one waiting task for each process."""
        return 2 * len(self._processes)

    @property
    def worker_pids(self) -> list[int]:
        """Ids of the running processes."""
        return [process.pid for process in self._processes if process.pid is not None]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        for process in self._processes:
            self._tasks.put(None)
            process.stop()
        for thread in self._threads:
            thread.join(timeout=5)

    def submit(self, task: CampaignTask) -> None:
        """Accept a task."""
        self._tasks.put(task)

    def finished(self, timeout_s: float) -> list[TaskOutcome]:
        """Available outcomes; waits up to ``timeout_s`` seconds for the first."""
        try:
            outcomes = [self._outcomes.get(timeout=timeout_s)]
        except queue.Empty:
            return []
        while True:
            try:
                outcomes.append(self._outcomes.get_nowait())
            except queue.Empty:
                return outcomes

    def _serve(self, process: TaskProcess) -> None:
        for number in itertools.count(1):
            task = self._tasks.get()
            if task is None or self._stopping.is_set():
                return
            outcome = self._outcome(process, task)
            if self._stopping.is_set():
                return
            self._outcomes.put(outcome)
            if number % MAX_TASKS_PER_PROCESS == 0:
                process.stop()

    def _outcome(self, process: TaskProcess, task: CampaignTask) -> TaskOutcome:
        begin = time.monotonic()
        for _ in range(MAX_ATTEMPTS):
            result = process.run(self._function, (task,), self._limit_s)
            if isinstance(result.value, TaskOutcome):
                return result.value
            if not result.died or self._stopping.is_set():
                break
        failure = result.failure or "it returned no outcome"
        failure_type = "time" if result.late else "died" if result.died else "internal"
        if result.died:
            failure = f"{failure}, twice"
        return TaskOutcome(
            task.key, f"{failure[0].upper()}{failure[1:]}.", failure_type, seconds=time.monotonic() - begin
        )
