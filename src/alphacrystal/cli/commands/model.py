"""List the trained networks and print their model cards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.output import JsonOption, print_json

app = typer.Typer(no_args_is_help=True, help="List the trained networks and print their model cards.")

ModelsOption = Annotated[Path | None, typer.Option(help="Folder of weights instead of the shipped ones.")]


@app.command(name="list")
def list_models(models: ModelsOption = None, as_json: JsonOption = False) -> None:
    """List the networks and check each weights file against its hash."""
    from rich.console import Console
    from rich.table import Table

    from alphacrystal.learn import MODEL_NAMES, load_model, models_folder, read_card

    cards = [read_card(name, models) for name in MODEL_NAMES]
    for name in MODEL_NAMES:
        load_model(name, models_folder(models))
    if as_json:
        print_json({"models": cards})
        return
    table = Table()
    for column in ("name", "parameters", "trained", "sha256", "description"):
        table.add_column(column)
    for card in cards:
        table.add_row(
            card.name,
            f"{card.parameters:,}",
            str(card.trained.get("date")),
            card.sha256[:12],
            card.description,
        )
    Console(soft_wrap=True).print(table)


@app.command()
def card(
    name: Annotated[str, typer.Argument(help="symmetry, group, lattice, distance or contact.")],
    models: ModelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the model card of a network as JSON, on one line with --json."""
    from alphacrystal.learn import read_card

    if as_json:
        print_json(read_card(name, models))
        return
    typer.echo(read_card(name, models).model_dump_json(indent=2))
