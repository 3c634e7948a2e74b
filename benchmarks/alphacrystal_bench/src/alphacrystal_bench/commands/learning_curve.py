"""`alphacrystal benchmark learning-curve`: errors against the size of training data and networks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.output import JsonOption, create_folder, print_json
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.errors import InputError


def learning_curve(
    data: Annotated[
        Path, typer.Option(help="structures.jsonl(.gz), or a folder with it or of CIF/POSCAR files.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the results; each trained point is kept there.")],
    cache: Annotated[
        Path | None, typer.Option(help="Folder of prepared arrays (default: OUT/cache).")
    ] = None,
    curves: Annotated[str, typer.Option(help="Some of symmetry,lattice.")] = "symmetry,lattice",
    shares: Annotated[
        str, typer.Option(help="Shares of the training formulas, at full width.")
    ] = "0.015625,0.0625,0.25,1",
    widths: Annotated[str, typer.Option(help="Widths of the networks, on all formulas.")] = "0.25,0.5,1",
    seed: Annotated[int, typer.Option(min=0, help="Seed.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="torch threads.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the trained points in --out.")] = False,
    page: Annotated[
        Path | None, typer.Option(help="Also write a Markdown page here, its figure in a folder beside it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Errors of the symmetry and lattice models against the size of their data and networks."""
    from alphacrystal_bench.models.learning_curve import CURVES, CurveSettings, learning_curves
    from alphacrystal_bench.models.learning_curve_page import learning_curves_page, write_learning_curves_page

    chosen = tuple(word.strip() for word in curves.split(","))
    if not set(chosen) <= set(CURVES):
        raise InputError(f"--curves takes some of {','.join(CURVES)}, not {curves!r}.")
    settings = CurveSettings(
        curves=chosen,
        shares=_numbers("--shares", shares, most=1.0),
        widths=_numbers("--widths", widths, most=4.0),
        seed=seed,
        threads=threads,
    )
    create_folder(out)
    try:
        with ProgressDisplay("learning-curve") as progress:
            result = learning_curves(
                settings, out, source=data, cache=cache, resume=resume, on_progress=progress
            )
    except KeyboardInterrupt:
        typer.echo("Interrupted; go on with the same command and --resume.", err=True)
        raise
    if page is not None:
        write_learning_curves_page(result, page)
    if as_json:
        print_json(result)
    else:
        typer.echo(learning_curves_page(result))


def _numbers(option: str, text: str, *, most: float) -> tuple[float, ...]:
    try:
        values = tuple(float(word) for word in text.split(","))
    except ValueError:
        values = ()
    if not values or not all(0 < value <= most for value in values):
        raise InputError(f"{option} takes numbers above 0 up to {most:g}, separated by commas, not {text!r}.")
    return values
