"""The ranked list as a table: on a terminal (rich) and in a notebook (HTML)."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alphacrystal.report._sentences import list_sentences, next_step, percentage, second_potential
from alphacrystal.report._structure_text import typeset_formula, typeset_symbol

if TYPE_CHECKING:
    from rich.table import Table

    from alphacrystal.report._run_record import CellProbability
    from alphacrystal.report._summary import SummaryRow

_WIDTH = 80  # of a table without a terminal
_UNLIMITED = 1000  # of a table in HTML
_LATTICE = "a b c (Å) α β γ (°)"
_LATTICE_WIDTH = 26  # of the lattice, in which those of most systems fit
_GAP = 2  # columns between two columns
_LOWEST = 3  # rows of lowest energy that follow the first rows of a list
#: Explanations of short headings, in their order below a table.
_LEGENDS = {
    "prob": "prob: probability to be the known or ground-state structure",
    "E hull": "E hull: energy above hull, eV/atom",
    "E form": "E form: formation energy, eV/atom",
    "enthalpy": "enthalpy in eV/atom",
    "E #": "E #: rank by energy",
    "H #": "H #: rank by enthalpy",
    "chem #": "chem #: rank by networks",
    "known": "known: known structure (its identifier); other: known formula, other structure; new",
}


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a table.

    Attributes:
        title: Heading.
        place: Columns with small places remain where a table is narrow.
        left: Whether it is left-aligned.
        energy: Whether it needs a relaxation.
    """

    title: str
    place: int
    left: bool = False
    energy: bool = False


_COLUMNS = (
    _Column("#", 0),
    _Column("prob", 1),
    _Column("R_wp %", 2),
    _Column("space group", 0, left=True),
    _Column("prototype", 9, left=True),
    _Column("cell", 7, left=True),
    _Column(_LATTICE, 3, left=True),
    _Column("g/cm³", 5),
    _Column("Å³/atom", 13),
    _Column("eV/atom", 4, energy=True),
    _Column("E hull", 4, energy=True),
    _Column("E form", 10, energy=True),
    _Column("E 2nd", 4, energy=True),
    _Column("E #", 8, energy=True),
    _Column("chem #", 11),
    _Column("known", 6, left=True),
    _Column("conv", 12, left=True, energy=True),
)


def ranked_table(rows: Sequence[SummaryRow], shown: int | None = None, width: int = _WIDTH) -> Table:
    """A rich table of the first rows, and of the rows of lowest energy below a line.

    Args:
        rows: The list.
        shown: Number of first rows; all if None.
        width: Columns of the terminal; the table has the most important columns that fit.
    """
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    head, lowest = shown_rows(rows, shown)
    columns = _fitting([*head, *lowest], _columns(rows), width)
    for column in columns:
        folds = {"overflow": "fold"} if column.title in (_LATTICE, "cell") else {"no_wrap": True}
        table.add_column(column.title, justify="left" if column.left else "right", **folds)
    for row in head:
        table.add_row(*_cells(row, columns), end_section=bool(lowest) and row is head[-1])
    for row in lowest:
        table.add_row(*_cells(row, columns))
    return table


def shown_rows(
    rows: Sequence[SummaryRow], shown: int | None = None
) -> tuple[Sequence[SummaryRow], list[SummaryRow]]:
    """The first rows of a list, and the rows of lowest energy that are not among them."""
    head = rows[:shown]
    rest = [row for row in rows[len(head) :] if row.energy_or_enthalpy_ev is not None]
    energies = sorted(row.energy_or_enthalpy_ev for row in rows if row.energy_or_enthalpy_ev is not None)
    limit = energies[:_LOWEST][-1] if energies else 0.0
    return head, [row for row in rest if (row.energy_or_enthalpy_ev or 0.0) <= limit]


