"""Worker processes for computations that may hang, crash or run side by side; they end with their parent.

Workers are plain subprocesses that exchange pickled messages with this process over two pipes. Unlike
multiprocessing's spawn method this never imports the caller's main module again, so it works from scripts
without a main guard and from notebooks.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, Protocol

from alphacrystal.runtime.worker_main import END, FORK, PROGRAM, REPLY, REQUEST


class _Process(Protocol):
    """A running process, spawned or forked by a template."""

    @property
    def pid(self) -> int | None: ...

    def kill(self) -> None: ...

    def wait(self) -> int: ...


class WorkerProcess:
    """A process that calls functions, one after the other.

    Args:
        preload: Modules that it imports before its first call, so that no time limit counts that.
        environment: Variables of the process; those of this process, with its import path, if None.
        folder: Current folder of the process; that of this process if None.
        template: Forks the process, which then has the modules, variables and folder of the template.

    Raises:
        OSError: The process cannot be started.
    """

    def __init__(
        self,
        preload: Sequence[str] = (),
        *,
        environment: Mapping[str, str] | None = None,
        folder: str | None = None,
        template: WorkerTemplate | None = None,
    ) -> None:
        self._process: _Process
        if template is not None:
            self._process, self._calls, self._answers = template.fork()
            return
        process = _spawn(
            ["serve", "0", "1", *preload],
            environment,
            folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._calls, self._answers = process, process.stdin, process.stdout

    @property
    def pid(self) -> int | None:
        """Process id; None where a template ended before it forked the process."""
        return self._process.pid

    @property
    def started(self) -> bool:
        """False while a template has not forked the process."""
        return not isinstance(self._process, _Forked) or self._process.started

    def send(self, function: Callable[..., Any], arguments: tuple[Any, ...], limit_s: float | None) -> None:
        """Let the process call a function of a module.

        Args:
            function: Pickled by its name.
            arguments: Pickled.
            limit_s: Processor seconds after which the kernel ends the process; None for no limit.

        Raises:
            OSError, ValueError: The process has ended.
        """
        pickle.dump((function, arguments, limit_s), self._calls)
        self._calls.flush()

    def receive(self) -> tuple[str, Any] | None:
        """The next answer ("ready", "part", "value" or "failure", with its value), None after the end."""
        try:
            answer: tuple[str, Any] = pickle.load(self._answers)  # noqa: S301 - written by our own worker
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            return None
        return answer

    def kill(self) -> None:
        """Kill the process; `receive` then returns None."""
        self._process.kill()

    def stop(self) -> int:
        """Kill the process and reap it; returns how it ended, as ``subprocess`` does."""
        self._process.kill()
        return self._process.wait()

    def close(self) -> None:
        """Close the pipes; after `stop`, when no thread reads them."""
        for stream in (self._calls, self._answers):
            with contextlib.suppress(OSError):
                stream.close()


class WorkerTemplate:
    """A process that imports the modules of several workers once and forks them; it returns at once.

    Args:
        preload: Modules that it imports.

    Raises:
        OSError: The process cannot be started.
    """

    def __init__(self, preload: Sequence[str]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self._process = _spawn(
                ["template", str(theirs.fileno()), *preload],
                None,
                None,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        self._waiting: list[_Forked] = []

    @property
    def alive(self) -> bool:
        """False after the end of the process."""
        return self._process.poll() is None

    def fork(self) -> tuple[_Forked, IO[bytes], IO[bytes]]:
        """A new worker and its pipes; it never starts if the template has ended."""
        read_calls, write_calls = os.pipe()
        read_answers, write_answers = os.pipe()
        streams = os.fdopen(write_calls, "wb"), os.fdopen(read_answers, "rb")
        with contextlib.suppress(OSError):
            socket.send_fds(self._socket, [REQUEST.pack(FORK, 0)], [read_calls, write_answers])
        os.close(read_calls)
        os.close(write_answers)
        worker = _Forked(self)
        self._waiting.append(worker)
        return worker, *streams

    def end(self, pid: int) -> int:
        """Kill a worker; returns how it ended."""
        self.read_pids(wait=True)
        try:
            self._socket.sendall(REQUEST.pack(END, pid))
            reply = self._socket.recv(REPLY.size, socket.MSG_WAITALL)
        except OSError:
            reply = b""
        return REPLY.unpack(reply)[0] if len(reply) == REPLY.size else -signal.SIGKILL

    def read_pids(self, *, wait: bool) -> None:
        """Give the workers that have been forked their process ids."""
        while self._waiting:
            flags = socket.MSG_WAITALL if wait else socket.MSG_DONTWAIT
            try:
                reply = self._socket.recv(REPLY.size, flags)
            except BlockingIOError:
                return
            except OSError:
                reply = b""
            if len(reply) < REPLY.size:  # the template has ended, and its workers with it
                self._waiting.clear()
                return
            self._waiting.pop(0).forked_as(REPLY.unpack(reply)[0])

    def stop(self) -> None:
        """Kill the template; workers that it has forked end, too, but are not waited for."""
        self._process.kill()
        self._process.wait()
        self._waiting.clear()
        self._socket.close()


class _Forked:
    """A worker that a template forks."""

    def __init__(self, template: WorkerTemplate) -> None:
        self._template = template
        self._pid: int | None = None
        self._ended_as: int | None = None

    def forked_as(self, pid: int) -> None:
        self._pid = pid

    @property
    def started(self) -> bool:
        self._template.read_pids(wait=False)
        return self._pid is not None

    @property
    def pid(self) -> int | None:
        if self._pid is None:
            self._template.read_pids(wait=True)
        return self._pid

    def kill(self) -> None:
        if self._ended_as is None and self.pid is not None and self._template.alive:
            os.kill(self.pid, signal.SIGKILL)  # a process until `wait`, if only a defunct one

    def wait(self) -> int:
        if self._ended_as is None:
            self._ended_as = -signal.SIGKILL if self.pid is None else self._template.end(self.pid)
        return self._ended_as


def _spawn(
    arguments: Sequence[str], environment: Mapping[str, str] | None, folder: str | None, **options: Any
) -> subprocess.Popen[bytes]:
    variables = dict(os.environ if environment is None else environment)
    variables |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    if environment is None:
        # The child finds the same packages as this process, however they got onto its path.
        variables["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-P", "-c", PROGRAM, *arguments],
        # Errors come back as messages; native libraries write on stderr.
        stderr=subprocess.DEVNULL,
        env=variables,
        cwd=folder,
        # Its own session: Ctrl-C in the terminal reaches the parent only, which then stops the workers.
        start_new_session=True,
        **options,
    )
