"""The ranked list of a run on the terminal, as a table or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.cli.json_output import print_json
from alphacrystal.cli.messages import printable

if TYPE_CHECKING:
    from alphacrystal.report import RunSummary

ROWS = 10


def print_run(folder: Path, rows: int = ROWS, *, as_json: bool = False) -> RunSummary:
    """Print notes, the first rows of the list and where the report is; the table fits 80 columns.

    Args:
        folder: The run folder.
        rows: Rows of the table.
        as_json: Print all of ``RunSummary`` as one JSON object instead.

    Returns:
        The printed text.

    Raises:
        InputError: The folder holds no readable run.
    """
    from rich.console import Console

    from alphacrystal.report import candidate_counts, ranked_table, read_run_folder, table_legend

    run = read_run_folder(folder)
    if as_json:
        print_json(run)
        return run
    console = Console(soft_wrap=True, highlight=False)
    for note in run.notes:
        console.print(f"Note: {printable(note).rstrip('.')}.", markup=False)
    if not run.complete:
        console.print("This run was interrupted: the list is incomplete.")
    console.print(
        f"{printable(run.formula)}: {candidate_counts(len(run.rows), run.candidates)}", markup=False
    )
    if run.rows:
        console.print(ranked_table(run.rows, rows))
        console.print(table_legend(run.rows))
    if len(run.rows) > rows:
        console.print(f"The other {len(run.rows) - rows} are in {folder / 'summary.csv'}", markup=False)
    console.print(f"Structures: {folder / 'structures'}", markup=False)
    console.print(f"Report: {folder / 'report.html'}", markup=False)
    return run
