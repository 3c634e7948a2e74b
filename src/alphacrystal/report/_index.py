"""``index.csv``: one line per formula where a run has several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from alphacrystal.report._read import RunSummary
from alphacrystal.report._run_folder import INDEX_FILE
from alphacrystal.report._summary import csv_text
from alphacrystal.runtime.atomic_write import write_text_atomically


@dataclass(frozen=True, slots=True)
class IndexRow:
    """How one formula of a run with several ended; the fields are the columns of ``index.csv``, in order.

    Attributes:
        formula: The formula as the user gave it.
        folder: Subfolder of its run, relative to the file; empty where nothing was written.
        status: "waiting", "done", "interrupted" or "failed".
        reason: One clause where it did not end well, else "".
        structures: Structures in its ranked list.
        space_group_number: Of the best structure, None without one.
        space_group_symbol: Of the best structure, "" without one.
        energy_per_atom_ev: Of the best structure in eV/atom, None without energies.
        seconds: Wall time, None where it did not run.
    """

    formula: str
    folder: str
    status: str
    reason: str = ""
    structures: int = 0
    space_group_number: int | None = None
    space_group_symbol: str = ""
    energy_per_atom_ev: float | None = None
    seconds: float | None = None


INDEX_COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(IndexRow))


def index_row(formula: str, run: RunSummary, seconds: float | None = None) -> IndexRow:
    """The row of a run that ended: "failed" where no candidate could be relaxed.

    Args:
        formula: As the user gave it.
        run: Read from its folder.
        seconds: Wall time in s.
    """
    best = run.rows[0] if run.rows else None
    return IndexRow(
        formula=formula,
        folder=run.folder.name,
        status="failed" if run.failure else "done",
        reason=run.failure,
        structures=len(run.rows),
        space_group_number=best.space_group_number if best else None,
        space_group_symbol=best.space_group_symbol if best else "",
        energy_per_atom_ev=best.energy_per_atom_ev if best else None,
        seconds=None if seconds is None else round(seconds, 2),
    )


def write_index(folder: Path, rows: Iterable[IndexRow]) -> None:
    """Write ``index.csv`` whole.

    Raises:
        AlphaCrystalError: The disk refused it.
    """
    cells = ({name: getattr(row, name) for name in INDEX_COLUMNS} for row in rows)
    write_text_atomically(folder / INDEX_FILE, csv_text(INDEX_COLUMNS, cells))
