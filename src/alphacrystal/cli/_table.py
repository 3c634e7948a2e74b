"""The ranked list of a run as a table on the terminal."""

from __future__ import annotations

from pathlib import Path

ROWS = 10


def print_run(folder: Path, rows: int = ROWS) -> None:
    """Print notes, the first rows of the list and where the report is.

    Raises:
        InputError: The folder holds no readable run.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from alphacrystal.report import read_run_folder

    run = read_run_folder(folder)
    console = Console(soft_wrap=True)
    for note in run.notes:
        console.print(f"Note: {escape(note)}")
    if not run.complete:
        console.print("This run was interrupted: the list holds what was finished.")
    table = Table(title=f"{run.formula}: {len(run.rows)} structures from {run.candidates} candidates")
    for name in ("rank", "space group", "cell", "E (eV/atom)", "E_form", "V (Å³/atom)", "chem.", "energy", "conv."):
        table.add_column(name, justify="right")
    for row in run.rows[:rows]:
        table.add_row(
            str(row.rank),
            f"{row.space_group_symbol} ({row.space_group_number})",
            row.cell_formula,
            _number(row.energy_per_atom_ev, 3),
            _number(row.formation_energy_ev_per_atom, 3),
            _number(row.volume_per_atom_a3, 2),
            str(row.chemical_rank),
            "" if row.energy_rank is None else str(row.energy_rank),
            {True: "yes", False: "no", None: ""}[row.converged],
        )
    console.print(table)
    console.print(f"Structures: {folder / 'structures'}")
    console.print(f"Report: {folder / 'report.html'}")


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
