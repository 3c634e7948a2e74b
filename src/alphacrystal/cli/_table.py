"""The ranked list of a run as a table on the terminal."""

from __future__ import annotations

from pathlib import Path

ROWS = 10


def print_run(folder: Path, rows: int = ROWS) -> None:
    """Print notes, the first rows of the list and where the report is; the table fits 80 columns.

    Raises:
        InputError: The folder holds no readable run.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from alphacrystal.report import read_run_folder

    run = read_run_folder(folder)
    console = Console(soft_wrap=True, highlight=False)
    for note in run.notes:
        console.print(f"Note: {note.rstrip('.')}.", markup=False)
    if not run.complete:
        console.print("This run was interrupted: the list holds what was finished.")
    relaxed = any(row.energy_per_atom_ev is not None for row in run.rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("space group", no_wrap=True)
    table.add_column("cell", justify="right", overflow="fold")
    names = ["Å³/atom", *(["eV/atom", "E form", "E #"] if relaxed else []), "chem #"]
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    if relaxed:
        table.add_column("conv", no_wrap=True)
    for row in run.rows[:rows]:
        energies = (
            _number(row.energy_per_atom_ev, 3),
            _number(row.formation_energy_ev_per_atom, 3),
            "" if row.energy_rank is None else str(row.energy_rank),
        )
        table.add_row(
            str(row.rank),
            f"{row.space_group_symbol} ({row.space_group_number})",
            row.cell_formula,
            _number(row.volume_per_atom_a3, 2),
            *(energies if relaxed else ()),
            str(row.chemical_rank),
            *(({True: "yes", False: "no", None: ""}[row.converged],) if relaxed else ()),
        )
    console.print(f"{run.formula}: {len(run.rows)} distinct structures from {run.candidates} candidates")
    if run.rows:
        console.print(table)
        legend = "E #: rank by energy; E form: formation energy, eV/atom; " if relaxed else ""
        console.print(f"{legend}chem #: rank by networks")
    if len(run.rows) > rows:
        console.print(f"The other {len(run.rows) - rows} are in {folder / 'summary.csv'}", markup=False)
    console.print(f"Structures: {folder / 'structures'}", markup=False)
    console.print(f"Report: {folder / 'report.html'}", markup=False)


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
