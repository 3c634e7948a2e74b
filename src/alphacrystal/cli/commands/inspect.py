"""Show predicted symmetry, cells and distances of formulas."""

from __future__ import annotations

import gc
import math
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self, TextIO

import typer

from alphacrystal.cli.output import JsonOption, print_failure
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.config import MAX_ATOMS
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.pipeline.formula_list import gather_requests
from alphacrystal.pipeline.inspection import Inspection
from alphacrystal.pipeline.inspection import inspect as inspect_formula
from alphacrystal.runtime.interrupts import interrupts_held

if TYPE_CHECKING:
    from alphacrystal.crystal import SymmetryHypothesis

MIN_FORMULAS_FOR_PROGRESS = 20


def inspect(
    formulas: Annotated[
        list[str] | None, typer.Argument(help="Formulas, e.g. Zr4Al3.", metavar="FORMULA...")
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="CSV with a formula column, or one formula a line.")
    ] = None,
    cell: Annotated[str | None, typer.Option(help="Content of the primitive cell, e.g. Pb4O4.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Hypotheses to show.")] = 20,
    max_atoms: Annotated[
        int, typer.Option(min=1, max=MAX_ATOMS, help="Maximal atoms in the primitive cell.")
    ] = MAX_ATOMS,
    space_group: Annotated[
        str | None,
        typer.Option(
            help="Only this space group (221 or Pm-3m), or those of a crystal system (cubic).",
            metavar="GROUP",
        ),
    ] = None,
    models: Annotated[
        Path | None, typer.Option(help="Folder of weights instead of the shipped ones.")
    ] = None,
    output_file: Annotated[
        Path | None, typer.Option("--output", help="Write one JSON object a line to this file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show predicted symmetry, cells and distances of formulas."""
    requests = gather_requests(formulas or [], source)
    if (
        source is not None
        and output_file is not None
        and output_file.exists()
        and output_file.samefile(source)
    ):
        raise InputError(f"{output_file} is the list of formulas: choose another --output file.")
    exit_code = 0
    # A progress bar would disturb lines or tables on the same terminal.
    shows_progress = output_file is not None and len(requests) >= MIN_FORMULAS_FOR_PROGRESS
    destination = _Output(output_file, as_json=as_json)
    with destination as output, ProgressDisplay("inspect") if shows_progress else nullcontext() as progress:
        for done, request in enumerate(requests, start=1):
            try:
                inspection = inspect_formula(
                    request.formula,
                    top=top,
                    cell=request.cell or cell,
                    max_atoms=max_atoms,
                    space_group=request.space_group or space_group,
                    models=models,
                )
            except AlphaCrystalError as error:
                if source is None:
                    raise
                exit_code = max(exit_code, error.exit_code)
                print_failure(request.formula, str(error))
            else:
                output.add(inspection)
            if progress is not None:
                progress("formulas", done, len(requests))
            if done == 1:
                # Networks and tables stay in memory: exclude them from garbage collection.
                gc.freeze()
    if exit_code:
        raise typer.Exit(exit_code)


class _Output:
    """Writes inspections one by one: JSON lines to a file or standard output, or tables.

    The file is created with the first inspection, so that a bad formula leaves an older file unchanged; it is
    empty if no formula of a list is valid.
    """

    def __init__(self, path: Path | None, *, as_json: bool) -> None:
        self.path = path
        self.as_json = as_json
        self._stream: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error_type: type[BaseException] | None, *error: object) -> None:
        if self.path is not None and error_type is None:
            self._open(self.path)
        if self._stream is not None:
            self._stream.close()

    def add(self, inspection: Inspection) -> None:
        """Write one inspection.

        Raises:
            InputError: The file cannot be written.
        """
        if self.path is None and not self.as_json:
            _print(inspection)
            return
        stream = sys.stdout if self.path is None else self._open(self.path)
        line = inspection.as_json() + "\n"
        with interrupts_held():  # no incomplete lines
            stream.write(line)
            stream.flush()

    def _open(self, path: Path) -> TextIO:
        if self._stream is None:
            try:
                self._stream = path.open("w", encoding="utf-8")
            except OSError as error:
                raise InputError(
                    f"{path} cannot be written ({error.strerror}): choose another --output file."
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
    console.print(f"{formula.name}: likely cells {shares}")
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
