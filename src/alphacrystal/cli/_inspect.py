"""`alphacrystal inspect`: what the networks think of a formula, without any search."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphacrystal.cli._requests import FormulaRequest, gather_requests
from alphacrystal.errors import AlphaCrystalError

if TYPE_CHECKING:
    from alphacrystal.composition import Formula
    from alphacrystal.crystal import SymmetryHypothesis

LOOKED_AT = 60  # hypotheses that share the probability of the cell contents among them
CELLS_WITH_DISTANCES = 3  # the likeliest cell contents get their distance matrix


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
    lines: list[str] = []
    worst = 0
    for request in gather_requests(formulas or [], source):
        try:
            formula, hypotheses, cells = _think(request, cell, top, max_atoms, space_group, models)
        except AlphaCrystalError as error:
            if source is None:
                raise
            worst = max(worst, error.exit_code)
            typer.echo(f"{request.formula}: {error}", err=True)
            continue
        if json_file is None:
            _print(formula, hypotheses, cells)
        else:
            lines.append(json.dumps(_as_json(formula, hypotheses, cells)))
    if json_file is not None and str(json_file) == "-":
        typer.echo("\n".join(lines))
    elif json_file is not None:
        _write(json_file, "\n".join(lines) + "\n")
    if worst:
        raise typer.Exit(worst)


def _write(path: Path, text: str) -> None:
    from alphacrystal.errors import InputError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}): choose another --json file."
        ) from error


def _think(
    request: FormulaRequest,
    cell: str | None,
    top: int,
    max_atoms: int,
    space_group: int | None,
    models: Path | None,
) -> tuple[Formula, list[SymmetryHypothesis], list[dict[str, Any]]]:
    from alphacrystal.composition import parse_formula
    from alphacrystal.config import make_config
    from alphacrystal.learn import predict_cell_distogram, predict_hypotheses
    from alphacrystal.preflight import units_to_try

    formula = parse_formula(request.formula)
    chosen = request.cell or cell
    config = make_config(cell=chosen, max_atoms=max_atoms, space_group=request.space_group or space_group)
    units = units_to_try(formula, config)
    hypotheses = predict_hypotheses(
        formula, units, max(top, LOOKED_AT), group=config.space_group, models=models
    )
    likely: dict[int, float] = {}
    for hypothesis in hypotheses:
        likely[hypothesis.formula_units] = likely.get(hypothesis.formula_units, 0.0) + math.exp(
            hypothesis.log_probability
        )
    cells = []
    for z in sorted(likely, key=lambda key: -likely[key])[:CELLS_WITH_DISTANCES]:
        content = formula.cell(z)
        distogram = predict_cell_distogram(content, hypotheses, models=models)
        cells.append(
            {
                "cell_formula": content.name,
                "z": z,
                "probability": round(likely[z], 4),
                "species": [symbol for symbol, count in content.counts.items() for _ in range(count)],
                "expected_distances": distogram.expected.round(4).tolist(),
                "bin_edges": distogram.all_edges.round(4).tolist(),
                "probabilities": distogram.probabilities.astype(float).round(5).tolist(),
            }
        )
    return formula, hypotheses[:top], cells


def _as_json(
    formula: Formula, hypotheses: list[SymmetryHypothesis], cells: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "formula": formula.reduced_formula,
        "cells": cells,
        "hypotheses": [
            {
                "space_group": h.space_group,
                "wyckoff": h.occupation,
                "z": h.formula_units,
                "lattice": {key: round(value, 4) for key, value in h.lattice.as_dict().items()},
                "lattice_std": {key: round(value, 4) for key, value in h.lattice_std.as_dict().items()},
                "log_probability": round(h.log_probability, 4),
            }
            for h in hypotheses
        ],
    }


def _print(formula: Formula, hypotheses: list[SymmetryHypothesis], cells: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from alphacrystal.crystal import space_group as group_of

    console = Console(soft_wrap=True, highlight=False)
    for note in formula.notes:
        console.print(f"Note: {note.rstrip('.')}.", markup=False)
    shares = ", ".join(f"{cell['cell_formula']} {100 * cell['probability']:.0f} %" for cell in cells)
    console.print(f"{formula.reduced_formula}: likely cells {shares}")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("%", justify="right", no_wrap=True)
    table.add_column("space group", no_wrap=True)
    table.add_column("Wyckoff")
    table.add_column("Z", justify="right", no_wrap=True)
    table.add_column("free cell parameters (Å, °)")
    for h in hypotheses:
        table.add_row(
            f"{100 * math.exp(h.log_probability):.1f}",
            f"{group_of(h.space_group).symbol} ({h.space_group})",
            " ".join(f"{symbol}:{letters}" for symbol, letters in h.occupation.items()),
            str(h.formula_units),
            _free_parameters(h),
        )
    console.print(table)


def _free_parameters(hypothesis: SymmetryHypothesis) -> str:
    """Parameters that the crystal system leaves free, each with its spread, e.g. "a=5.68±0.09"."""
    from alphacrystal.crystal import space_group as group_of

    free = {
        "cubic": ("a",),
        "hexagonal": ("a", "c"),
        "trigonal": ("a", "c"),
        "tetragonal": ("a", "c"),
        "orthorhombic": ("a", "b", "c"),
        "monoclinic": ("a", "b", "c", "beta"),
    }.get(group_of(hypothesis.space_group).crystal_system, ("a", "b", "c", "alpha", "beta", "gamma"))
    values, spreads = hypothesis.lattice.as_dict(), hypothesis.lattice_std.as_dict()
    digits = {name: 2 if len(name) == 1 else 0 for name in free}
    return " ".join(
        f"{name}={values[name]:.{digits[name]}f}±{spreads[name]:.{digits[name]}f}" for name in free
    )
