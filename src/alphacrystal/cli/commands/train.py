"""Train a network on known crystals (benchmark compounds are dropped)."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.output import JsonOption, create_folder, print_json
from alphacrystal.cli.progress_display import ProgressDisplay


def train(
    name: Annotated[
        str,
        typer.Argument(
            help="symmetry, group, lattice, distance, orbit_distance, coordinates, contact or existence.",
            metavar="NAME",
        ),
    ],
    data: Annotated[
        Path, typer.Option(help="structures.jsonl(.gz), or a folder with it or of CIF/POSCAR files.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for checkpoint, log, weights and model card.")],
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the data (default: by NAME).")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed (default: 0).")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="torch threads (default: 1).")] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of prepared arrays (default: OUT/cache).")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume from the checkpoint in --out.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a network on known crystals (benchmark compounds are dropped)."""
    from alphacrystal.learn.training import train_model, with_overrides
    from alphacrystal.runtime.folder_lock import lock_folder

    overrides = {"epochs": epochs, "seed": seed, "threads": threads}
    options = "".join(f" --{key} {value}" for key, value in overrides.items() if value is not None)
    create_folder(out)
    try:
        with lock_folder(out), ProgressDisplay(f"train {name}") as progress:
            result = train_model(
                name,
                data,
                out,
                settings=with_overrides(name, **overrides),
                cache=cache,
                resume=resume,
                command=f"alphacrystal train {name} --data DATA --out OUT{options}",
                on_prepared=lambda done: progress("prepare", done, 0),
                on_step=lambda step, total, _: progress("step", step, total),
            )
    except KeyboardInterrupt:
        if (out / "checkpoint.pt").is_file():
            paths = f"--data {shlex.quote(str(data))} --out {shlex.quote(str(out))}"
            paths += "" if cache is None else f" --cache {shlex.quote(str(cache))}"
            typer.echo(
                f"Interrupted; resume with: alphacrystal train {name} {paths}{options} --resume", err=True
            )
        else:
            typer.echo("Interrupted before the end of the first epoch: nothing to resume.", err=True)
        raise
    card, loss = result.weights.with_suffix(".json"), out / "loss.png"
    plotted = loss.is_file()
    if as_json:
        print_json(
            {
                "name": name,
                "metrics": result.card.metrics,
                "weights": result.weights,
                "card": card,
                "loss": loss if plotted else None,
            }
        )
        return
    for key, value in result.card.metrics.items():
        typer.echo(f"{key:32s} {value:.4f}")
    typer.echo(f"Weights: {result.weights}\nCard: {card}" + (f"\nLoss: {loss}" if plotted else ""))
