"""``index.csv``: one row per formula of a run or campaign with several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from alphacrystal.report._layout import INDEX_FILE
from alphacrystal.report._read import RunSummary
from alphacrystal.report._summary import SummaryRow, csv_text
from alphacrystal.runtime.atomic_write import write_text_atomically


@dataclass(frozen=True, slots=True)
class IndexRow:
    """The result of one formula; the fields are the columns of ``index.csv``, in order.

    Attributes:
        formula: The formula as the user gave it.
        folder: Subfolder of its run, relative to the file; empty where nothing was written.
        status: "waiting", "done", "interrupted" or "failed".
        reason: One clause where the run was interrupted or failed, else "".
        structures: Structures in its ranked list.
        space_group_number: Of the best structure, None without one.
        space_group_symbol: Of the best structure, "" without one.
        energy_per_atom_ev: Of the best structure; see ``SummaryRow`` for it and the three below.
        enthalpy_per_atom_ev: Of the best structure.
        formation_energy_per_atom_ev: Of the best structure.
        energy_above_hull_per_atom_ev: Of the best structure.
        seconds: Wall time, None where it did not run.
        probability: Of the best structure; see ``SummaryRow`` for it and the nine below.
        novelty: Of the best structure.
        prototype: Of the best structure.
        a: Of the conventional cell of the best structure, as the five columns that follow.
        b: Å.
        c: Å.
        alpha: Degrees.
        beta: Degrees.
        gamma: Degrees.
        density_g_cm3: Of the best structure.
        r_wp: Of the best structure; these two columns exist only in runs with a measured pattern.
        unexplained_peaks: Of the best structure.
    """

    formula: str
    folder: str
    status: str
    reason: str = ""
    structures: int = 0
    space_group_number: int | None = None
    space_group_symbol: str = ""
    energy_per_atom_ev: float | None = None
    enthalpy_per_atom_ev: float | None = None
    formation_energy_per_atom_ev: float | None = None
    energy_above_hull_per_atom_ev: float | None = None
    seconds: float | None = None
    probability: float | None = None
    novelty: str = ""
    prototype: str = ""
    a: float | None = None
    b: float | None = None
    c: float | None = None
    alpha: float | None = None
    beta: float | None = None
    gamma: float | None = None
    density_g_cm3: float | None = None
    r_wp: float | None = None
    unexplained_peaks: int | None = None


#: Of runs with a measured pattern, after the other columns.
PATTERN_COLUMNS = ("r_wp", "unexplained_peaks")
INDEX_COLUMNS: tuple[str, ...] = tuple(
    field.name for field in fields(IndexRow) if field.name not in PATTERN_COLUMNS
)
#: The columns of ``SummaryRow`` that an index repeats for the best structure.
BEST_COLUMNS = (
    "space_group_number",
    "space_group_symbol",
    "energy_per_atom_ev",
    "enthalpy_per_atom_ev",
    "formation_energy_per_atom_ev",
    "energy_above_hull_per_atom_ev",
    "probability",
    "novelty",
    "prototype",
    *("a", "b", "c", "alpha", "beta", "gamma", "density_g_cm3"),
    *PATTERN_COLUMNS,
)


def best_values(best: SummaryRow | None) -> dict[str, Any]:
    """The values of ``BEST_COLUMNS``; empty where there is no structure."""
    return {} if best is None else {name: getattr(best, name) for name in BEST_COLUMNS}


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
        seconds=None if seconds is None else round(seconds, 2),
        **best_values(best),
    )


def write_index(folder: Path, rows: Iterable[IndexRow]) -> None:
    """Write ``index.csv``.

    Raises:
        AlphaCrystalError: The file cannot be written.
    """
    rows = list(rows)
    with_pattern = any(row.unexplained_peaks is not None for row in rows)
    columns = (*INDEX_COLUMNS, *PATTERN_COLUMNS) if with_pattern else INDEX_COLUMNS
    cells = ({name: getattr(row, name) for name in columns} for row in rows)
    write_text_atomically(folder / INDEX_FILE, csv_text(columns, cells))


def by_agreement(rows: Iterable[IndexRow]) -> list[IndexRow]:
    """The formulas whose best structures were compared with a measured pattern, best agreement first.

    Unexplained peaks decide where there is no profile.
    """
    compared = [row for row in rows if row.unexplained_peaks is not None]
    return sorted(compared, key=lambda row: (row.r_wp or 0.0, row.unexplained_peaks or 0))
