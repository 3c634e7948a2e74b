"""Results of an exploration, read back from ``hull.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alphacrystal.errors import InputError, NewerFormatError
from alphacrystal.exploration._results import FORMAT_VERSION, JSON_FILE
from alphacrystal.exploration._summary import MAX_PHASES, HullSummary
from alphacrystal.exploration._table import HullRow
from alphacrystal.runtime.bounded_files import read_bounded_text

MAX_BYTES = 50_000_000

Count = Annotated[int, Field(ge=0, le=10**9)]


class StoredHull(BaseModel):
    """A hull as ``hull.json`` has it.

    Attributes:
        format_version: Of the file.
        elements: Symbols of the chemical system.
        pressure_gpa: Pressure of the energies in GPa.
        potential: Name of the potential.
        predicted_formulas: Formulas that were predicted or have failed.
        considered_formulas: Formulas of the system.
        rounds: Finished rounds.
        stopped: Why the exploration ended, "" while it runs.
        failures: Reason by run folder.
        phases: The rows of ``hull.csv``, in its order.
        on_hull: Formulas on the hull.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    format: Literal["alphacrystal-hull"]
    format_version: Count
    elements: tuple[str, ...] = Field(min_length=2, max_length=4)
    pressure_gpa: float
    potential: str
    predicted_formulas: Count
    considered_formulas: Count
    rounds: Count
    stopped: str
    failures: dict[str, str]
    phases: tuple[HullRow, ...]
    on_hull: tuple[str, ...]


def parse_hull(content: bytes | str, path: Path) -> StoredHull:
    """The hull in the content of a ``hull.json``.

    Args:
        content: Content of the file.
        path: Path of the file, for messages.

    Raises:
        InputError: It is damaged, or of a newer version of this program.
    """
    try:
        hull = StoredHull.model_validate_json(content)
    except (ValidationError, RecursionError) as error:
        raise InputError(f"{path} is damaged: repeat the exploration with --resume.") from error
    if hull.format_version > FORMAT_VERSION:
        raise NewerFormatError(path, hull.format_version, FORMAT_VERSION)
    return hull


def summary_of(hull: StoredHull) -> HullSummary:
    """The summary of a hull that was read."""
    return HullSummary(
        elements=hull.elements,
        pressure_gpa=hull.pressure_gpa,
        potential=hull.potential,
        predicted_formulas=hull.predicted_formulas,
        considered_formulas=hull.considered_formulas,
        rounds=hull.rounds,
        stopped=hull.stopped,
        failed_formulas=len(hull.failures),
        all_phases=len(hull.phases),
        phases=hull.phases[:MAX_PHASES],
        on_hull=hull.on_hull,
    )


def read_hull(folder: Path | str) -> StoredHull:
    """The hull of an exploration, or of one pressure of it.

    Args:
        folder: Folder of the exploration; of several pressures, its folder of one pressure, e.g. "20GPa".

    Raises:
        InputError: There is none, or it is damaged.
    """
    path = Path(folder) / JSON_FILE
    try:
        return parse_hull(read_bounded_text(path, MAX_BYTES), path)
    except FileNotFoundError as error:
        raise InputError(f"{folder} has no {JSON_FILE}: give the folder of an exploration.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: repeat the exploration with --resume.") from error
