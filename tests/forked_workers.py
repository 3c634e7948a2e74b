"""Worker processes of tests, and jobs of the server, as forks of a process that has imported the package.

A worker process of the package is a new Python, which imports for seconds. In tests it is a fork instead:
`fork_workers` runs in a process of one thread and forks a worker for each request, `ForkedWorkers` takes the
place of the function that starts a worker. What a new Python does is the matter of `tests/runtime`. The
server starts its jobs in the same way (`ForkedWorkers.start_job`).
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

BUFFER = 1 << 16  # bytes
DESCRIPTORS = 8  # at most, of one request
THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def read_request(requests: socket.socket) -> tuple[Any, list[int]]:
    """The next request and its descriptors; None where the other end is closed."""
    message, descriptors, _, _ = socket.recv_fds(requests, BUFFER, DESCRIPTORS)
    while message and not message.endswith(b"\n"):
        message += requests.recv(BUFFER) or b"null\n"  # the other end closed in the middle of a request
    return (json.loads(message) if message else None), descriptors


def fork_workers(requests: socket.socket) -> None:
    """Fork a worker for each request, until the other end of the socket is closed."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to collect the supervisors
    while True:
        request, descriptors = read_request(requests)
        if request is None:
            return
        if os.fork() == 0:
            requests.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            supervise(request, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def supervise(request: Mapping[str, Any], status: int, *descriptors: int) -> None:
    """Fork the worker or job, and report its process id and its exit status."""
    pid = os.fork()
    if pid == 0:
        try:
            os.close(status)
            become = become_a_job if request["job"] else become_a_worker
            become(request, *descriptors)
        finally:
            os._exit(1)
    for descriptor in descriptors:
        os.close(descriptor)
    os.write(status, f"{pid}\n".encode())
    _, code = os.waitpid(pid, 0)
    os.write(status, f"{os.waitstatus_to_exitcode(code)}\n".encode())
    os._exit(0)


def become_a_worker(request: Mapping[str, Any], stdin: int, stdout: int, *passed: int) -> None:
    from alphacrystal.runtime.worker_main import main

    take_over(request, stdin, stdout, os.open(os.devnull, os.O_WRONLY))
    sys.path[:] = request["path"]
    # The descriptors have other numbers here than where the arguments were written.
    numbers = {str(theirs): str(ours) for theirs, ours in zip(request["passed"], passed, strict=True)}
    sys.argv[1:] = [numbers.get(word, word) for word in request["arguments"]]
    main()
    os._exit(0)


def become_a_job(request: Mapping[str, Any], stderr: int, lock: int) -> None:
    """Run the command line; the lock stays open until the process ends."""
    from alphacrystal.cli import main
    from alphacrystal.runtime import worker_process

    nowhere = [os.open(os.devnull, flag) for flag in (os.O_RDONLY, os.O_WRONLY)]
    take_over(request, *nowhere, stderr)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        os.close(lock)
        fork_workers(theirs)
        os._exit(0)
    theirs.close()
    worker_process._spawn = ForkedWorkers(ours)  # type: ignore[assignment]
    sys.path[:0] = request["path"]
    sys.argv[1:] = request["arguments"]
    try:
        main()
    except SystemExit as stop:
        sys.stderr.flush()
        os._exit(int(stop.code or 0))


def take_over(request: Mapping[str, Any], *standard: int) -> None:
    """Begin a session with these standard descriptors, and the environment and folder of a request."""
    os.setsid()
    for target, descriptor in enumerate(standard):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])


class ForkedWorkers:
    """Starts workers by way of `fork_workers`; called in the place of the package's function.

    Args:
        requests: The other end of its socket.
    """

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._lock = threading.Lock()

    def close(self) -> None:
        """End the process that forks the workers."""
        self._requests.close()

    def __call__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None,
        folder: str | None,
        *,
        stdin: int,
        stdout: int,
        pass_fds: Sequence[int] = (),
    ) -> "ForkedWorker":
        variables = dict(os.environ if environment is None else environment) | THREADS
        paths = [path for path in sys.path if path]
        if environment is not None:
            paths = [*filter(None, variables.get("PYTHONPATH", "").split(os.pathsep)), *paths]
        worker = ForkedWorker()
        worker.stdin, theirs_in = worker.pipe_to(stdin)
        worker.stdout, theirs_out = worker.pipe_from(stdout)
        request = {
            "arguments": list(arguments),
            "environment": variables,
            "folder": folder or os.getcwd(),  # noqa: PTH109 - as the package's function
            "path": paths,
            "passed": list(pass_fds),
            "job": False,
        }
        self._begin(worker, request, theirs_in, theirs_out, *pass_fds)
        for descriptor in (theirs_in, theirs_out):
            os.close(descriptor)
        return worker

    def start_job(self, arguments: Sequence[str], output: int, held: int) -> "ForkedWorker":
        """Start a command; called in the place of the function that starts a job of the server.

        Args:
            arguments: `python -P -c PROGRAM` and the arguments of the command line.
            output: File descriptor of its standard error.
            held: File descriptor of the locked file, which the job keeps open.
        """
        from alphacrystal.web._process import NEUTRAL_FOLDER, job_environment

        job = ForkedWorker()
        environment = job_environment()
        request = {
            "arguments": list(arguments[4:]),
            "environment": environment,
            "folder": NEUTRAL_FOLDER,
            "path": [*filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))],
            "job": True,
        }
        self._begin(job, request, output, held)
        return job

    def _begin(self, worker: "ForkedWorker", request: Mapping[str, Any], *descriptors: int) -> None:
        read_status, status = os.pipe()
        with self._lock:
            message = json.dumps(request).encode() + b"\n"
            socket.send_fds(self._requests, [message], [status, *descriptors])
        os.close(status)
        worker.begin(read_status)


class ForkedWorker:
    """A worker or job, with the methods of `subprocess.Popen` that the package uses."""

    @staticmethod
    def pipe_to(stdin: int) -> tuple[Any, int]:
        if stdin == subprocess.DEVNULL:
            return None, os.open(os.devnull, os.O_RDONLY)
        read, write = os.pipe()
        return os.fdopen(write, "wb"), read

    @staticmethod
    def pipe_from(stdout: int) -> tuple[Any, int]:
        if stdout == subprocess.DEVNULL:
            return None, os.open(os.devnull, os.O_WRONLY)
        read, write = os.pipe()
        return os.fdopen(read, "rb"), write

    def begin(self, status: int) -> None:
        self._status = os.fdopen(status)
        self._lock = threading.Lock()
        self.returncode: int | None = None
        self.pid = int(self._status.readline())

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self) -> int:
        with self._lock:
            if self.returncode is None:
                self.returncode = int(self._status.readline() or -signal.SIGKILL)
                self._status.close()
        return self.returncode

    def kill(self) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
