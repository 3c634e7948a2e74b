"""`alphacrystal rank`: order structure files by their energies as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.json_output import JsonOption
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.cli.text_table import print_run


def rank(
    files: Annotated[list[Path], typer.Argument(help="CIF, POSCAR or extxyz files.", metavar="FILE...")],
    out: Annotated[Path | None, typer.Option(help="Output folder; runs/rank-TIME by default.")] = None,
    potential: Annotated[
        str, typer.Option(help="Potential or formation-energy model (megnet:MODEL).")
    ] = "chgnet",
    pressure: Annotated[float, typer.Option(help="Pressure of the enthalpies in GPa.")] = 0.0,
    hull: Annotated[
        Path | None, typer.Option(help="Competing phases: records or pymatgen entries (.json).")
    ] = None,
    references: Annotated[
        Path | None, typer.Option(help="Elemental energies from alphacrystal data references.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Order crystal structures by energy without relaxing them; one subfolder per formula."""
    from alphacrystal.config import make_config
    from alphacrystal.pipeline.relax_files import relax_files
    from alphacrystal.relax import EnergyScale, check_potential, energy_scale
    from alphacrystal.report import default_folder

    check_potential(potential, forces=False)
    out = out or default_folder("rank")
    config = make_config(
        steps=0,
        order="energy",
        potential=potential,
        # A model without forces evaluates through the search, which takes no step here.
        relaxation="bayesian" if energy_scale(potential) is EnergyScale.FORMATION else "gradient",
        pressure=pressure,
        hull=hull,
        references=references,
        workers=workers,
    )
    with ProgressDisplay("rank") as progress:
        folders = relax_files(files, config, folder=out, progress=progress)
    runs = [print_run(folder, as_json=as_json) for folder in folders]
    if not as_json:
        typer.echo("Energies are of the structures as given; nothing was relaxed.")
    if any(run.failure for run in runs):
        raise typer.Exit(1)
