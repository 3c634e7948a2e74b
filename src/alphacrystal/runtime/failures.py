"""Errors as one sentence for the user and an exit code."""

from __future__ import annotations

import errno

from alphacrystal.errors import AlphaCrystalError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def explain(error: Exception) -> tuple[int, str]:
    """Exit code and sentence: 2 for bad input, 1 for the disk and for internal failures."""
    if isinstance(error, AlphaCrystalError):
        return error.exit_code, str(error)
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        where = f"Cannot write {error.filename}" if error.filename else "A file could not be written"
        return 1, f"{where}: the disk is full; free some space and repeat the command."
    if isinstance(error, RecursionError):
        return 2, "An input file is nested too deeply to be read."
    if isinstance(error, MemoryError):
        return 1, "The memory did not suffice: use a smaller --candidates or --max-atoms, or fewer --workers."
    return 1, (
        f"Internal failure ({type(error).__name__}: {error}). "
        "Set ALPHACRYSTAL_DEBUG=1 to see where, and please report it."
    )
