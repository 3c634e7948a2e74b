"""Files below one folder, opened part by part so that no link is followed at any step.

A path that is checked first and opened later can be exchanged for a link in between. These functions open
each folder relative to the descriptor of its parent and refuse links, FIFOs, sockets and devices. Only the
root itself, which the user named, may be a link. Every refusal is an ``OSError``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Generic, TypeVar

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_LINK = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
#: What tells two states of a file apart: inode, size, time of its last change in ns.
Version = tuple[int, int, int]
Value = TypeVar("Value")


@contextlib.contextmanager
def open_folder(root: Path, *parts: str) -> Iterator[int]:
    """Descriptor of the folder at ``parts`` below ``root``.

    Raises:
        OSError: A part is missing, a link, or no folder.
    """
    descriptor = os.open(root, _FOLDER)
    try:
        for part in parts:
            inner = os.open(_single(part), _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def open_file(root: Path, *parts: str) -> BinaryIO:
    """Open the regular file at ``parts`` below ``root`` for reading.

    Raises:
        OSError: It is missing, unreadable, a link or no regular file, or a part is no folder.
    """
    with open_folder(root, *parts[:-1]) as folder:
        return open_in(folder, parts[-1])


def open_in(folder: int, name: str) -> BinaryIO:
    """Open a regular file of an open folder for reading.

    Raises:
        OSError: As ``open_file``.
    """
    name = _single(name)
    _check_regular(os.stat(name, dir_fd=folder, follow_symlinks=False), name)
    descriptor = os.open(name, os.O_RDONLY | _NO_LINK, dir_fd=folder)
    try:
        _check_regular(os.fstat(descriptor), name)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_file(root: Path, *parts: str, limit: int) -> bytes:
    """Content of a regular file of at most ``limit`` bytes.

    Raises:
        OSError: As ``open_file``; or the file is larger.
    """
    with open_file(root, *parts) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), parts[-1])
    return content


def stat_entry(root: Path, *parts: str) -> os.stat_result:
    """Facts of the entry at ``parts`` below ``root``; of a link, those of the link.

    Raises:
        OSError: It is missing, or a part above it is no folder.
    """
    with open_folder(root, *parts[:-1]) as folder:
        return os.stat(_single(parts[-1]), dir_fd=folder, follow_symlinks=False)


def is_regular(root: Path, *parts: str) -> bool:
    """Whether there is a regular file at ``parts`` below ``root``."""
    try:
        return stat.S_ISREG(stat_entry(root, *parts).st_mode)
    except OSError:
        return False


def write_file(root: Path, *parts: str, content: bytes) -> None:
    """Replace a file as a whole; a link of this name is replaced, and its target is left alone.

    Raises:
        OSError: The file cannot be written; the old content stays.
    """
    name = _single(parts[-1])
    unfinished = f".{name}.tmp"
    with open_folder(root, *parts[:-1]) as folder:
        remove_entry(folder, unfinished)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK
        descriptor = os.open(unfinished, flags, 0o666, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                remove_entry(folder, unfinished)
            raise


def make_folders(root: Path, *parts: str) -> None:
    """Create the folder at ``parts`` below ``root``, and those above it.

    Raises:
        OSError: It cannot be created, or a part is a link or no folder.
    """
    for place, name in enumerate(parts):
        with open_folder(root, *parts[:place]) as folder, contextlib.suppress(FileExistsError):
            os.mkdir(_single(name), dir_fd=folder)
    with open_folder(root, *parts):
        pass


def remove_entry(folder: int, name: str) -> None:
    """Unlink a file or link of an open folder, if there is one.

    Raises:
        OSError: It is a folder or cannot be removed.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_single(name), dir_fd=folder)


def entries(folder: int) -> list[str]:
    """Names in an open folder."""
    return os.listdir(folder)


def empty_folder(folder: int, *, keep: Collection[str] = ()) -> None:
    """Delete everything in an open folder; links are unlinked and never followed.

    Args:
        folder: Its descriptor.
        keep: Names of entries that stay.

    Raises:
        OSError: Something cannot be deleted.
    """
    if not shutil.rmtree.avoids_symlink_attacks:  # pragma: no cover - no such system is supported
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    for name in entries(folder):
        if name in keep:
            continue
        if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            shutil.rmtree(name, dir_fd=folder)
        else:
            remove_entry(folder, name)


def _single(part: str) -> str:
    """Refuse a part that is more or less than one name."""
    if part in ("", ".", "..") or "/" in part or "\0" in part:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), part)
    return part


def _check_regular(facts: os.stat_result, name: str) -> None:
    if stat.S_ISLNK(facts.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), name)


def version_of(facts: os.stat_result) -> Version:
    """The version of a file."""
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


class VersionedCache(Generic[Value]):
    """Values read from files; every method may be called from any thread.

    Args:
        size: Values kept in memory; the one used longest ago is dropped first.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[tuple[str, ...], tuple[object, Value]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, ...], version: object, read: Callable[[], Value]) -> Value:
        """The stored value, or that of ``read()`` if there is none of this version."""
        with self._lock:
            stored = self._values.get(key)
            if stored is not None and stored[0] == version:
                self._values.move_to_end(key)
                return stored[1]
        value = read()
        with self._lock:
            self._values[key] = (version, value)
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        return value
