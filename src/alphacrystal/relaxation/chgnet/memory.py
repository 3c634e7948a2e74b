"""Keeping freed memory for the next evaluation."""

from __future__ import annotations

import ctypes
import sys

#: Parameters of glibc's mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3

#: Blocks up to this size come from the heap (the largest value glibc takes everywhere), and so much freed
#: memory stays with the process, in bytes.
_LARGEST_HEAP_BLOCK = 32 << 20
_KEPT = 512 << 20


def keep_freed_memory() -> None:
    """Ask glibc not to hand freed memory back at once; nothing happens with other C libraries.

    Every evaluation takes and frees the same few megabytes. Handing them back each time costs 15 % of the
    processor time of a relaxation: the system has to clear each page again.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGEST_HEAP_BLOCK)
        mallopt(_TRIM_THRESHOLD, _KEPT)
