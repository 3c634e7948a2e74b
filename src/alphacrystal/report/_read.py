"""Read a run folder of this or an earlier format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from alphacrystal.errors import InputError, NewerFormatError
from alphacrystal.report._layout import (
    CANDIDATES_FILE,
    FORMAT_VERSION,
    INDEX_FILE,
    PAGE_FILE,
    RESULTS_FILE,
    RUN_FILE,
    SUMMARY_FILE,
    damaged,
    pressure_of_note,
)
from alphacrystal.report._run_record import RunFile
from alphacrystal.report._summary import SummaryRow, read_summary_csv
from alphacrystal.runtime.bounded_files import read_json

#: Largest run.json and summary.csv; a list of 1,000 structures has 0.3 MB.
MAX_FILE_BYTES = 16_000_000
MAX_RESULTS_BYTES = 1_000_000_000


class RunSummary(RunFile):
    """The facts and the ranked list of a run folder: ``run.json`` and ``summary.csv``.

    Attributes:
        folder: Path of the folder.
        rows: The ranked structures.
    """

    folder: Path
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
        InputError: It is not a run folder, the run wrote no result yet, a file is damaged, or a newer version
            of this program wrote it.
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
        InputError: One of them is damaged (not UTF-8, nested too deeply, a value of the wrong type, a number
            that is not finite), or a newer version of this program wrote it.
    """
    path = folder / RUN_FILE
    try:
        run = RunFile.model_validate_json(run_json, context={"path": path})
    except ValidationError as error:
        raise InputError(damaged(path)) from error
    rows = read_summary_csv(folder / SUMMARY_FILE, summary_csv)
    if run.format_version == 1 and run.pressure_gpa != 0:
        rows = tuple(
            replace(row, energy_per_atom_ev=None, enthalpy_per_atom_ev=row.energy_per_atom_ev) for row in rows
        )
    return RunSummary.model_construct(**dict(run), folder=folder, rows=rows)


def finished_run(folder: Path, *, page: bool = True) -> RunSummary | None:
    """A run that ended and has all its files (with ``page``, the report too), or None."""
    try:
        run = read_run_folder(folder)
    except NewerFormatError:
        raise
    except InputError:
        return None
    files = [*(row.file for row in run.rows), RESULTS_FILE, CANDIDATES_FILE, *([PAGE_FILE] if page else [])]
    return run if run.complete and all((folder / file).is_file() for file in files) else None


def read_results(folder: Path) -> dict[str, Any]:
    """The content of ``results.json`` in the keys of the present format, otherwise unchecked.

    Raises:
        InputError: The file is too large or not a JSON object, or a newer version of this program wrote it.
    """
    path = folder / RESULTS_FILE
    try:
        results = read_json(path, MAX_RESULTS_BYTES)
        version = results.get("format_version", 1)
        if version > FORMAT_VERSION:
            raise NewerFormatError(path, version, FORMAT_VERSION)
        if version == 1:
            _upgrade_results(results)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(damaged(path)) from error
    return dict(results)


def _upgrade_results(results: dict[str, Any]) -> None:
    """Rename the keys of format 1 that ``write_figures`` reads."""
    results["pressure_gpa"] = pressure_of_note(results.pop("energy_unit_note", ""))
    if results["pressure_gpa"] == 0:
        return
    relaxations = [candidate["relaxation"] for candidate in results["candidates"]]
    for item in [*results["structures"], *(relaxation for relaxation in relaxations if relaxation)]:
        item["enthalpy_per_atom_ev"] = item.pop("energy_per_atom_ev")
        item["energy_per_atom_ev"] = None


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
