"""The log of an exploration: one JSON file with its settings and rounds, replaced atomically."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from alphacrystal.errors import InputError, NewerFormatError
from alphacrystal.runtime.atomic_write import write_text_atomically
from alphacrystal.runtime.bounded_files import read_bounded_text

LOG_FILE = "explore.json"
EVENTS_FILE = (
    "explore_events.jsonl"  # progress; not the name of a run's, so that no command resumes a run in it
)
FORMAT_VERSION = 1
_MAX_BYTES = 100_000_000
_FORMULA = r"^([A-Z][a-z]?\d*){1,4}$"


class LoggedTask(BaseModel):
    """A formula of a round."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Literal["quick", "thorough"]
    formula: str = Field(pattern=_FORMULA, max_length=60)
    pressure_gpa: float = Field(default=0.0, allow_inf_nan=False)
    reason: str = ""


class Round(BaseModel):
    """A round: its formulas, and whether they changed the hull (None until the round has ended)."""

    tasks: list[LoggedTask]
    changed: bool | None = None


class ExploreLog(BaseModel):
    """Content of ``explore.json``.

    Attributes:
        format_version: Of this file.
        elements: Symbols of the chemical system.
        pressures: GPa, ascending.
        settings: Settings of the predictions, as plain values.
        models: SHA-256 of the weights by name.
        version: Of this program.
        rounds: In order; their formulas are computed before the next round is chosen.
        failures: Reason by run folder.
        stopped: Why the exploration ended, "" while it has not.
    """

    format: Literal["alphacrystal-explore"] = "alphacrystal-explore"
    format_version: int = FORMAT_VERSION
    elements: list[str]
    pressures: list[float]
    settings: dict[str, Any]
    models: dict[str, str]
    version: str
    rounds: list[Round] = Field(default_factory=list)
    failures: dict[str, str] = Field(default_factory=dict)
    stopped: str = ""

    def write(self, folder: Path) -> None:
        """Replace the file of a folder.

        Raises:
            AlphaCrystalError: It cannot be written.
        """
        write_text_atomically(folder / LOG_FILE, self.text())

    def text(self) -> str:
        """Content of the file."""
        return self.model_dump_json(indent=1) + "\n"

    @model_validator(mode="after")
    def _has_tasks_of_its_system(self) -> ExploreLog:
        for task in (task for item in self.rounds for task in item.tasks):
            if task.pressure_gpa not in self.pressures:
                raise ValueError(f"{task.pressure_gpa:g} GPa is no pressure of this exploration")
            if not set(re.findall("[A-Z][a-z]?", task.formula)) <= set(self.elements):
                raise ValueError(f"{task.formula} is no formula of this system")
        return self

    @property
    def formulas(self) -> int:
        """Number of formulas in all rounds."""
        return sum(len(item.tasks) for item in self.rounds)

    @property
    def unchanged(self) -> int:
        """Number of formulas since the hull changed last."""
        count = 0
        for item in reversed(self.rounds):
            if item.changed:
                break
            count += len(item.tasks) if item.changed is not None else 0
        return count


def read_log(folder: Path) -> ExploreLog | None:
    """The log of a folder; None without one.

    Raises:
        InputError: It is damaged, or of a newer version of this program.
    """
    path = folder / LOG_FILE
    if not path.is_file():
        return None
    try:
        text = read_bounded_text(path, _MAX_BYTES)
    except (OSError, ValueError) as error:
        raise InputError(_damaged(path)) from error
    return parse_log(text, path)


def parse_log(text: str | bytes, path: Path) -> ExploreLog:
    """The log in the content of a file.

    Args:
        text: Content of the file.
        path: Path of the file, for messages.

    Raises:
        InputError: As ``read_log``.
    """
    try:
        version = json.loads(text).get("format_version", 0)
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise NewerFormatError(path, version, FORMAT_VERSION)
        return ExploreLog.model_validate_json(text)
    except (ValidationError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(_damaged(path)) from error


def _damaged(path: Path) -> str:
    return f"{path} is damaged: start a new exploration with another --out."
