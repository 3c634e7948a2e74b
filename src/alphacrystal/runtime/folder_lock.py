"""Locks that keep other processes out of an output folder."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from alphacrystal.errors import FolderInUseError, InputError

LOCK_FILE = ".lock"

_PID_READS, _PID_WAIT_S = 10, 0.02  # the holder writes its process id just after it has locked the file
_HOLDERS: dict[Path, int] = {}  # folders that this process has locked, and the thread that did it


@contextlib.contextmanager
def lock_folder(folder: Path, *, create: bool = False) -> Iterator[None]:
    """Keep other processes out of an output folder during a block.

    The lock is `flock` on the file ``.lock`` of the folder: the system releases it when the process ends,
    also after kill -9. The thread that holds it may lock the folder again. A file system without locks has no
    protection.

    Args:
        folder: The output folder.
        create: Create a folder that does not exist; if the block leaves it empty, it is removed again.

    Raises:
        FolderInUseError: Another process or thread holds the lock; nothing was written.
        InputError: The folder cannot be created or written.
    """
    place = folder.resolve()
    if _HOLDERS.get(place) == threading.get_ident():
        yield
        return
    created = create and _created(folder)
    try:
        with lock_file(folder / LOCK_FILE, folder=folder):
            _HOLDERS[place] = threading.get_ident()
            try:
                yield
            finally:
                del _HOLDERS[place]
    finally:
        if created:
            with contextlib.suppress(OSError):  # not empty: it holds a run
                folder.rmdir()


@contextlib.contextmanager
def lock_file(path: Path, *, folder: Path, wait: bool = False) -> Iterator[None]:
    """Hold the lock of a file during a block; the file is created, and removed at the end.

    Args:
        path: The lock file.
        folder: The folder that the lock protects, for the error message.
        wait: Wait for the process that holds it instead of raising an error.

    Raises:
        FolderInUseError: Another process or thread holds the lock.
        InputError: The lock file cannot be created, or is a link.
    """
    descriptor = _locked(path, folder, wait=wait)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            # Removed before the release, and only if `path` is still this file: `_locked` rejects a file
            # without a name.
            if _has_name(descriptor, path):
                path.unlink()
        os.close(descriptor)


def _created(folder: Path) -> bool:
    """Create a folder; returns whether it is new."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except OSError as error:
        # The methods of Path raise an error for names that are too long.
        if os.path.isdir(folder):  # noqa: PTH112
            return False
        if os.path.exists(folder):  # noqa: PTH110
            raise InputError(
                f"The output folder {folder} is a file; choose another folder with --out."
            ) from error
        raise InputError(_unwritable(folder, error)) from error
    return True


def _locked(path: Path, folder: Path, *, wait: bool) -> int:
    """Descriptor of the locked file.

    A process that opened the file before its holder removed it locks a file without a name: it tries again
    with the file that has the name now.
    """
    while True:
        descriptor = _opened(path, folder)
        try:
            if not _flock(descriptor, wait=wait):
                raise FolderInUseError(_in_use(descriptor, folder))
            if _has_name(descriptor, path):
                _write_pid(descriptor)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _opened(path: Path, folder: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if path.is_symlink():
            raise InputError(f"{path} is a link; remove it.") from error
        raise InputError(_unwritable(folder, error)) from error
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode) or state.st_nlink > 1:
        os.close(descriptor)
        raise InputError(f"{path} is a link or no regular file; remove it.")
    return descriptor


def _flock(descriptor: int, *, wait: bool) -> bool:
    """Lock a file; returns False where another process has locked it."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _has_name(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False


def _write_pid(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # a full disk: the lock holds without it
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def _in_use(descriptor: int, folder: Path) -> str:
    holder = "another process"
    for _ in range(_PID_READS):
        text = os.pread(descriptor, 32, 0).decode("ascii", errors="replace")
        if re.fullmatch(r"[1-9]\d{0,9}\n", text) and _is_running(int(text)):
            holder = f"process {int(text)}"
            break
        time.sleep(_PID_WAIT_S)
    return f"The folder {folder} is in use by {holder}: wait until it ends or choose another --out."


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _unwritable(folder: Path, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"The output folder {folder} cannot be written ({reason}); choose another folder with --out."
