"""Worker processes for computations that may hang, crash or run in parallel; they end with their parent."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from alphacrystal.runtime.worker_process import WorkerProcess

_START_LIMIT_S = 300.0

#: Limit of wall time for a task with a limit of processor time: a multiple of that limit, with a minimum. It
#: ends tasks that wait without computing.
_WALL_TIME_FACTOR = 10
_MIN_WALL_TIME_S = 300.0


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The outcome of one task.

    Attributes:
        value: Result of the function, None after a failure.
        failure: None, or the reason of the failure as a clause.
        died: Whether the process died before the limit; the task or the machine may be the cause.
        late: Whether the time limit ended it.
    """

    value: Any = None
    failure: str | None = None
    died: bool = False
    late: bool = False


class TaskProcess:
    """One worker process, started for its first task and again after it ended.

    Args:
        preload: Modules that it imports before its first task, so that no time limit counts that.
        environment: Variables of the process; those of this process, with its import path, if None.
        folder: Current folder of the process; that of this process if None.
    """

    def __init__(
        self,
        preload: Sequence[str] = (),
        *,
        environment: Mapping[str, str] | None = None,
        folder: str | None = None,
    ) -> None:
        self._preload = tuple(preload)
        self._environment = environment
        self._folder = folder
        self._process: WorkerProcess | None = None

    @property
    def pid(self) -> int | None:
        """Id of the running process, None before the first task and after an end."""
        process = self._process
        return None if process is None else process.pid

    def run(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        limit_s: float | None,
        *,
        processor_limit_s: float | None = None,
    ) -> TaskResult:
        """``function(*arguments)`` in the process; the function must be one of a module.

        Args:
            function: Pickled by its name, so that the process finds it.
            arguments: Pickled.
            limit_s: Wall seconds after which the process is killed; None for no limit.
            processor_limit_s: Processor seconds after which the process is killed, independent of the load of
                the machine. Ten times as much wall time, at least 300 s, is a second limit, for a task that
                hangs without computing.
        """
        if self._process is None and not self._start():
            return TaskResult(failure="the process that computes it does not start", died=True)
        if processor_limit_s is not None:
            wall_limit_s = max(_MIN_WALL_TIME_S, _WALL_TIME_FACTOR * processor_limit_s)
            limit_s = wall_limit_s if limit_s is None else min(limit_s, wall_limit_s)
        answer, late = self._exchange((function, arguments, processor_limit_s), limit_s)
        if answer is None:
            if self.stop() == -signal.SIGPROF:
                failure = f"it took more than {processor_limit_s:g} s of processor time"
                return TaskResult(failure=failure, late=True)
            if late:
                return TaskResult(failure=f"it took more than {limit_s:g} s", late=True)
            return TaskResult(failure="the process that computed it died", died=True)
        status, value = answer
        return TaskResult(failure=str(value)) if status == "failure" else TaskResult(value=value)

    def _start(self) -> bool:
        self._process = WorkerProcess(self._preload, environment=self._environment, folder=self._folder)
        if self._exchange(None, _START_LIMIT_S)[0] is None:
            self.stop()
            return False
        return True

    def _exchange(
        self, call: tuple[Callable[..., Any], tuple[Any, ...], float | None] | None, limit_s: float | None
    ) -> tuple[tuple[str, Any] | None, bool]:
        """The answer (None if the process ended), and whether the limit ended it."""
        process = cast(WorkerProcess, self._process)
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(min(limit_s, threading.TIMEOUT_MAX), end) if limit_s is not None else None
        if timer is not None:
            timer.start()
        try:
            if call is not None:
                with contextlib.suppress(OSError, ValueError):  # a dead process has no answer
                    process.send(*call)
            answer = process.receive()
            return answer, answer is None and late.is_set()
        finally:
            if timer is not None:
                timer.cancel()

    def stop(self) -> int | None:
        """Kill the process and return its exit code, None if none ran; the next task starts another."""
        process, self._process = self._process, None
        if process is None:
            return None
        code = process.stop()
        process.close()
        return code
