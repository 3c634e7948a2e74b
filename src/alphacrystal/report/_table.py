"""The ranked list as a table: on a terminal (rich) and in a notebook (HTML)."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alphacrystal.report._typeset import typeset_formula, typeset_symbol

if TYPE_CHECKING:
    from rich.table import Table

    from alphacrystal.report._run_record import CellProbability
    from alphacrystal.report._summary import SummaryRow

_LEGEND = "chem #: rank by networks"
_RANK_LEGEND = "E #: rank by energy; "
_FORMATION_LEGEND = "E form: formation energy, eV/atom; "
_HULL_LEGEND = "E form, E hull: formation energy and energy above hull, eV/atom\nE #: rank by energy; "
_HULL_ALONE_LEGEND = "E hull: energy above hull, eV/atom\nE #: rank by energy; "
_ENTHALPY_LEGEND = "enthalpy in eV/atom; H #: rank by enthalpy; "


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: its heading, whether it is left-aligned, and whether it needs a relaxation."""

    title: str
    left: bool = False
    energy: bool = False


_COLUMNS = (
    _Column("#"),
    _Column("prob"),
    _Column("R_wp %"),
    _Column("space group", left=True),
    _Column("cell"),
    _Column("Å³/atom"),
    _Column("eV/atom", energy=True),
    _Column("E form", energy=True),
    _Column("E hull", energy=True),
    _Column("E #", energy=True),
    _Column("E 2nd", energy=True),
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
    """The explanation of the short headings."""
    if any(row.enthalpy_per_atom_ev is not None for row in rows):
        return _ENTHALPY_LEGEND + _LEGEND + _second_legend(rows)
    if not _has_energies(rows):
        return _LEGEND
    if second := _second_legend(rows):
        return (_HULL_ALONE_LEGEND if _has_hull(rows) else _RANK_LEGEND) + _LEGEND + second
    if _has_hull(rows):
        return _HULL_LEGEND + _LEGEND
    return _RANK_LEGEND + (_FORMATION_LEGEND if _has_formation(rows) else "") + _LEGEND


def second_potential(rows: Sequence[SummaryRow]) -> str:
    """Name of the second potential of a list, "" without one."""
    return next((row.second_potential for row in rows if row.second_potential), "")


def _second_legend(rows: Sequence[SummaryRow]) -> str:
    name = second_potential(rows)
    quantity = "enthalpy" if any(row.enthalpy_per_atom_ev is not None for row in rows) else "energy"
    return f"\nE 2nd: {quantity} above the lowest row by {name}, eV/atom" if name else ""


def _has_formation(rows: Sequence[SummaryRow]) -> bool:
    return any(row.formation_energy_per_atom_ev is not None for row in rows)


def _has_hull(rows: Sequence[SummaryRow]) -> bool:
    return any(row.energy_above_hull_per_atom_ev is not None for row in rows)


def known_sentence(rows: Sequence[SummaryRow]) -> str:
    """The rows that are known phases, as a sentence; "" if no table was used."""
    if not any(row.known for row in rows):
        return ""
    if all(row.known == "new" for row in rows):
        return "Known phases: none of this formula"
    known = [f"{row.rank} is {row.known}" for row in rows if row.known not in ("", "other structure")]
    return f"Known phases: {', '.join(known[:MAX_KNOWN]) or 'none of these; the formula is known'}"


def unlisted_sentence(rows: Sequence[SummaryRow]) -> str:
    """The probability that none of all rows of a list is right, as a sentence; "" without probabilities."""
    known = [row.probability for row in rows if row.probability is not None]
    return f"None of these: {percentage(1 - sum(known))}" if known and len(known) == len(rows) else ""


def percentage(probability: float) -> str:
    """A probability as per cent, e.g. "62 %"; "<1 %" below half a per cent."""
    value = 100 * probability
    return "<1 %" if value < 0.5 else f"{value:.0f} %"


def list_sentences(rows: Sequence[SummaryRow]) -> list[str]:
    """Sentences below a list: "none of these", known phases, second potential, flags and phonons."""
    from alphacrystal.ranking import flag_sentences

    marked = [(row.rank, row.flags.split()) for row in rows]
    sentences = [
        unlisted_sentence(rows),
        known_sentence(rows),
        second_sentence(rows),
        *flag_sentences(marked),
        *phonon_sentences(rows),
        *mode_sentences(rows),
    ]
    return [text for text in sentences if text]


def second_sentence(rows: Sequence[SummaryRow]) -> str:
    """The row of lowest energy by the second potential, as a sentence; "" without one."""
    lowest = next((row.rank for row in rows if row.second_energy_rank == 1), None)
    return "" if lowest is None else f"Second potential {second_potential(rows)}: lowest is row {lowest}"


def phonon_sentences(rows: Sequence[SummaryRow]) -> list[str]:
    """Dynamic stability of the rows with phonons, one sentence each."""
    from alphacrystal.relaxation import IMAGINARY

    sentences = []
    for row in rows:
        lowest, free = row.lowest_frequency_thz, row.vibrational_free_energy_per_atom_ev
        if lowest is None or free is None:
            continue
        state = (
            "dynamically stable"
            if lowest > IMAGINARY
            else f"unstable, imaginary frequency {-lowest:.2f}i THz"
        )
        sentences.append(f"Row {row.rank}: {state}; vibrational free energy {free:+.3f} eV/atom")
    return sentences


def mode_sentences(rows: Sequence[SummaryRow]) -> list[str]:
    """The rows that follow an unstable mode of another row, one sentence each."""
    energies = {row.rank: row.energy_or_enthalpy_ev for row in rows}
    sentences = []
    for row in rows:
        energy = row.energy_or_enthalpy_ev
        above = None if row.mode_of_rank is None else energies.get(row.mode_of_rank)
        if above is not None and energy is not None:
            gain = 1000 * (above - energy)
            sentences.append(
                f"Row {row.rank}: follows the unstable mode of row {row.mode_of_rank}, "
                f"{gain:.0f} meV/atom lower"
            )
    return sentences


MAX_KNOWN = 5
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
    return f"{structures} distinct structures from {candidates} candidates"


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
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
        parts.append(f"<p>{html.escape(table_legend(rows))}</p>")
        parts += [f"<p>{html.escape(text)}</p>" for text in list_sentences(rows)]
    return "\n".join(parts)


def _has_energies(rows: Sequence[SummaryRow]) -> bool:
    return any(row.energy_or_enthalpy_ev is not None for row in rows)


def _columns(rows: Sequence[SummaryRow]) -> list[_Column]:
    has_energies = _has_energies(rows)
    columns = [column for column in _COLUMNS if has_energies or not column.energy]
    left_out = {"E hull"} if not _has_hull(rows) else {"eV/atom"}  # 80 columns do not hold both
    if not second_potential(rows):
        left_out.add("E 2nd")
    if not _has_formation(rows) or second_potential(rows):
        left_out.add("E form")  # of one formula, it differs from the energies by a constant
    columns = [column for column in columns if column.title not in left_out]
    if all(row.probability is None for row in rows):
        columns = [column for column in columns if column.title != "prob"]
    if all(row.r_wp is None for row in rows):
        columns = [column for column in columns if column.title != "R_wp %"]
    else:  # 80 columns do not hold all
        columns = [column for column in columns if column.title not in {"E form", "chem #"}]
    if any(row.enthalpy_per_atom_ev is not None for row in rows):  # no formation energies under pressure
        names = {"eV/atom": "enthalpy", "E #": "H #"}
        columns = [
            replace(column, title=names.get(column.title, column.title))
            for column in columns
            if column.title != "E form"
        ]
    return columns


def _cells(row: SummaryRow, columns: Sequence[_Column], *, typeset: bool = False) -> list[str]:
    symbol, cell = row.space_group_symbol, row.cell_formula
    if typeset:
        symbol, cell = typeset_symbol(symbol), typeset_formula(cell)
    texts = {
        "#": str(row.rank),
        "R_wp %": "" if row.r_wp is None else f"{100 * row.r_wp:.1f}",
        "space group": f"{symbol} ({row.space_group_number})",
        "cell": cell,
        "Å³/atom": _number(row.volume_per_atom_a3, 2),
        "prob": "" if row.probability is None else percentage(row.probability),
        "eV/atom": _number(row.energy_or_enthalpy_ev, 3),
        "enthalpy": _number(row.energy_or_enthalpy_ev, 3),
        "E form": _number(row.formation_energy_per_atom_ev, 3),
        "E hull": _number(row.energy_above_hull_per_atom_ev, 3),
        "E 2nd": _number(row.second_above_lowest_per_atom_ev, 3),
        "E #": "" if row.energy_rank is None else str(row.energy_rank),
        "H #": "" if row.energy_rank is None else str(row.energy_rank),
        "chem #": str(row.chemical_rank),
        "conv": {True: "yes", False: "no", None: ""}[row.converged],
    }
    return [texts[column.title] for column in columns]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"  # no negative zero
