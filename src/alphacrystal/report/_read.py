"""Reading a run folder back, for ``alphacrystal view``."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from alphacrystal.errors import InputError
from alphacrystal.report._run_folder import (
    CANDIDATES_FILE,
    INDEX_FILE,
    PAGE_FILE,
    RESULTS_FILE,
    RUN_FILE,
    SUMMARY_FILE,
)
from alphacrystal.report._summary import (
    ADDED_COLUMNS,
    STRUCTURES_FOLDER,
    SUMMARY_COLUMNS,
    SummaryRow,
    column_kinds,
)
from alphacrystal.runtime.csv_cells import original_text

MAX_COLUMNS = 1000
_STRUCTURE_FILE = re.compile(rf"{STRUCTURES_FOLDER}/[^./\\\0][^/\\\0]*\.cif")

#: Largest run.json and summary.csv; a list of 1,000 structures has 0.3 MB.
MAX_FILE_BYTES = 16_000_000


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


class _RunFile(BaseModel):
    """The part of ``run.json`` that is read back, with its types checked."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    format: Literal["alphacrystal-run"]
    formula: str
    formula_text: str
    complete: bool
    notes: tuple[str, ...]
    potential: str | None
    hull_reference: str | None
    seed: int
    candidates: int
    timings_s: dict[str, FiniteFloat]


def read_run_folder(folder: Path) -> RunSummary:
    """The facts and the ranked table of a run folder.

    Raises:
        InputError: It is not a run folder, the run wrote no result yet, or a file is damaged.
    """
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
    return run_summary(folder, _content(path), _content(folder / SUMMARY_FILE))


def run_summary(folder: Path, run_json: bytes, summary_csv: bytes) -> RunSummary:
    """The same from the contents of ``run.json`` and ``summary.csv``.

    Raises:
        InputError: One of them is damaged: not UTF-8, nested too deeply, a value of the wrong type, a number
            that is not finite.
    """
    try:
        run = _RunFile.model_validate_json(run_json)
    except ValidationError as error:
        raise InputError(damaged(folder / RUN_FILE)) from error
    return RunSummary(
        folder=folder,
        formula=run.formula,
        formula_text=run.formula_text,
        complete=run.complete,
        notes=run.notes,
        potential=run.potential,
        hull_reference=run.hull_reference,
        seed=run.seed,
        candidates=run.candidates,
        timings=run.timings_s,
        rows=_rows(folder / SUMMARY_FILE, summary_csv),
    )


def finished_run(folder: Path, *, page: bool = True) -> RunSummary | None:
    """A run that ended and whose files are all there (``page``: the report too), or None."""
    try:
        run = read_run_folder(folder)
    except InputError:
        return None
    files = [*(row.file for row in run.rows), RESULTS_FILE, CANDIDATES_FILE, *([PAGE_FILE] if page else [])]
    return run if run.complete and all((folder / file).is_file() for file in files) else None


def _content(path: Path) -> bytes:
    """Content of a regular file of bounded size: opening a FIFO would wait for ever."""
    try:
        if not path.is_file():
            raise InputError(damaged(path))
        if path.stat().st_size > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // 1_000_000
            raise InputError(f"{path} is larger than {limit} MB, the limit for such a file.")
        return path.read_bytes()
    except OSError as error:
        raise InputError(damaged(path)) from error


def _rows(path: Path, content: bytes) -> tuple[SummaryRow, ...]:
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
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
    except (ValueError, LookupError, TypeError, csv.Error) as error:
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
        return _finite(text)
    if text == "":
        return None
    if kind == int | None:
        return int(text)
    if kind == bool | None:
        return {"true": True, "false": False}[text]
    return _finite(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not finite")
    return value


def damaged(path: Path) -> str:
    """The sentence on a file of a run that cannot be used."""
    return f"The file {path} is missing or damaged; repeat the run with --resume to write it again."
