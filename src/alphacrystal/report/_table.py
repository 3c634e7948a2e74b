"""The ranked list as a table: on a terminal (rich) and in a notebook (HTML)."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alphacrystal.report._typeset import typeset_formula, typeset_symbol

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

    from alphacrystal.report._prediction import Prediction
    from alphacrystal.report._summary import SummaryRow

LEGEND = "chem #: rank by networks"
ENERGY_LEGEND = "E #: rank by energy; E form: formation energy, eV/atom; "


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: its heading, whether it stands to the left, and whether it needs a relaxation."""

    title: str
    left: bool = False
    energy: bool = False


_COLUMNS = (
    _Column("#"),
    _Column("space group", left=True),
    _Column("cell"),
    _Column("Å³/atom"),
    _Column("eV/atom", energy=True),
    _Column("E form", energy=True),
    _Column("E #", energy=True),
    _Column("chem #"),
    _Column("conv", left=True, energy=True),
)


def ranked_table(rows: Sequence[SummaryRow], shown: int | None = None) -> Table:
    """The first ``shown`` rows (all if None) as a rich table that fits 80 columns."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    columns = _columns(rows)
    for column in columns:
        folds = {"overflow": "fold"} if column.title == "cell" else {"no_wrap": True}
        table.add_column(column.title, justify="left" if column.left else "right", **folds)
    for row in rows[:shown]:
        table.add_row(*_cells(row, columns))
    return table


def table_legend(rows: Sequence[SummaryRow]) -> str:
    """What the short headings mean."""
    return (ENERGY_LEGEND if _relaxed(rows) else "") + LEGEND


def found(structures: int, candidates: int) -> str:
    """How many structures stand in the list, and of how many candidates."""
    return f"{structures} distinct structures from {candidates} candidates"


def prediction_lines(prediction: Prediction) -> Group:
    """Remarks, what was found, every row, and where it lies on disk."""
    from rich.console import Group
    from rich.text import Text

    rows = prediction.rows
    parts: list[RenderableType] = [Text(f"Note: {note.rstrip('.')}.") for note in prediction.remarks]
    parts.append(Text(f"{prediction.formula}: {found(len(rows), len(prediction.candidates))}"))
    if rows:
        parts += [ranked_table(rows), Text(table_legend(rows))]
    if prediction.folder is not None:
        parts.append(Text(f"Report: {prediction.folder / 'report.html'}"))
    return Group(*parts)


def html_table(prediction: Prediction) -> str:
    """Heading, notes and every row as HTML, for notebooks."""
    rows = prediction.rows
    columns = _columns(rows)
    title = f"{typeset_formula(prediction.formula)}: {found(len(rows), len(prediction.candidates))}"
    parts = [f"<p><strong>{html.escape(title)}</strong></p>"]
    parts += [f"<p>Note: {html.escape(note.rstrip('.'))}.</p>" for note in prediction.remarks]
    head = "".join(f"<th>{html.escape(column.title)}</th>" for column in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(row, columns, typeset=True))
        + "</tr>"
        for row in rows
    )
    if rows:
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
        parts.append(f"<p>{html.escape(table_legend(rows))}</p>")
    return "\n".join(parts)


def _relaxed(rows: Sequence[SummaryRow]) -> bool:
    return any(row.energy_per_atom_ev is not None for row in rows)


def _columns(rows: Sequence[SummaryRow]) -> list[_Column]:
    relaxed = _relaxed(rows)
    return [column for column in _COLUMNS if relaxed or not column.energy]


def _cells(row: SummaryRow, columns: Sequence[_Column], *, typeset: bool = False) -> list[str]:
    symbol, cell = row.space_group_symbol, row.cell_formula
    if typeset:
        symbol, cell = typeset_symbol(symbol), typeset_formula(cell)
    texts = {
        "#": str(row.rank),
        "space group": f"{symbol} ({row.space_group_number})",
        "cell": cell,
        "Å³/atom": _number(row.volume_per_atom_a3, 2),
        "eV/atom": _number(row.energy_per_atom_ev, 3),
        "E form": _number(row.formation_energy_ev_per_atom, 3),
        "E #": "" if row.energy_rank is None else str(row.energy_rank),
        "chem #": str(row.chemical_rank),
        "conv": {True: "yes", False: "no", None: ""}[row.converged],
    }
    return [texts[column.title] for column in columns]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
