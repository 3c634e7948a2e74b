"""The summary of a hull, in a file of bounded size, for lists of explorations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alphacrystal.errors import InputError, NewerFormatError
from alphacrystal.exploration._table import HullRow

SUMMARY_FILE = "hull_summary.json"
#: Phases of a summary: those nearest to the hull.
MAX_PHASES = 200
FORMAT_VERSION = 1

Count = Annotated[int, Field(ge=0, le=10**9)]


class HullFacts(BaseModel):
    """The facts of a hull that ``hull.json`` and its summary share.

    Attributes:
        format_version: Of the file.
        elements: Symbols of the chemical system.
        pressure_gpa: Pressure of the energies in GPa.
        potential: Name of the potential.
        predicted_formulas: Formulas that were predicted or have failed.
        considered_formulas: Formulas of the system.
        rounds: Finished rounds.
        stopped: Why the exploration ended, "" while it runs.
        on_hull: Formulas on the hull.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    format_version: Count
    elements: tuple[str, ...] = Field(min_length=2, max_length=4)
    pressure_gpa: float
    potential: str
    predicted_formulas: Count
    considered_formulas: Count
    rounds: Count
    stopped: str
    on_hull: tuple[str, ...]


class HullSummary(HullFacts):
    """The head of a hull.

    Attributes:
        failed_formulas: Formulas that have failed.
        all_phases: Number of the rows of ``hull.csv``.
        phases: The first of them.
    """

    format: Literal["alphacrystal-hull-summary"] = "alphacrystal-hull-summary"
    format_version: Count = FORMAT_VERSION
    failed_formulas: Count
    all_phases: Count
    phases: tuple[HullRow, ...] = Field(max_length=MAX_PHASES)


#: Names of the facts of ``hull.json`` that its summary repeats.
SHARED = tuple(name for name in HullFacts.model_fields if name != "format_version")

Facts = TypeVar("Facts", bound=HullFacts)


def summary_text(content: dict[str, object], rows: Sequence[HullRow], failures: int) -> str:
    """Text of the summary of a hull that is being written.

    Args:
        content: That of ``hull.json``.
        rows: All rows of the table.
        failures: Number of failed formulas.
    """
    values = {
        "format": "alphacrystal-hull-summary",
        "format_version": FORMAT_VERSION,
        **{name: value for name, value in content.items() if name in SHARED},
        "failed_formulas": failures,
        "all_phases": len(rows),
        "phases": [asdict(row) for row in rows[:MAX_PHASES]],
    }
    return json.dumps(values, indent=1, allow_nan=False) + "\n"


def parse_summary(content: bytes | str, path: Path) -> HullSummary:
    """The summary in the content of a file.

    Args:
        content: Content of the file.
        path: Path of the file, for messages.

    Raises:
        InputError: It is damaged, or of a newer version of this program.
    """
    return parsed_facts(HullSummary, content, path)


def parsed_facts(model: type[Facts], content: bytes | str, path: Path) -> Facts:
    """The content of a file as a model.

    Args:
        model: Of the file.
        content: Content of the file.
        path: Path of the file, for messages.

    Raises:
        InputError: It is damaged, or of a newer version of this program.
    """
    try:
        facts = model.model_validate_json(content)
    except (ValidationError, RecursionError) as error:
        raise InputError(f"{path} is damaged: repeat the exploration with --resume.") from error
    if facts.format_version > FORMAT_VERSION:
        raise NewerFormatError(path, facts.format_version, FORMAT_VERSION)
    return facts
