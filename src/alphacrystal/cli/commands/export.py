"""Write structures of a run for DFT and MD programs, OPTIMADE, or the supplement of a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.output import JsonOption, print_json
from alphacrystal.errors import InputError


def export(
    run: Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="vasp, qe, aims, cp2k, lammps (input files), optimade (JSON) or supplement (zip).",
            metavar="FORMAT",
        ),
    ],
    rows: Annotated[
        str | None, typer.Option(help="Ranks, e.g. 1-5 or 1,3,8; the first five by default.")
    ] = None,
    supercell: Annotated[
        str, typer.Option(help="Multiples of the lattice vectors, e.g. 2,2,2.", metavar="A,B,C")
    ] = "1,1,1",
    primitive: Annotated[bool, typer.Option("--primitive", help="Export primitive cells.")] = False,
    out: Annotated[Path | None, typer.Option(help="Output folder; RUN/export/FORMAT by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the files of an earlier export.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write structures of a run for DFT and MD programs, OPTIMADE, or the supplement of a paper."""
    from alphacrystal.export import export as export_run
    from alphacrystal.export import parse_rows

    paths = export_run(
        run,
        to,
        rows=None if rows is None else parse_rows(rows),
        supercell=_multiples(supercell),
        primitive=primitive,
        folder=out,
        force=force,
    )
    if as_json:
        print_json({"files": [str(path) for path in paths]})
        return
    for path in paths:
        typer.echo(path)


def _multiples(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise InputError(f"--supercell takes three whole numbers, e.g. 2,2,2, not {text[:40]!r}.") from None
