"""Write files atomically, and explain in one sentence why a file cannot be written."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from alphacrystal.errors import DISK_FULL, AlphaCrystalError

_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


def storage_sentence(path: Path, error: OSError) -> str:
    """One sentence that names the file, the reason and the fix."""
    if error.errno in DISK_FULL:
        return f"Cannot write {path}: the disk is full; free some space and repeat the command with --resume."
    if error.errno in _NOT_ALLOWED:
        return f"Cannot write {path}: no permission to write there; choose another folder with --out."
    reason = (error.strerror or "it is no regular file").lower()
    return f"Cannot write {path}: {reason}; check the folder and repeat the command with --resume."


def temporary_path(path: Path) -> Path:
    """Temporary file of ``path`` before the rename; its name is fixed, so that a later run overwrites it."""
    return path.with_name(f".{path.name}.tmp")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file, which replaces ``path`` if the block succeeds.

    ``path`` holds either its old content or all of the new one, also after a kill or on a full disk. The
    temporary file of an earlier process, or a link in its place, is deleted first.

    Raises:
        OSError: The file cannot be written; the old content stays.
    """
    unfinished = temporary_path(path)
    try:
        unfinished.unlink(missing_ok=True)
        yield unfinished
        with unfinished.open("rb") as stream:
            # Delayed allocation reports a full disk only here.
            os.fsync(stream.fileno())
        unfinished.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def write_text_atomically(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8; file names in it that are not UTF-8 become escapes.

    Raises:
        AlphaCrystalError: The file cannot be written (disk full, no permission, ...); the old content stays.
    """
    try:
        with (
            replacing(path) as unfinished,
            unfinished.open("x", encoding="utf-8", errors="backslashreplace", newline="") as stream,
        ):
            stream.write(text)
    except OSError as error:
        raise AlphaCrystalError(storage_sentence(path, error)) from error
