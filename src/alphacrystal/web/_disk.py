"""Disk space of the runs."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from threading import Event, Thread

MEASURE_EVERY_S = 5.0
MAX_SHARE = 0.05  # of the time spent on measuring, where the folder is large
RESERVE = 200e6  # bytes that stay free on the disk


class DiskGauge:
    """Bytes below a folder, measured now and then by a thread, so that no request waits for it.

    Links are not followed. The size is 0 until ``open`` has measured it once.
    """

    def __init__(self, folder: Path, limit_mb: float) -> None:
        self._folder = folder
        self._limit = limit_mb * 1e6
        self._used = 0
        self._closing = False
        self._wake = Event()
        self._thread = Thread(target=self._measure_repeatedly, name="alphacrystal-disk", daemon=True)

    def open(self) -> None:
        """Measure once and start the thread."""
        self._used = _bytes_below(self._folder)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closing = True
        self._wake.set()
        self._thread.join()

    def used(self) -> int:
        """Bytes in use when they were measured last."""
        return self._used

    def measure_soon(self) -> None:
        """Something was deleted: measure again at once."""
        self._wake.set()

    def refusal(self) -> str | None:
        """Why nothing more may be written, None where there is room.

        Raises:
            OSError: The folder is gone.
        """
        used = self._used
        if used >= self._limit:
            return (
                f"The runs take {used / 1e6:.0f} MB, the limit of this server is "
                f"{self._limit / 1e6:.0f} MB: delete some."
            )
        if shutil.disk_usage(self._folder).free < RESERVE:
            return f"Less than {RESERVE / 1e6:.0f} MB are free on the disk: free some space."
        return None

    def _measure_repeatedly(self) -> None:
        pause = MEASURE_EVERY_S
        while True:
            self._wake.wait(pause)
            if self._closing:
                return
            self._wake.clear()
            begin = time.monotonic()
            self._used = _bytes_below(self._folder)
            pause = max(MEASURE_EVERY_S, (time.monotonic() - begin) / MAX_SHARE)


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
        except OSError:  # deleted meanwhile, or not readable
            continue
    return total
