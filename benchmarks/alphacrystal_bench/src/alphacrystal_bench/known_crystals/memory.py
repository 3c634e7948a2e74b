"""Peak memory of this process and of the processes that it starts."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Self

INTERVAL_S = 0.25
PROCESSES = Path("/proc")


class PeakMemory:
    """Context that measures resident memory four times a second, where the system has /proc.

    Pages that several processes share count once for each of them, so that the peak is an upper limit.
    Child processes that exist at the start do not count.

    Attributes:
        gigabytes: The peak in GB; None where it cannot be measured.
    """

    def __init__(self) -> None:
        self.gigabytes: float | None = None
        self._earlier: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._earlier = _descendants(os.getpid())
        self._measure()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        self._measure()

    def _watch(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            self._measure()

    def _measure(self) -> None:
        counted = {os.getpid()} | (_descendants(os.getpid()) - self._earlier)
        total = sum(_resident_bytes(process) for process in counted) / 1e9
        if total:
            self.gigabytes = max(self.gigabytes or 0.0, total)


def _resident_bytes(process: int) -> int:
    """Resident memory; 0 after the end of the process or without /proc."""
    try:
        pages = (PROCESSES / str(process) / "statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _descendants(process: int) -> set[int]:
    """Ids of all processes below a process; empty without /proc."""
    children: dict[int, list[int]] = {}
    for folder in PROCESSES.glob("[0-9]*"):
        try:
            fields = (
                (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            )
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(folder.name))
    found: set[int] = set()
    waiting = [process]
    while waiting:
        below = [child for child in children.get(waiting.pop(), []) if child not in found]
        found.update(below)
        waiting += below
    return found
