"""Small computations in separate processes, each with a time limit.

Matching and superposing are combinatorial: one cell in thousands takes hours. Such a task ends with its
process, and the others continue.
"""

from __future__ import annotations

import atexit
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from alphacrystal.runtime.task_process import TaskProcess, TaskResult
from alphacrystal.typing import StageProgress

#: Processor seconds per task; a usual pair takes some hundredths of a second.
TIME_LIMIT_S = 60.0

#: Imported before a process takes its first task.
_PRELOAD = ("pymatgen.analysis.structure_matcher", "pymatgen.symmetry.analyzer")


class _Idle:
    """Processes that wait for more tasks; starting one takes as long as a hundred tasks."""

    def __init__(self) -> None:
        self._processes: list[TaskProcess] = []
        self._lock = threading.Lock()
        atexit.register(self.stop)

    def take(self, count: int) -> list[TaskProcess]:
        with self._lock:
            taken, self._processes = self._processes[:count], self._processes[count:]
        return taken + [TaskProcess(_PRELOAD) for _ in range(count - len(taken))]

    def keep(self, processes: list[TaskProcess]) -> None:
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
    on_done: StageProgress | None = None,
) -> list[TaskResult]:
    """Results of ``function(*task)`` in the order of the tasks, each on one of ``workers`` processes.

    Args:
        function: A function of a module, so that another process finds it.
        time_limit_s: Processor seconds per task; a task beyond it has a failure instead of a value.
        on_done: Called after each task with the number of finished tasks and of all tasks.

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

    def serve(process: TaskProcess) -> None:
        while not stopping.is_set():
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            done.put((index, process.run(function, todo[index], None, processor_limit_s=time_limit_s)))

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
