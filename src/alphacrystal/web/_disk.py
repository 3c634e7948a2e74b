"""How much room the runs take and how much is left."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from threading import Lock

MEASURE_EVERY = 5.0  # s between two looks
RESERVE = 200e6  # bytes that stay free on the disk


class DiskGauge:
    """Bytes below a folder, measured now and then; links are not followed."""

    def __init__(self, folder: Path, limit_mb: float) -> None:
        self._folder = folder
        self._limit = limit_mb * 1e6
        self._measured = -MEASURE_EVERY
        self._used = 0
        self._lock = Lock()

    def used(self, *, anew: bool = False) -> int:
        """Bytes in use, at most a few seconds old."""
        with self._lock:
            now = time.monotonic()
            if anew or now - self._measured >= MEASURE_EVERY:
                self._used, self._measured = _bytes_below(self._folder), now
            return self._used

    def refusal(self, *, anew: bool = False) -> str | None:
        """Why nothing more may be written, None where there is room."""
        if self.used(anew=anew) >= self._limit:
            return (
                f"The runs take {self.used() / 1e6:.0f} MB, the limit of this server is "
                f"{self._limit / 1e6:.0f} MB: delete some."
            )
        if shutil.disk_usage(self._folder).free < RESERVE:
            return f"Less than {RESERVE / 1e6:.0f} MB are free on the disk: free some space."
        return None


def _bytes_below(folder: Path) -> int:
    total, waiting = 0, [os.fspath(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:  # gone meanwhile, or not ours to read
            continue
    return total
