"""The progress log of a run: one JSON object per line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from alphacrystal.errors import AlphaCrystalError
from alphacrystal.report._plain_json import plain_json
from alphacrystal.runtime.atomic_write import storage_sentence

PROGRESS_INTERVAL_S = 0.5  # between progress events of one stage


class EventLog:
    """Appends progress events to ``events.jsonl``; each line is on disk as soon as ``emit`` returns.

    Raises:
        AlphaCrystalError: The file cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        try:
            torn = path.exists() and path.stat().st_size > 0 and not _ends_with_newline(path)
            self._stream = path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
            if torn:  # the torn last line of a killed run must not absorb the next event
                self._stream.write("\n")
        except OSError as error:
            raise AlphaCrystalError(storage_sentence(path, error)) from error

    def emit(self, stage: str, **fields: object) -> None:
        """Append one event with the UTC time; field values become plain JSON (NaN becomes null)."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        event = {"time": now, "stage": stage, **{name: plain_json(value) for name, value in fields.items()}}
        line = json.dumps(event, ensure_ascii=False, allow_nan=False) + "\n"
        try:
            with self._lock:
                self._stream.write(line)
        except OSError as error:
            raise AlphaCrystalError(storage_sentence(self._path, error)) from error

    def also(self, progress: Callable[[str, int, int], None]) -> Callable[[str, int, int], None]:
        """A progress callback that appends a "progress" event (done, total) before it calls ``progress``.

        A stage logs at most two events per second, and always the first and the last.
        """
        written: dict[str, float] = {}

        def report(stage: str, done: int, total: int) -> None:
            now = time.monotonic()
            if done == total or now - written.get(stage, -PROGRESS_INTERVAL_S) >= PROGRESS_INTERVAL_S:
                written[stage] = now
                self.emit(stage, event="progress", done=done, total=total)
            progress(stage, done, total)

        return report

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        return stream.read(1) == b"\n"
