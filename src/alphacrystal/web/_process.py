"""A process that outlives the server which started it, and can be found again by the next one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

#: Environment variable of the server's token; its jobs need not know it.
TOKEN_VARIABLE = "ALPHACRYSTAL_SERVE_TOKEN"  # noqa: S105 - the name, not the token


class JobProcess:
    """One run of the command line, in a session of its own.

    The process holds a lock on a file from its first to its last moment, so a later server can tell whether
    it still runs, whatever has become of its process number meanwhile.
    """

    def __init__(self, pid: int, lock: Path, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self._lock = lock
        self._child = child

    @classmethod
    def start(cls, arguments: Sequence[str], *, log: Path, lock: Path) -> JobProcess:
        """Start a process that writes what it says to ``log``, from its beginning.

        Raises:
            OSError: A file cannot be written or no process can be started.
        """
        with log.open("wb") as output, lock.open("wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            child = subprocess.Popen(
                list(arguments),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                start_new_session=True,
                pass_fds=(held.fileno(),),
                env={name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE},
            )
        return cls(child.pid, lock, child)

    @classmethod
    def find(cls, pid: int | None, lock: Path) -> JobProcess | None:
        """The process of an earlier server, None where it has ended."""
        return cls(pid, lock) if pid is not None and _is_held(lock) else None

    def ended(self) -> bool:
        """Whether it is over; what it may have left running is ended with it."""
        if _is_held(self._lock):
            return False
        if self._child is not None and self._child.returncode is None:
            # Over but not yet collected: its number is still its own, and so is its group's.
            self._signal_group(signal.SIGKILL)
            self._child.wait()
        return True

    @property
    def code(self) -> int | None:
        """Exit code, negative after a signal; None while it runs and for the child of an earlier server."""
        return None if self._child is None else self._child.returncode

    def interrupt(self) -> None:
        """Ask it to write what is finished and end."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it and its workers at once."""
        self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def _is_held(lock: Path) -> bool:
    try:
        with lock.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
