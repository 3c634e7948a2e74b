"""Output of commands: tables of runs and series of pressures, JSON, errors and notes."""

from __future__ import annotations

import codecs
import io
import json
import logging
import sys
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer

from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from alphacrystal.pipeline.pressure_series import PressureSeries
    from alphacrystal.report import RunSummary

JsonOption = Annotated[
    bool,
    typer.Option("--json", help="Print JSON instead of text: one object per line."),
]
ROWS = 10  # rows of a table
SERIES_ROWS = 5  # rows of the table of each pressure
MIN_WIDTH = 80  # columns of a table
_ESCAPED_ASCII = "ascii_escaped"


def print_run(folder: Path, rows: int = ROWS, *, as_json: bool = False) -> RunSummary:
    """Print the notes, the first rows of the list, those of lowest energy, and the paths of the files.

    Args:
        folder: The run folder.
        rows: Rows of the table.
        as_json: Print the whole ``RunSummary`` as one JSON object instead.

    Returns:
        The summary of the run.

    Raises:
        InputError: The folder is not a readable run folder.
    """
    from rich.console import Console

    from alphacrystal.report import (
        at_pressure,
        candidate_counts,
        cell_list,
        list_sentences,
        next_step,
        ranked_table,
        read_run_folder,
        shown_rows,
        table_legend,
        table_titles,
    )

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
        f"{at_pressure(printable(run.formula), run.pressure_gpa)}: "
        f"{candidate_counts(len(run.rows), run.candidates)}",
        markup=False,
    )
    if run.cells:
        console.print(f"Cell contents by probability: {printable(cell_list(run.cells))}", markup=False)
    if run.rows:
        width = max(console.width, MIN_WIDTH)
        console.print(ranked_table(run.rows, rows, width), width=width)
        if legend := table_legend(run.rows, rows, width):
            console.print(legend, markup=False)
        for sentence in list_sentences(run.rows, table_titles(run.rows, rows, width)):
            console.print(fill(printable(sentence), width, break_on_hyphens=False), markup=False)
    hidden = len(run.rows) - sum(map(len, shown_rows(run.rows, rows)))
    if hidden:
        console.print(f"The other {hidden} are in {folder / 'summary.csv'}", markup=False)
    console.print(f"Structures: {folder / 'structures'}", markup=False)
    console.print(f"Report: {folder / 'report.html'}", markup=False)
    if text := next_step(run.rows):
        console.print(fill(text, width=MIN_WIDTH), markup=False)
    return run


def print_json(value: object) -> None:
    """Print a dataclass, model or mapping as one line; numbers that are not finite become null.

    Characters beyond ASCII are JSON escapes where standard output is not in UTF-8.
    """
    from alphacrystal.report import plain_json

    typer.echo(json.dumps(plain_json(value), ensure_ascii=not prints_unicode()))


def prints_unicode() -> bool:
    """Whether the encoding of standard output has all characters."""
    return (sys.stdout.encoding or "ascii").lower().replace("-", "").startswith("utf")


def printable(text: str) -> str:
    """The text with control characters, which could move the cursor of a terminal, as escapes."""
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)


def print_error(sentence: str) -> None:
    """Print the error that ends the command."""
    typer.secho("Error: ", fg="red", bold=True, nl=False, err=True)
    typer.echo(printable(sentence), err=True)


def print_failure(name: str, reason: str) -> None:
    """Print why one item of a list failed; the other items are not affected."""
    typer.echo(printable(f"{name}: {reason}"), err=True)


class NoteHandler(logging.Handler):
    """Prints the log messages of the package as notes on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        typer.echo(printable(f"Note: {record.getMessage()}"), err=True)


def escape_unencodable_characters() -> None:
    """Print characters that the encoding of the output lacks, and bytes that are no text, as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        stream.reconfigure(errors="backslashreplace")
        if codecs.lookup(stream.encoding).name == "ascii":
            codecs.register(_escaped_ascii)
            stream.reconfigure(encoding=_ESCAPED_ASCII, errors="backslashreplace")


def _escaped_ascii(name: str) -> codecs.CodecInfo | None:
    """ASCII under another name: Typer writes UTF-8 to a stream whose encoding is called ASCII."""
    if name != _ESCAPED_ASCII:
        return None
    ascii_ = codecs.lookup("ascii")
    return codecs.CodecInfo(
        ascii_.encode,
        ascii_.decode,
        ascii_.streamreader,
        ascii_.streamwriter,
        ascii_.incrementalencoder,
        ascii_.incrementaldecoder,
        name=_ESCAPED_ASCII,
    )


def create_folder(out: Path) -> None:
    """Create the output folder of a command.

    Raises:
        InputError: It cannot be created.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The output folder {out} cannot be written ({error.strerror}): choose another --out."
        ) from error


def print_series(series: PressureSeries, *, as_json: bool) -> None:
    """Print the first rows at each pressure and the phases of lowest enthalpy; or one JSON object."""
    from rich.console import Console

    from alphacrystal.report import ranked_table, table_legend

    ranges = [(series.phases[number], begin, end) for number, begin, end in series.ranges]
    if as_json:
        print_json(
            {
                "formula": series.formula,
                "pressures_gpa": list(series.predictions),
                "lists": [prediction.rows for prediction in series.predictions.values()],
                "lowest_enthalpy": [
                    {
                        "from_gpa": begin,
                        "to_gpa": end,
                        "space_group_number": phase.space_group_number,
                        "space_group_symbol": phase.space_group_symbol,
                        "cell_formula": phase.cell_formula,
                    }
                    for phase, begin, end in ranges
                ],
                "folder": str(series.folder),
            }
        )
        return
    console = Console(soft_wrap=True, highlight=False)
    for pressure, prediction in series.predictions.items():
        console.print(f"{printable(series.formula)} at {pressure:g} GPa", markup=False, style="bold")
        rows = prediction.rows
        console.print(ranked_table(rows, SERIES_ROWS))
    if rows:
        console.print(table_legend(rows))
    console.print("Phase of lowest enthalpy:", markup=False)
    for phase, begin, end in ranges:
        name = f"{phase.space_group_symbol} ({phase.space_group_number}), {phase.cell_formula}"
        console.print(f"  {begin:.4g} to {end:.4g} GPa: {printable(name)}", markup=False)
    console.print(f"Enthalpies: {series.folder / 'enthalpies.csv'}", markup=False)
    console.print(f"Figure: {series.folder / 'enthalpies.png'}", markup=False)
    console.print(f"Report: {series.folder / 'report.html'}", markup=False)
