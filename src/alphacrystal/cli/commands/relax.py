"""Relax crystal structures from files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from alphacrystal.cli.output import JsonOption, print_run
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.cli.settings_options import settings_options
from alphacrystal.config import RELAXER_SETTINGS

RELAXATION_SETTINGS = (
    *RELAXER_SETTINGS,
    "pressure",
    "hull",
    "references",
    "order_max_atoms",
    "order_candidates",
    "seed",
    "workers",
)


@settings_options(RELAXATION_SETTINGS)
def relax(
    files: Annotated[list[Path], typer.Argument(help="CIF, POSCAR or extxyz files.", metavar="FILE...")],
    out: Annotated[Path | None, typer.Option(help="Output folder; runs/relax-TIME by default.")] = None,
    symmetry: Annotated[
        bool,
        typer.Option("--symmetry/--no-symmetry", help="Relax within the space group, or the full cell."),
    ] = True,
    as_json: JsonOption = False,
    *,
    settings: Mapping[str, Any],
) -> None:
    """Relax crystal structures from files; several formulas have one subfolder each."""
    from alphacrystal.pipeline.relax_files import relax as relax_files
    from alphacrystal.report import default_folder

    out = out or default_folder("relax")
    try:
        with ProgressDisplay("relax") as progress:
            folders = relax_files(files, folder=out, symmetry=symmetry, progress=progress, **settings)
    except KeyboardInterrupt:
        done = sorted(path.parent for path in [*out.glob("run.json"), *out.glob("*/run.json")])
        for folder in done:
            print_run(folder, as_json=as_json)
        typer.echo("Interrupted; the relaxed structures are listed above and on disk.", err=True)
        raise
    runs = [print_run(folder, as_json=as_json) for folder in folders]
    if any(run.failure for run in runs):
        raise typer.Exit(1)
