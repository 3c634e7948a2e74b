"""Computations that may hang, in a few processes that are killed at their time limit."""

from __future__ import annotations

import asyncio
import hashlib
import pickle
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock
from typing import Any

from alphacrystal.errors import InputError
from alphacrystal.task_process import TaskProcess, TaskResult
from alphacrystal.web._environment import NEUTRAL_FOLDER, job_environment
from alphacrystal.web._refusals import LateError, OverloadedError

MAX_KNOWN = 200  # values kept in memory


class ComputePool:
    """Processes that compute one task each at a time, with a bounded number of tasks that wait.

    No thread of the server waits for a task, so a hanging one does not slow other requests down.

    Args:
        name: What is computed, for the sentences of refusals.
        processes: Tasks computed side by side; each process starts with its first task.
        waiting: Tasks that may wait; more are refused at once.
        limit_s: Wall seconds of a task, after which its process is killed.
        preload: Modules that a process imports before its first task.
    """

    def __init__(
        self, name: str, *, processes: int, waiting: int, limit_s: float, preload: Sequence[str]
    ) -> None:
        self._name = name
        self._places = processes + waiting
        self._limit_s = limit_s
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="alphacrystal-compute")
        self._all = [
            TaskProcess(preload, environment=job_environment(), folder=NEUTRAL_FOLDER)
            for _ in range(processes)
        ]
        self._free: SimpleQueue[TaskProcess] = SimpleQueue()
        for process in self._all:
            self._free.put(process)
        self._taken = 0
        self._known: OrderedDict[bytes, Any] = OrderedDict()
        self._lock = Lock()
        self._closed = False

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """``function(*arguments)`` in one of the processes; both must be picklable.

        The same call is answered from memory: nothing but its arguments may decide on its value.

        Raises:
            OverloadedError: Too many tasks wait already.
            LateError: The task was stopped at its time limit.
            InputError: The function raised an error or its process died.
        """
        key = hashlib.sha256(pickle.dumps((function, arguments))).digest()
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
            if self._closed or self._taken >= self._places:
                raise OverloadedError(f"The server is busy with {self._name}: try again in a minute.")
            self._taken += 1
        try:
            future: Future[TaskResult] = self._threads.submit(self._compute, function, arguments)
        except RuntimeError as error:  # the pool closes
            self._give_back()
            raise OverloadedError("The server is ending: try again when it is back.") from error
        future.add_done_callback(lambda _: self._give_back())
        result = await asyncio.wrap_future(future)
        if result.late:
            raise LateError(f"The limit of {self._limit_s:g} s for {self._name} was reached: it was stopped.")
        if result.failure is not None:
            raise InputError(_sentence(self._name, result.failure))
        with self._lock:
            self._known[key] = result.value
            while len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        return result.value

    def close(self) -> None:
        """Kill the processes and drop the tasks that wait."""
        self._closed = True
        for process in self._all:
            process.stop()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for process in self._all:
            process.stop()

    def _compute(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> TaskResult:
        if self._closed:
            return TaskResult(failure="the server is ending")
        process = self._free.get()
        try:
            return process.run(function, arguments, self._limit_s)
        finally:
            self._free.put(process)

    def _give_back(self) -> None:
        with self._lock:
            self._taken -= 1


def _sentence(name: str, failure: str) -> str:
    """One sentence: that of an InputError, or what stopped the computation."""
    first = failure.splitlines()[0][:1000] if failure else "it failed"
    if first.startswith("InputError: "):
        return first.removeprefix("InputError: ")
    return f"The server cannot finish {name} ({first})."
