"""Order crystal structures by energy without relaxing them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from alphacrystal.cli.json_output import JsonOption
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.cli.settings_options import settings_options
from alphacrystal.cli.text_table import print_run


@settings_options(
    ("potential", "pressure", "hull", "references", "relax_seconds", "workers"), defaults={"workers": 1}
)
def rank(
    files: Annotated[list[Path], typer.Argument(help="CIF, POSCAR or extxyz files.", metavar="FILE...")],
    out: Annotated[Path | None, typer.Option(help="Output folder; runs/rank-TIME by default.")] = None,
    as_json: JsonOption = False,
    *,
    settings: Mapping[str, Any],
) -> None:
    """Order crystal structures by energy without relaxing them; one subfolder per formula."""
    from alphacrystal.config import make_config
    from alphacrystal.pipeline.relax_files import relax_files
    from alphacrystal.relax import EnergyScale, check_potential, energy_scale
    from alphacrystal.report import default_folder

    potential = str(settings.get("potential", "chgnet"))
    check_potential(potential, forces=False)
    out = out or default_folder("rank")
    # A model without forces evaluates through the Bayesian search, which takes no step here.
    method = "bayesian" if energy_scale(potential) is EnergyScale.FORMATION else "gradient"
    config = make_config(**{"workers": 1, **settings}, steps=0, order="energy", relaxation=method)
    with ProgressDisplay("rank") as progress:
        folders = relax_files(files, config, folder=out, progress=progress)
    runs = [print_run(folder, as_json=as_json) for folder in folders]
    if not as_json:
        typer.echo("Energies are of the structures as given; nothing was relaxed.")
    if any(run.failure for run in runs):
        raise typer.Exit(1)
