"""Small computations on processes of their own, each with a time limit.

Matching and superposing are combinatorial: one cell in thousands takes hours. Such a task ends with its
process, and the others go on.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Any, cast

#: Seconds per task; a usual pair takes some hundredths of a second.
TIME_LIMIT_S = 60.0

_START_LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What became of one task.

    Attributes:
        value: What the function returned, None where it did not.
        failure: None, or a clause: why there is no value.
    """

    value: Any = None
    failure: str | None = None


class _Process:
    """One worker process, started when it is needed and again after it was killed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, function: Callable[..., Any], arguments: tuple[Any, ...], limit_s: float) -> TaskResult:
        if self._process is None and not self._start():
            return TaskResult(failure="the process that computes it does not start")
        answer, late = self._exchange((function, arguments), limit_s)
        if answer is None:
            self.stop()
            return TaskResult(
                failure=f"it took more than {limit_s:g} s" if late else "the process that computed it died"
            )
        worked, value = answer
        return TaskResult(value=value) if worked else TaskResult(failure=str(value))

    def _start(self) -> bool:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "alphacrystal.evaluate._worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
            # Its own session: Ctrl-C in the terminal reaches the parent only, which then stops the workers.
            start_new_session=True,
        )
        if self._exchange(None, _START_LIMIT_S)[0] is None:
            self.stop()
            return False
        return True

    def _exchange(self, message: object, limit_s: float) -> tuple[tuple[bool, Any] | None, bool]:
        """The answer (None if the process ended), and whether the limit ended it."""
        process = cast("subprocess.Popen[bytes]", self._process)
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(limit_s, end)
        timer.start()
        try:
            if message is not None:
                stream = cast(IO[bytes], process.stdin)
                pickle.dump(message, stream)
                stream.flush()
            return pickle.load(cast(IO[bytes], process.stdout)), False  # noqa: S301 - our own worker
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            return None, late.is_set()
        finally:
            timer.cancel()

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                cast(IO[bytes], stream).close()


class _Idle:
    """Processes that wait for more tasks; starting one takes as long as a hundred tasks."""

    def __init__(self) -> None:
        self._processes: list[_Process] = []
        self._lock = threading.Lock()
        atexit.register(self.stop)

    def take(self, count: int) -> list[_Process]:
        with self._lock:
            taken, self._processes = self._processes[:count], self._processes[count:]
        return taken + [_Process() for _ in range(count - len(taken))]

    def keep(self, processes: list[_Process]) -> None:
        with self._lock:
            self._processes += processes

    def stop(self) -> None:
        with self._lock:
            for process in self._processes:
                process.stop()
            self._processes = []


_IDLE = _Idle()


def run_tasks(
    function: Callable[..., Any],
    tasks: Iterable[tuple[Any, ...]],
    *,
    workers: int = 1,
    time_limit_s: float = TIME_LIMIT_S,
    on_done: Callable[[int, int], None] | None = None,
) -> list[TaskResult]:
    """Results of ``function(*task)`` in the order of the tasks, each on one of ``workers`` processes.

    Args:
        function: A function of a module, so that another process finds it.
        time_limit_s: Wall seconds per task; a task beyond it has a failure instead of a value.
        on_done: Told the number of tasks done and of all, after each.

    KeyboardInterrupt stops the processes and is raised again. Otherwise they wait for the next call and end
    with this program.
    """
    todo: Sequence[tuple[Any, ...]] = list(tasks)
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, TaskResult]] = queue.SimpleQueue()
    for index in range(len(todo)):
        waiting.put(index)
    stopping = threading.Event()
    processes = _IDLE.take(min(max(1, workers), len(todo)))

    def serve(process: _Process) -> None:
        while not stopping.is_set():
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            done.put((index, process.run(function, todo[index], time_limit_s)))

    threads = [threading.Thread(target=serve, args=(process,), daemon=True) for process in processes]
    results = [TaskResult()] * len(todo)
    try:
        for thread in threads:
            thread.start()
        for count in range(len(todo)):
            index, result = done.get()
            results[index] = result
            if on_done is not None:
                on_done(count + 1, len(todo))
    except BaseException:
        stopping.set()
        for process in processes:
            process.stop()
        raise
    finally:
        for thread in threads:
            thread.join(timeout=5)
    _IDLE.keep(processes)
    return results
