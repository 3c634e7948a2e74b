"""`alphacrystal inspect`: what the networks think of a formula, without any search."""

from __future__ import annotations

import gc
import math
import sys
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Self, TextIO

import typer

from alphacrystal.cli._requests import gather_requests
from alphacrystal.cli._say import say_failure
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.pipeline.inspection import Inspection, inspect_formula
from alphacrystal.runtime.interrupts import interrupts_held

if TYPE_CHECKING:
    from alphacrystal.crystal import SymmetryHypothesis

LONG_BATCH = 20  # formulas from which on progress is shown


def inspect(
    formulas: Annotated[
        list[str] | None, typer.Argument(help="Formulas, e.g. Zr4Al3.", metavar="FORMULA...")
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="CSV with a formula column, or one formula a line.")
    ] = None,
    cell: Annotated[str | None, typer.Option(help="Content of the primitive cell, e.g. Pb4O4.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Hypotheses to show.")] = 20,
    max_atoms: Annotated[int, typer.Option(min=1, max=20, help="Largest primitive cell.")] = 20,
    space_group: Annotated[int | None, typer.Option(help="Only this space group, 1-230.")] = None,
    models: Annotated[
        Path | None, typer.Option(help="Folder of weights instead of the shipped ones.")
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", help="Write one JSON object a line to this file; - for standard output."),
    ] = None,
) -> None:
    """Show predicted symmetry, cells and distances of formulas."""
    requests = gather_requests(formulas or [], source)
    if source is not None and json_file is not None and json_file.exists() and json_file.samefile(source):
        raise InputError(f"{json_file} is the list itself: choose another --json file.")
    worst = 0
    # A bar would run into lines or tables on the same terminal.
    shown = json_file is not None and str(json_file) != "-" and len(requests) >= LONG_BATCH
    with _Output(json_file) as output, ProgressDisplay("inspect") if shown else nullcontext() as progress:
        for done, request in enumerate(requests, start=1):
            try:
                inspection = inspect_formula(
                    request, cell=cell, top=top, max_atoms=max_atoms, space_group=space_group, models=models
                )
            except AlphaCrystalError as error:
                if source is None:
                    raise
                worst = max(worst, error.exit_code)
                say_failure(request.formula, str(error))
            else:
                output.add(inspection)
            if progress is not None:
                progress("formulas", done, len(requests))
            if done == 1:
                # Networks and tables stay for good: the collector need not look through them again and again.
                gc.freeze()
    if worst:
        raise typer.Exit(worst)


class _Output:
    """Where inspections go, each as soon as it is there: a file or standard output as JSON, or a table.

    The file is begun with the first inspection, so that a bad formula leaves an older file alone; it is empty
    where a list holds no good formula.
    """

    def __init__(self, json_file: Path | None) -> None:
        self.json_file = json_file
        self._stream: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.json_file is not None and kind is None:
            self._open(self.json_file)
        if self._stream is not None and self._stream is not sys.stdout:
            self._stream.close()

    def add(self, inspection: Inspection) -> None:
        """Write one inspection.

        Raises:
            InputError: The file cannot be written.
        """
        if self.json_file is None:
            _print(inspection)
            return
        stream, line = self._open(self.json_file), inspection.as_json() + "\n"
        with interrupts_held():  # no half lines
            stream.write(line)
            stream.flush()

    def _open(self, path: Path) -> TextIO:
        if self._stream is None:
            try:
                self._stream = sys.stdout if str(path) == "-" else path.open("w", encoding="utf-8")
            except OSError as error:
                raise InputError(
                    f"{path} cannot be written ({error.strerror}): choose another --json file."
                ) from error
        return self._stream


def _print(inspection: Inspection) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from alphacrystal.crystal import group_symbol

    formula = inspection.formula
    console = Console(soft_wrap=True, highlight=False)
    for note in formula.notes:
        console.print(f"Note: {note.rstrip('.')}.", markup=False)
    shares = ", ".join(f"{cell.content.name} {100 * cell.probability:.0f} %" for cell in inspection.cells)
    console.print(f"{formula.reduced_formula}: likely cells {shares}")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("%", justify="right", no_wrap=True)
    table.add_column("space group", no_wrap=True)
    table.add_column("Wyckoff")
    table.add_column("Z", justify="right", no_wrap=True)
    table.add_column("free cell parameters (Å, °)")
    for h in inspection.hypotheses:
        table.add_row(
            f"{100 * math.exp(h.log_probability):.1f}",
            f"{group_symbol(h.space_group)} ({h.space_group})",
            " ".join(f"{symbol}:{letters}" for symbol, letters in h.occupation.items()),
            str(h.formula_units),
            _free_parameters(h),
        )
    console.print(table)


def _free_parameters(hypothesis: SymmetryHypothesis) -> str:
    """Parameters that the crystal system leaves free, each with its spread, e.g. "a=5.68±0.09"."""
    from alphacrystal.crystal import crystal_system

    free = {
        "cubic": ("a",),
        "hexagonal": ("a", "c"),
        "trigonal": ("a", "c"),
        "tetragonal": ("a", "c"),
        "orthorhombic": ("a", "b", "c"),
        "monoclinic": ("a", "b", "c", "beta"),
    }.get(crystal_system(hypothesis.space_group), ("a", "b", "c", "alpha", "beta", "gamma"))
    values, spreads = hypothesis.lattice.as_dict(), hypothesis.lattice_std.as_dict()
    digits = {name: 2 if len(name) == 1 else 0 for name in free}
    return " ".join(
        f"{name}={values[name]:.{digits[name]}f}±{spreads[name]:.{digits[name]}f}" for name in free
    )
