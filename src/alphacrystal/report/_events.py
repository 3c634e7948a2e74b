"""The progress log of a run, one JSON object per line, and values of a run as plain JSON values."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from threading import Lock
from typing import Any, Self

from alphacrystal.errors import AlphaCrystalError
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

    def __exit__(self, *error: object) -> None:
        self.close()


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        return stream.read(1) == b"\n"


def plain_json(value: object) -> Any:
    """``value`` built from None, bool, int, finite float, str, list and dict only.

    Numbers that are not finite become None (JSON has no NaN); enums give their value; dataclasses, pydantic
    models and MSONable objects their dict; NumPy arrays and scalars their Python values; other objects their
    text.
    """
    if isinstance(value, Enum):
        return plain_json(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, Set):
        return [plain_json(item) for item in sorted(value, key=str)]
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain_json(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: plain_json(getattr(value, field.name)) for field in fields}
    for to_plain in ("as_dict", "model_dump", "tolist"):  # MSONable, pydantic, NumPy
        method = getattr(value, to_plain, None)
        if callable(method):
            return plain_json(method())
    return str(value)
