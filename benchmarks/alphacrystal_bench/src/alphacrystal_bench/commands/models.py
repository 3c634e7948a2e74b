"""`alphacrystal benchmark models`: what the learned models know, beside other methods and controls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.output import JsonOption, create_folder, print_json
from alphacrystal.cli.progress_display import ProgressDisplay


def models(
    data: Annotated[
        Path,
        typer.Option(help="The records the models were trained on: structures.jsonl(.gz), or its folder."),
    ],
    out: Annotated[Path, typer.Option(help="Folder that models.json is written to.")],
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder of prepared arrays and of what forests predict (default: OUT/cache)."),
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="Also write a Markdown page here, figures in a folder beside it.")
    ] = None,
    as_json: JsonOption = False,
    models: Annotated[
        Path | None, typer.Option(help="Folder of weights (default: those of the package).")
    ] = None,
    forests: Annotated[
        bool, typer.Option(help="Train the rival forests too; about an hour when they are not in --cache.")
    ] = True,
    trees: Annotated[int, typer.Option(min=1, help="Trees in each forest (default: 100).")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the forests (default: 0).")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="torch threads (default: 1).")] = 1,
) -> None:
    """What the learned models know of held-out compounds, beside rival methods and controls."""
    import torch

    from alphacrystal.runtime.atomic_write import write_text_atomically
    from alphacrystal_bench.models.page import models_page, write_models_page
    from alphacrystal_bench.models.tables import benchmark_models

    torch.set_num_threads(threads)
    create_folder(out)
    with ProgressDisplay("benchmark models") as progress:
        result = benchmark_models(
            data,
            models=models,
            cache=cache or out / "cache",
            forests=forests,
            trees=trees,
            seed=seed,
            on_progress=progress,
        )
    write_text_atomically(out / "models.json", json.dumps(result, indent=1) + "\n")
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        write_models_page(result, page)
    if as_json:
        print_json(result)
    else:
        typer.echo(models_page(result))
