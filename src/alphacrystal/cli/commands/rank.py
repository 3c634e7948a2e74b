"""Order crystal structures by energy without relaxing them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from alphacrystal.cli.output import JsonOption, print_run
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.cli.settings_options import settings_options


@settings_options(
    (
        "potential",
        "device",
        "dispersion",
        "pressure",
        "hull",
        "references",
        "order_max_atoms",
        "order_candidates",
        "seed",
        "relax_seconds",
        "workers",
    ),
    defaults={"workers": 1},
)
def rank(
    files: Annotated[list[Path], typer.Argument(help="CIF, POSCAR or extxyz files.", metavar="FILE...")],
    out: Annotated[Path | None, typer.Option(help="Output folder; runs/rank-TIME by default.")] = None,
    as_json: JsonOption = False,
    *,
    settings: Mapping[str, Any],
) -> None:
    """Order crystal structures by energy without relaxing them; one subfolder per formula."""
    from alphacrystal.pipeline.relax_files import rank as rank_files

    with ProgressDisplay("rank") as progress:
        folders = rank_files(files, folder=out, progress=progress, **settings)
    runs = [print_run(folder, as_json=as_json) for folder in folders]
    if not as_json:
        typer.echo("The energies are those of the unrelaxed structures.")
    if any(run.failure for run in runs):
        raise typer.Exit(1)
