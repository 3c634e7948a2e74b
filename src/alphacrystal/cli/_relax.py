"""`alphacrystal relax`: relax structure files and write a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.json_output import JsonOption
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.cli.text_table import print_run


def relax(
    files: Annotated[list[Path], typer.Argument(help="CIF, POSCAR or extxyz files.", metavar="FILE...")],
    out: Annotated[Path | None, typer.Option(help="Output folder; runs/relax-TIME by default.")] = None,
    fmax: Annotated[float, typer.Option(help="Force limit in eV/Å.")] = 0.1,
    steps: Annotated[int, typer.Option(help="Steps at most.")] = 150,
    symmetry: Annotated[
        bool,
        typer.Option("--symmetry/--no-symmetry", help="Keep the space group; else relax the cell as given."),
    ] = True,
    potential: Annotated[str, typer.Option(help="Potential that relaxes.")] = "chgnet",
    pressure: Annotated[float, typer.Option(help="Hydrostatic pressure in GPa.")] = 0.0,
    relaxation: Annotated[
        str, typer.Option(help="By gradient, or bayesian, which needs energies only.")
    ] = "gradient",
    hull: Annotated[
        Path | None, typer.Option(help="Competing phases: records or pymatgen entries (.json).")
    ] = None,
    references: Annotated[
        Path | None, typer.Option(help="Elemental energies from alphacrystal data references.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Relaxation processes.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Relax crystal structures from files; one subfolder per formula where there are several."""
    from alphacrystal.config import make_config
    from alphacrystal.pipeline.relax_files import relax_files
    from alphacrystal.report import default_folder

    out = out or default_folder("relax")
    config = make_config(
        fmax=fmax,
        steps=steps,
        potential=potential,
        relaxation=relaxation,
        pressure=pressure,
        hull=hull,
        references=references,
        workers=workers,
    )
    try:
        with ProgressDisplay("relax") as progress:
            folders = relax_files(files, config, folder=out, keep_symmetry=symmetry, progress=progress)
    except KeyboardInterrupt:
        done = sorted(path.parent for path in [*out.glob("run.json"), *out.glob("*/run.json")])
        for folder in done:
            print_run(folder, as_json=as_json)
        typer.echo("Interrupted; what was relaxed so far is listed above and on disk.", err=True)
        raise
    runs = [print_run(folder, as_json=as_json) for folder in folders]
    if any(run.failure for run in runs):
        raise typer.Exit(1)
