"""`alphacrystal inspect`: what the networks think of a formula, without any search."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphacrystal.cli._requests import FormulaRequest, gather_requests
from alphacrystal.errors import AlphaCrystalError

if TYPE_CHECKING:
    from alphacrystal.composition import Formula
    from alphacrystal.crystal import SymmetryHypothesis

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
    hypotheses = predict_hypotheses(formula, units, max(top, 200), group=config.space_group, models=models)
    likely: dict[int, float] = {}
    for hypothesis in hypotheses:
        likely[hypothesis.formula_units] = likely.get(hypothesis.formula_units, 0.0) + 2.718281828 ** (
            hypothesis.log_probability
        )
    cells = []
    for z in sorted(likely, key=lambda key: -likely[key])[:CELLS_WITH_DISTANCES]:
        content = formula.cell(z)
        distogram = predict_cell_distogram(content, models=models)
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
    import math

    from rich.console import Console
    from rich.table import Table

    from alphacrystal.crystal import space_group as group_of

    console = Console(soft_wrap=True)
    for note in formula.notes:
        console.print(f"Note: {note}", markup=False)
    shares = ", ".join(f"{cell['cell_formula']} {100 * cell['probability']:.0f} %" for cell in cells)
    console.print(f"{formula.reduced_formula}: likely cells {shares}")
    table = Table(box=None, pad_edge=False)
    for name in ("%", "space group", "Wyckoff", "Z", "conventional cell (Å, °)"):
        table.add_column(name, overflow="fold")
    for h in hypotheses:
        table.add_row(
            f"{100 * math.exp(h.log_probability):.1f}",
            f"{group_of(h.space_group).symbol} ({h.space_group})",
            " ".join(f"{symbol}:{letters}" for symbol, letters in h.occupation.items()),
            str(h.formula_units),
            _cell_text(h),
        )
    console.print(table)


def _cell_text(hypothesis: SymmetryHypothesis) -> str:
    """The free parameters of the cell with their spread."""
    values, spread = hypothesis.lattice.as_dict(), hypothesis.lattice_std.as_dict()
    parts = []
    for name, value in values.items():
        tied = name in "bc" and abs(value - values["a"]) < 1e-6
        if name in "abc" and not tied:
            parts.append(f"{name} {value:.2f}±{spread[name]:.2f}" if spread[name] else f"{name} {value:.2f}")
        elif name not in "abc" and spread[name]:
            parts.append(f"{name} {value:.1f}±{spread[name]:.1f}")
    return ", ".join(parts)
