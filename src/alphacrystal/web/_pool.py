"""Computations that may hang, in a few processes that are killed at their time limit."""

from __future__ import annotations

import asyncio
import hashlib
import pickle
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock
from typing import Any

from alphacrystal.errors import InputError, OverloadedError, TimeLimitError
from alphacrystal.runtime.task_process import TaskProcess, TaskResult
from alphacrystal.web._process import NEUTRAL_FOLDER, job_environment

MAX_CACHED = 200  # results kept in memory
ENDING = "The server is ending: try again when it is back."
FAILURE_MEMORY_S = 60.0  # a failure is answered from memory for so long, then the task may run again


@dataclass(frozen=True, slots=True)
class _Finished:
    """The result of a task and the time (monotonic, s) of its end."""

    result: TaskResult
    ended: float


class ComputePool:
    """Processes that compute one task each at a time, with a bounded number of tasks that wait.

    No thread of the server waits for a task, so a hanging one does not slow other requests down. Equal calls
    share one task, which continues when its callers stop waiting.

    Args:
        name: Name of the computation, for the sentences of refusals.
        processes: Tasks computed side by side; each process starts with its first task.
        waiting: Tasks that may wait; more are refused at once.
        limit_s: Wall seconds of a task, after which its process is killed.
        preload: Modules that a process imports before its first task.
        failure_memory_s: Seconds for which a failure is cached.
    """

    def __init__(
        self,
        name: str,
        *,
        processes: int,
        waiting: int,
        limit_s: float,
        preload: Sequence[str],
        failure_memory_s: float = FAILURE_MEMORY_S,
    ) -> None:
        self._name = name
        self._places = processes + waiting
        self._limit_s = limit_s
        self._failure_memory_s = failure_memory_s
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="alphacrystal-compute")
        self._all = [
            TaskProcess(preload, environment=job_environment(), folder=NEUTRAL_FOLDER)
            for _ in range(processes)
        ]
        self._free: SimpleQueue[TaskProcess] = SimpleQueue()
        for process in self._all:
            self._free.put(process)
        self._unfinished: dict[bytes, Future[TaskResult]] = {}
        self._finished: OrderedDict[bytes, _Finished] = OrderedDict()
        self._lock = Lock()
        self._closed = False

    async def run(self, function: Callable[..., Any], *arguments: Any, wait_s: float | None = None) -> Any:
        """``function(*arguments)`` in one of the processes; both must be picklable.

        The same call is answered from memory: nothing but its arguments may decide on its value.

        Args:
            function: A function of a module.
            arguments: Its arguments.
            wait_s: Seconds to wait for the value; None waits for the end of the task.

        Raises:
            TimeoutError: There is no value after ``wait_s``; the task continues, for a later call.
            OverloadedError: Too many tasks wait already.
            TimeLimitError: The task was stopped at its time limit.
            InputError: The function raised an error or its process died.
        """
        key = hashlib.sha256(pickle.dumps((function, arguments))).digest()
        with self._lock:
            result = self._cached(key)
            if result is None:
                future = self._unfinished.get(key) or self._submit(key, function, arguments)
        if result is None:
            waiter = asyncio.wrap_future(future)
            # Unlike wait_for, this does not cancel the task, which other callers share.
            await asyncio.wait([waiter], timeout=wait_s)
            if not waiter.done():
                raise TimeoutError
            if waiter.cancelled():
                raise OverloadedError(ENDING)
            result = waiter.result()
        if result.late:
            raise TimeLimitError(
                f"The limit of {self._limit_s:g} s for {self._name} was reached: it was stopped."
            )
        if result.failure is not None:
            raise InputError(_sentence(self._name, result.failure))
        return result.value

    def close(self) -> None:
        """Kill the processes and drop the tasks that wait."""
        self._closed = True
        for process in self._all:
            process.stop()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for process in self._all:
            process.stop()

    def _cached(self, key: bytes) -> TaskResult | None:
        finished = self._finished.get(key)
        if finished is None:
            return None
        failed = finished.result.failure is not None
        if failed and time.monotonic() - finished.ended >= self._failure_memory_s:
            del self._finished[key]
            return None
        self._finished.move_to_end(key)
        return finished.result

    def _submit(
        self, key: bytes, function: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> Future[TaskResult]:
        if not self._closed and len(self._unfinished) >= self._places:
            raise OverloadedError(f"The server is busy with {self._name}: try again in a minute.")
        try:
            future = self._threads.submit(self._compute, key, function, arguments)
        except RuntimeError as error:  # the pool is closed
            raise OverloadedError(ENDING) from error
        self._unfinished[key] = future
        return future

    def _compute(self, key: bytes, function: Callable[..., Any], arguments: tuple[Any, ...]) -> TaskResult:
        process = self._free.get()
        try:
            if self._closed:
                result = TaskResult(failure="the server is ending")
            else:
                result = process.run(function, arguments, self._limit_s)
        except OSError as error:
            result = TaskResult(failure=f"the process that computes it does not start: {error.strerror}")
        finally:
            self._free.put(process)
        with self._lock:
            del self._unfinished[key]
            self._finished[key] = _Finished(result, time.monotonic())
            while len(self._finished) > MAX_CACHED:
                self._finished.popitem(last=False)
        return result


def _sentence(name: str, failure: str) -> str:
    """One sentence: that of an InputError, or the error that stopped the computation."""
    first = failure.splitlines()[0][:1000] if failure else "it failed"
    if first.startswith("InputError: "):
        return first.removeprefix("InputError: ")
    return f"The server cannot finish {name} ({first})."