def table_legend(rows: Sequence[SummaryRow], shown: int | None = None, width: int = _WIDTH) -> str:
    """The explanation of the short headings of ``ranked_table``."""
    head, lowest = shown_rows(rows, shown)
    titles = table_titles(rows, shown, width)
    parts = [text for title, text in _LEGENDS.items() if title in titles]
    if "E 2nd" in titles:
        quantity = "enthalpy" if any(row.enthalpy_per_atom_ev is not None for row in rows) else "energy"
        parts.append(f"E 2nd: {quantity} above the lowest row by {second_potential(rows)}, eV/atom")
    if any(row.converged is False for row in [*head, *lowest]):
        parts.append("*: not converged")
    if lowest:
        parts.append(f"last rows: among the {_LOWEST} lowest energies")
    return "\n".join(_lines(parts, width))


def _lines(parts: Sequence[str], width: int) -> list[str]:
    """Parts joined by semicolons in lines of a width."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 2 + len(part) < width:
            lines[-1] += f"; {part}"
        else:
            lines.append(part)
    return lines


def table_titles(rows: Sequence[SummaryRow], shown: int | None = None, width: int = _WIDTH) -> set[str]:
    """The headings of ``ranked_table``."""
    head, lowest = shown_rows(rows, shown)
    return {column.title for column in _fitting([*head, *lowest], _columns(rows), width)}


def _has_formation(rows: Sequence[SummaryRow]) -> bool:
    return any(row.formation_energy_per_atom_ev is not None for row in rows)


def _has_hull(rows: Sequence[SummaryRow]) -> bool:
    return any(row.energy_above_hull_per_atom_ev is not None for row in rows)


MIN_SHOWN_PROBABILITY = 0.005  # of a cell content in a list


def cell_list(cells: Sequence[CellProbability], shown: int = 6) -> str:
    """The most probable contents of the primitive cell, e.g. "Fe4Li4P4O16 93 %, Fe2Li2P2O8 4 %"."""
    probable = [cell for cell in cells if cell.probability >= MIN_SHOWN_PROBABILITY]
    return ", ".join(f"{cell.cell_formula} {100 * cell.probability:.0f} %" for cell in probable[:shown])


def at_pressure(formula: str, pressure_gpa: float) -> str:
    """The formula, with the pressure if there is one, e.g. "NaCl at 45 GPa"."""
    return f"{formula} at {pressure_gpa:g} GPa" if pressure_gpa else formula


def candidate_counts(structures: int, candidates: int) -> str:
    """The numbers of listed structures and of candidates, as a clause."""
    listed = "1 structure" if structures == 1 else f"{structures} distinct structures"
    return f"{listed} from {candidates} candidate{'' if candidates == 1 else 's'}"


def html_table(formula: str, rows: Sequence[SummaryRow], candidates: int, notes: Sequence[str]) -> str:
    """Heading, notes and every row as HTML, for notebooks.

    Args:
        formula: Reduced formula, with the pressure if there is one.
        rows: The ranked list.
        candidates: Number of candidates.
        notes: Sentences to read before the list.
    """
    columns = _columns(rows)
    title = f"{typeset_formula(formula)}: {candidate_counts(len(rows), candidates)}"
    parts = [f"<p><strong>{html.escape(title)}</strong></p>"]
    parts += [f"<p>Note: {html.escape(note.rstrip('.'))}.</p>" for note in notes]
    head = "".join(f"<th>{html.escape(column.title)}</th>" for column in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(row, columns, typeset=True))
        + "</tr>"
        for row in rows
    )
    if rows:
        table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        # A narrow page scrolls the table instead of breaking its cells.
        parts.append(
            f'<div style="overflow-x: auto"><table style="white-space: nowrap">{table}</table></div>'
        )
        parts.append(f"<p>{html.escape(table_legend(rows, width=_UNLIMITED))}</p>")
        texts = [*list_sentences(rows, ("prototype", "known")), next_step(rows)]
        parts += [f"<p>{html.escape(text)}</p>" for text in texts]
    return "\n".join(parts)


def _has_energies(rows: Sequence[SummaryRow]) -> bool:
    return any(row.energy_or_enthalpy_ev is not None for row in rows)


def _columns(rows: Sequence[SummaryRow]) -> list[_Column]:
    """The columns that have a value in a row."""
    under_pressure = any(row.enthalpy_per_atom_ev is not None for row in rows)
    empty = {
        "prob": all(row.probability is None for row in rows),
        "R_wp %": all(row.r_wp is None for row in rows),
        "prototype": not any(row.prototype for row in rows),
        _LATTICE: all(row.a is None for row in rows),
        "g/cm³": all(row.density_g_cm3 is None for row in rows),
        "eV/atom": _has_hull(rows) and not under_pressure,
        "E hull": not _has_hull(rows),
        "E form": not _has_formation(rows) or under_pressure,
        "E 2nd": not second_potential(rows),
        "known": not any(row.known for row in rows),
    }
    has_energies = _has_energies(rows)
    columns = [
        column
        for column in _COLUMNS
        if not empty.get(column.title, False) and (has_energies or not column.energy)
    ]
    names = {"eV/atom": "enthalpy", "E #": "H #"} if under_pressure else {}
    return [replace(column, title=names.get(column.title, column.title)) for column in columns]


def _fitting(rows: Sequence[SummaryRow], columns: Sequence[_Column], width: int) -> list[_Column]:
    """The most important columns that fit a width; long lattices may take two lines."""
    chosen: list[_Column] = []
    left = width + _GAP
    for column in sorted(columns, key=lambda column: column.place):
        cells = [_cells(row, [column])[0] for row in rows]
        longest = max(map(len, [column.title, *cells]))
        needed = min(longest, _LATTICE_WIDTH) if column.title == _LATTICE else longest
        if needed + _GAP <= left or column.place <= 1:
            chosen.append(column)
            left -= needed + _GAP
    return [column for column in columns if column in chosen]


def _cells(row: SummaryRow, columns: Sequence[_Column], *, typeset: bool = False) -> list[str]:
    symbol, cell = row.space_group_symbol, row.cell_formula
    if typeset:
        symbol, cell = typeset_symbol(symbol), typeset_formula(cell)
    unconverged = "*" if row.converged is False else ""
    texts = {
        "#": str(row.rank),
        "R_wp %": "" if row.r_wp is None else f"{100 * row.r_wp:.1f}",
        "space group": f"{symbol} ({row.space_group_number})",
        "cell": cell,
        "Å³/atom": _number(row.volume_per_atom_a3, 2),
        "prototype": row.prototype,
        _LATTICE: lattice_text(row),
        "g/cm³": _number(row.density_g_cm3, 2),
        "known": {"other structure": "other"}.get(row.known, row.known),
        "prob": "" if row.probability is None else percentage(row.probability),
        "eV/atom": _number(row.energy_or_enthalpy_ev, 3) + unconverged,
        "enthalpy": _number(row.energy_or_enthalpy_ev, 3) + unconverged,
        "E form": _number(row.formation_energy_per_atom_ev, 3),
        "E hull": _number(row.energy_above_hull_per_atom_ev, 3) + unconverged,
        "E 2nd": _number(row.second_above_lowest_per_atom_ev, 3),
        "E #": "" if row.energy_rank is None else str(row.energy_rank),
        "H #": "" if row.energy_rank is None else str(row.energy_rank),
        "chem #": str(row.chemical_rank),
        "conv": {True: "yes", False: "no", None: ""}[row.converged],
    }
    return [texts[column.title] for column in columns]


def lattice_text(row: SummaryRow) -> str:
    """Lengths in Å and angles in degrees of the conventional cell, e.g. "4.59 4.59 2.96 90 90 90"."""
    lengths = [_number(value, 2) for value in (row.a, row.b, row.c)]
    angles = [_number(value, 1).removesuffix(".0") for value in (row.alpha, row.beta, row.gamma)]
    return " ".join([*lengths, *angles]).strip()


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"  # no negative zero
