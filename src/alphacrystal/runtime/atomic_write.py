"""Atomic writing of text and JSON files, and sentences for storage errors."""

from __future__ import annotations

import contextlib
import errno
import os
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


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def write_text_atomically(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 so that ``path`` holds either its old content or all of the new one.

    Raises:
        AlphaCrystalError: The file cannot be written (disk full, no permission, ...); the old content stays.
    """
    unfinished = temporary_path(path)
    try:
        # A link in place of the temporary file is not followed. File names that are no UTF-8 become escapes.
        with open(
            unfinished, "w", encoding="utf-8", errors="backslashreplace", newline="", opener=_opened
        ) as stream:
            stream.write(text)
            stream.flush()
            # Delayed allocation reports a full disk only here, and only after this may the rename be trusted.
            os.fsync(stream.fileno())
        unfinished.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise AlphaCrystalError(storage_sentence(path, error)) from error
        raise
