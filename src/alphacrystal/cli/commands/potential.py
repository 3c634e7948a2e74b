"""List the potentials, and register Python files of further ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.output import JsonOption, print_json

app = typer.Typer(
    no_args_is_help=True, help="List the potentials, and register Python files of further ones."
)


@app.command(name="list")
def list_potentials(as_json: JsonOption = False) -> None:
    """List the potentials that can be named here."""
    from rich.console import Console
    from rich.table import Table

    from alphacrystal.relaxation import POTENTIALS, potential_names, registered_files

    labels = dict.fromkeys(registered_files(), "registered file")
    labels |= {spec.name: spec.label for spec in POTENTIALS.built_in()}
    rows = {name: labels.get(name.removesuffix("MODEL"), "entry point") for name in potential_names()}
    if as_json:
        print_json({"potentials": [{"name": name, "description": text} for name, text in rows.items()]})
        return
    table = Table("name", "description")
    for row in rows.items():
        table.add_row(*row)
    Console(soft_wrap=True).print(table)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="Python file with a function make_potential.")],
    name: Annotated[str | None, typer.Option(help="Name of the potential; that of the file if none.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Register a Python file as a potential: it is copied, and imported when its name is used."""
    from alphacrystal.errors import InputError
    from alphacrystal.relaxation import POTENTIALS, potentials_folder, register_file, registered_files

    chosen = file.stem if name is None else name
    if chosen in POTENTIALS.names() and chosen not in registered_files():
        raise InputError(f"{chosen} is another potential already: choose another --name.")
    register_file(file, chosen)
    path = potentials_folder() / f"{chosen}.py"
    if as_json:
        print_json({"name": chosen, "file": path})
        return
    typer.echo(f"Registered {chosen} ({path}): use it with --potential {chosen} or --rerank {chosen}.")


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Name of the potential.")], as_json: JsonOption = False
) -> None:
    """Remove a registered file."""
    from alphacrystal.relaxation import unregister_file

    unregister_file(name)
    if as_json:
        print_json({"removed": name})
        return
    typer.echo(f"Removed {name}.")
