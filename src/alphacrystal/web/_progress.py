"""Progress of a run, read from its growing ``events.jsonl``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel


class Stage(BaseModel):
    """One stage of a run.

    Attributes:
        name: For example "generate" or "relax (tight)".
        done: Items done, None where the stage does not count.
        total: Items in total, None where the stage does not count.
        ended: Whether it is over.
    """

    name: str
    done: int | None = None
    total: int | None = None
    ended: bool = False


class ProgressReader:
    """Reads only what was appended since the last look; a torn last line waits for its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._stages: dict[str, Stage] = {}

    def stages(self) -> list[Stage]:
        """The stages met so far, in the order of their start."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._read)
                text = stream.read()
        except OSError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                self._take(event)
        return [stage.model_copy() for stage in self._stages.values()]

    def _take(self, event: dict[str, Any]) -> None:
        name, kind = event.get("stage"), event.get("event")
        if not isinstance(name, str) or name == "run":
            return
        if kind == "start":
            self._stages = {key: old for key, old in self._stages.items() if not _belongs(key, name)}
            self._stages[name] = Stage(name=name)
        elif kind == "end":
            for key, stage in self._stages.items():
                if _belongs(key, name):
                    stage.ended = True
        elif (
            kind == "progress" and isinstance(event.get("done"), int) and isinstance(event.get("total"), int)
        ):
            if name not in self._stages:  # the passes of a stage: they replace its uncounted line
                outer = self._stages.get(name.partition(" (")[0])
                if outer is not None and outer.total is None:
                    del self._stages[outer.name]
                for stage in self._stages.values():
                    stage.ended = stage.ended or stage.name.partition(" (")[0] == name.partition(" (")[0]
            self._stages[name] = Stage(name=name, done=event["done"], total=event["total"])


def _belongs(key: str, name: str) -> bool:
    return key == name or key.startswith(f"{name} (")
