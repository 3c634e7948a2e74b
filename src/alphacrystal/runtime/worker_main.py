"""The program of worker processes, and of the template that forks them.

A worker reads pickled calls (function, arguments, limit) and writes pickled answers: ("ready", None) once its
modules are imported, then for each call any number of ("part", value) and one ("value", value) or ("failure",
sentence). The kernel ends the process with SIGPROF where a call takes more processor time (s) than its limit.

A template imports the modules once. Each request on its socket brings the two pipes of a worker, which it
forks: the worker then starts in milliseconds.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import pickle
import queue
import signal
import socket
import struct
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

from alphacrystal.runtime.torch_setup import reduce_import_time

#: Longest time that the kernel's timer counts.
LONGEST_TIMER_S = 1e8

#: Run with the arguments of `main`. With ``-m``, functions that report would import a second module.
PROGRAM = "from alphacrystal.runtime.worker_main import main; main()"

#: Requests to a template: what to do, and the worker's process id.
REQUEST = struct.Struct("<cq")
FORK, END = b"f", b"e"

#: Answers of a template: the process id of a new worker, or how a worker ended (see ``subprocess``).
REPLY = struct.Struct("<q")

_PR_SET_PDEATHSIG = 1  # of Linux's prctl(2)

_answers: IO[bytes] | None = None


def main() -> None:
    """Run until the parent closes the pipe or socket, dies, or kills this process.

    Command line: "serve", file descriptors of calls and answers, and modules to import; or "template", the
    file descriptor of a socket, and modules to import.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    reduce_import_time()
    if sys.argv[1] == "template":
        _fork_workers(socket.socket(fileno=int(sys.argv[2])), sys.argv[3:])
    else:
        _serve(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])


def report(value: object) -> None:
    """Send a part of the answer; for functions that run in a worker."""
    _answer("part", value)


def _answer(status: str, value: object) -> None:
    assert _answers is not None, "this process is no worker"
    pickle.dump((status, value), _answers)
    _answers.flush()


def _serve(calls_fd: int, answers_fd: int, modules: Sequence[str]) -> None:
    global _answers  # noqa: PLW0603 - a process is one worker
    _answers = os.fdopen(os.dup(answers_fd), "wb")
    # Answers need the pipe for themselves: what a library prints goes where errors go.
    os.dup2(2, 1)
    for name in modules:
        importlib.import_module(name)
    calls: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    stream = os.fdopen(calls_fd, "rb")
    # After the imports: unpickling in the thread must not meet half of a module.
    threading.Thread(target=_listen, args=(stream, calls), daemon=True).start()
    _answer("ready", None)
    while True:
        function, arguments, limit_s = calls.get()
        if limit_s is not None:
            signal.setitimer(signal.ITIMER_PROF, min(limit_s, LONGEST_TIMER_S))
        try:
            status, value = "value", function(*arguments)
        except BrokenPipeError:
            os._exit(0)
        except Exception as error:  # noqa: BLE001 - the parent decides
            status, value = "failure", f"{type(error).__name__}: {error}"
        if limit_s is not None:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
        _answer(status, value)


def _listen(stream: IO[bytes], calls: queue.SimpleQueue[tuple[Any, ...]]) -> None:
    """Queue the received calls; if the pipe ends, the parent has ended, and the process ends too."""
    while True:
        try:
            calls.put(pickle.load(stream))  # noqa: S301 - written by our own parent
        except BaseException:  # noqa: BLE001 - the pipe is broken
            os._exit(0)


def _fork_workers(requests: socket.socket, modules: Sequence[str]) -> None:
    for name in modules:
        importlib.import_module(name)
    gc.freeze()  # the collector would touch, and so copy, the memory that workers share
    template = os.getpid()
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, REQUEST.size, 2)
        if len(message) < REQUEST.size:
            return
        action, pid = REQUEST.unpack(message)
        if action == FORK:
            pid = os.fork()
            if pid == 0:
                requests.close()
                _become_worker(template, descriptors, modules)
            for descriptor in descriptors:
                os.close(descriptor)
            requests.sendall(REPLY.pack(pid))
        else:
            os.kill(
                pid, signal.SIGKILL
            )  # does nothing to a worker that has ended: it has not been waited for
            _, status = os.waitpid(pid, 0)
            requests.sendall(REPLY.pack(os.waitstatus_to_exitcode(status)))


def _become_worker(template: int, descriptors: Sequence[int], modules: Sequence[str]) -> NoReturn:
    try:
        os.setsid()
        if _fork_is_safe(template):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == template:
                _serve(descriptors[0], descriptors[1], ())
        else:
            for descriptor in descriptors:
                os.set_inheritable(descriptor, True)
            arguments = ["serve", *map(str, descriptors), *modules]
            os.execv(sys.executable, [sys.executable, "-P", "-c", PROGRAM, *arguments])  # noqa: S606
    finally:
        os._exit(1)


def _fork_is_safe(template: int) -> bool:
    """Whether a fork needs no new program: on Linux, if no import has started threads.

    Threads of the template are absent in the worker, with the locks that they held. Libraries of macOS do not
    survive a fork.
    """
    return sys.platform == "linux" and len([*Path(f"/proc/{template}/task").iterdir()]) == 1
