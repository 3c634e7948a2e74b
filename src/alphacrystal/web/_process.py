"""A process that outlives the server which started it, and can be recognized by the next one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import alphacrystal

#: Environment variable of the server's token, which jobs do not receive.
TOKEN_VARIABLE = "ALPHACRYSTAL_SERVE_TOKEN"  # noqa: S105 - the name, not the token
#: Current folder of the processes: only the administrator can put a file there (matplotlibrc, sitecustomize).
NEUTRAL_FOLDER = "/"
#: Variables that hold a path, which may be relative to the server's current folder.
_PATHS = ("ALPHACRYSTAL_MODELS",)
_NO_LINK = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PROCESSES = Path("/proc")


class JobProcess:
    """One run of the command line, in a separate session.

    The process holds a lock on a file from its first to its last moment, so a later server can detect whether
    it still runs, even if another process has its process number.
    """

    def __init__(self, pid: int, lock: Path, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self._lock = lock
        self._child = child

    @classmethod
    def start(cls, arguments: Sequence[str], *, log: Path, lock: Path) -> JobProcess:
        """Start a process whose standard error goes to ``log``, a new file.

        It runs in a neutral folder with an environment that names no folder of the server's.

        Raises:
            OSError: A file cannot be written or no process can be started.
        """
        with _new_file(log) as output, _lock_file(lock) as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            child = _spawn(arguments, output, held)
        return cls(child.pid, lock, child)

    @classmethod
    def find(cls, pid: int | None, lock: Path) -> JobProcess | None:
        """The process of an earlier server, None where it has ended or ``pid`` does not hold the lock."""
        if pid is None or not _is_held(lock) or not _group_holds(pid, lock):
            return None
        return cls(pid, lock)

    def ended(self) -> bool:
        """Whether the process has ended; its remaining workers are then killed."""
        if _is_held(self._lock):
            return False
        if self._child is not None and self._child.returncode is None:
            if not self._child_ended():  # its lock file was deleted
                return False
            # Over but not yet collected: its number and that of its group are not reused yet.
            self._signal_group(signal.SIGKILL)
            self._child.wait()
        return True

    @property
    def code(self) -> int | None:
        """Exit code, negative after a signal; None while it runs and for the child of an earlier server."""
        return None if self._child is None else self._child.returncode

    def interrupt(self) -> None:
        """Interrupt the process; it writes the finished part and ends."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process and its workers."""
        self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _child_ended(self) -> bool:
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self._lock.exists()
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True


def _spawn(arguments: Sequence[str], output: int, held: int) -> subprocess.Popen[bytes]:
    """Start a process with the file descriptors of its standard error and of its lock."""
    return subprocess.Popen(
        list(arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=output,
        start_new_session=True,
        pass_fds=(held,),
        cwd=NEUTRAL_FOLDER,
        env=job_environment(),
    )


def job_environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """``os.environ`` without the token and without import folders that depend on the current folder.

    ``PYTHONPATH`` keeps its absolute entries, save the current folder; an entry that is empty or relative
    means the current folder to Python.

    Args:
        variables: Used instead of ``os.environ``.
    """
    environment = dict(os.environ if variables is None else variables)
    environment.pop(TOKEN_VARIABLE, None)
    package = str(Path(alphacrystal.__file__).resolve().parents[1])
    entries = [
        entry
        for entry in environment.pop("PYTHONPATH", "").split(os.pathsep)
        if Path(entry).is_absolute() and (str(Path(entry).resolve()) == package or not _is_current(entry))
    ]
    if package not in entries and not Path(package).is_relative_to(sys.prefix):
        entries.append(package)
    if entries:
        environment["PYTHONPATH"] = os.pathsep.join(entries)
    environment["PYTHONSAFEPATH"] = "1"
    for name in _PATHS:
        if environment.get(name):
            environment[name] = str(Path(environment[name]).absolute())
    return environment


def _is_current(folder: str) -> bool:
    try:
        return Path(folder).samefile(".")
    except OSError:  # one of them does not exist
        return False


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[int]:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _lock_file(path: Path, *, create: bool = True) -> Iterator[int]:
    flags = os.O_RDWR | os.O_CREAT if create else os.O_RDONLY
    descriptor = os.open(path, flags | _NO_LINK, 0o666)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path.name} is not a regular file")
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on a file, which is created if it is missing.

    Raises:
        BlockingIOError: Another process holds it.
        OSError: It is a link or no regular file, or cannot be opened.
    """
    with _lock_file(path) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _is_held(lock: Path) -> bool:
    try:
        with _lock_file(lock, create=False) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # missing, a link, no regular file
        return False
    return False


def _group_holds(pid: int, lock: Path) -> bool:
    """Whether a process of the group ``pid`` has the lock file open; taken for granted without /proc."""
    if not _PROCESSES.is_dir():
        return True
    lock_state = lock.lstat()
    for process in _PROCESSES.iterdir():
        if not process.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            if os.getpgid(int(process.name)) != pid:
                continue
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if os.path.samestat(descriptor.stat(), lock_state):
                        return True
    return False
