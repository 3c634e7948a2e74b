"""A process that runs one task after the other; its parent kills it when a task exceeds its time limit.

Messages on standard input are pickled (function, arguments, limit), those on standard output (worked,
result): the result, or the sentence of the error. The kernel ends the process with SIGPROF when a task uses
more processor time (s) than its limit. Arguments on the command line are modules to import first.
"""

from __future__ import annotations

import importlib
import os
import pickle
import queue
import signal
import sys
import threading
from typing import Any

#: Sent when everything is imported, so that the time limit of a task does not count that.
READY = "ready"

#: Maximum of the kernel's timer.
MAX_TIMER_S = 1e8


def main() -> None:
    """Run until the parent closes the pipe, dies, or kills this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    # The pipe is for results only: the output of libraries goes to standard error.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for name in sys.argv[1:]:
        importlib.import_module(name)
    tasks: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
    pickle.dump((True, READY), out)
    out.flush()
    while True:
        function, arguments, limit_s = tasks.get()
        if limit_s is not None:
            signal.setitimer(signal.ITIMER_PROF, min(limit_s, MAX_TIMER_S))
        try:
            answer: tuple[bool, Any] = (True, function(*arguments))
        except Exception as error:  # noqa: BLE001 - sent to the parent, which decides
            answer = (False, f"{type(error).__name__}: {error}")
        if limit_s is not None:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
        pickle.dump(answer, out)
        out.flush()


def _listen(tasks: queue.SimpleQueue[tuple[Any, ...]]) -> None:
    """Queue the tasks of the pipe; end the process when the parent has ended and the pipe is closed."""
    while True:
        try:
            tasks.put(pickle.load(sys.stdin.buffer))  # noqa: S301 - written by the parent
        except BaseException:  # noqa: BLE001 - any error means a broken pipe
            os._exit(0)


if __name__ == "__main__":
    main()
