"""Reading a run folder back, for ``alphacrystal view``."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alphacrystal.bounded_files import read_bounded_text, read_json
from alphacrystal.csv_cells import original_text
from alphacrystal.errors import InputError
from alphacrystal.report._run_folder import (
    CANDIDATES_FILE,
    INDEX_FILE,
    PAGE_FILE,
    RESULTS_FILE,
    RUN_FILE,
    RUN_FORMAT,
    SUMMARY_FILE,
)
from alphacrystal.report._summary import (
    ADDED_COLUMNS,
    STRUCTURES_FOLDER,
    SUMMARY_COLUMNS,
    SummaryRow,
    column_kinds,
)

MAX_RUN_BYTES = 10_000_000
MAX_SUMMARY_BYTES = 100_000_000
MAX_COLUMNS = 1000
_STRUCTURE_FILE = re.compile(rf"{STRUCTURES_FOLDER}/[^./\\\0][^/\\\0]*\.cif")


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run folder says of itself.

    Attributes:
        folder: Where it lies.
        formula: Reduced formula.
        formula_text: The formula as the user typed it.
        complete: False where the run was interrupted.
        notes: Sentences to read beside the result.
        potential: Name and version of the potential, None with --no-relax.
        hull_reference: Reference set of the energies above hull, None without one.
        seed: Seed of the run.
        candidates: Candidates made.
        timings: Wall seconds by stage.
        rows: The ranked structures.
    """

    folder: Path
    formula: str
    formula_text: str
    complete: bool
    notes: tuple[str, ...]
    potential: str | None
    hull_reference: str | None
    seed: int
    candidates: int
    timings: Mapping[str, float]
    rows: tuple[SummaryRow, ...]

    @property
    def failure(self) -> str:
        """Why no candidate of a finished run could be relaxed, "" where one was or none had to be."""
        if self.rows or not self.complete or self.potential is None:
            return ""
        return self.notes[-1] if self.notes else "No candidate could be relaxed."


def read_run_folder(folder: Path) -> RunSummary:
    """The facts and the ranked table of a run folder.

    Raises:
        InputError: It is not a run folder, the run wrote no result yet, or a file is damaged.
    """
    run = _read_run(folder)
    rows = _read_rows(folder / SUMMARY_FILE)
    try:
        return RunSummary(
            folder=folder,
            formula=str(run["formula"]),
            formula_text=str(run["formula_text"]),
            complete=bool(run["complete"]),
            notes=tuple(str(note) for note in run["notes"]),
            potential=run["potential"],
            hull_reference=run["hull_reference"],
            seed=int(run["seed"]),
            candidates=int(run["candidates"]),
            timings={str(stage): float(seconds) for stage, seconds in run["timings_s"].items()},
            rows=rows,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(damaged(folder / RUN_FILE)) from error


def finished_run(folder: Path, *, page: bool = True) -> RunSummary | None:
    """A run that ended and whose files are all there (``page``: the report too), or None."""
    try:
        run = read_run_folder(folder)
    except InputError:
        return None
    files = [*(row.file for row in run.rows), RESULTS_FILE, CANDIDATES_FILE, *([PAGE_FILE] if page else [])]
    return run if run.complete and all((folder / file).is_file() for file in files) else None


def _read_run(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}; give the folder of an earlier run.")
    path = folder / RUN_FILE
    if not path.is_file():
        if (folder / INDEX_FILE).is_file():
            runs = ", ".join(sorted(item.parent.name for item in folder.glob(f"*/{RUN_FILE}"))) or "none yet"
            raise InputError(
                f"The folder {folder} holds a run of several formulas; view one of its runs ({runs})."
            )
        raise InputError(
            f"The folder {folder} is not a finished run (it has no {RUN_FILE}); give a run folder."
        )
    try:
        run = read_json(path, MAX_RUN_BYTES)
    except (OSError, ValueError) as error:
        raise InputError(damaged(path)) from error
    if not isinstance(run, dict) or run.get("format") != RUN_FORMAT:
        raise InputError(damaged(path))
    return run


def _read_rows(path: Path) -> tuple[SummaryRow, ...]:
    try:
        lines = csv.reader(io.StringIO(read_bounded_text(path, MAX_SUMMARY_BYTES), newline=""), strict=True)
        header = next(lines, [])
        if len(header) > MAX_COLUMNS:
            raise InputError(f"{path} has more than {MAX_COLUMNS} columns, the limit for such a file.")
        places = {name: header.index(name) for name in SUMMARY_COLUMNS if name in header}
        if missing := set(SUMMARY_COLUMNS) - set(places) - ADDED_COLUMNS:
            raise ValueError(f"no column {min(missing)}")
        types = column_kinds()
        rows = tuple(
            SummaryRow(**{name: _parsed(cells[place], types[name]) for name, place in places.items()})
            for cells in lines
            if cells
        )
    except (OSError, ValueError, LookupError, TypeError, csv.Error) as error:
        raise InputError(damaged(path)) from error
    for row in rows:
        if not _STRUCTURE_FILE.fullmatch(row.file):
            raise InputError(
                f"{path} names the structure file {row.file[:200]!r}, which is no CIF in the folder "
                f"{STRUCTURES_FOLDER}: correct it or repeat the run."
            )
    return rows


def _parsed(text: str, kind: object) -> Any:
    """A cell as its column's type; an empty cell is None where the column allows it."""
    if kind is str:
        return original_text(text)
    if kind is int:
        return int(text)
    if kind is float:
        return float(text)
    if text == "":
        return None
    if kind == int | None:
        return int(text)
    if kind == bool | None:
        return {"true": True, "false": False}[text]
    return float(text)


def damaged(path: Path) -> str:
    """The sentence on a file of a run that cannot be used."""
    return f"The file {path} is missing or damaged; repeat the run with --resume to write it again."
