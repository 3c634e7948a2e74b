"""Serve a local web page: type a formula, watch, compare, download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.json_output import JsonOption, print_json
from alphacrystal.errors import InputError

PACKAGES = {"fastapi", "starlette", "uvicorn"}


def serve(
    folder: Annotated[Path, typer.Option(help="Folder of runs, new and earlier ones.")] = Path("runs"),
    host: Annotated[
        str, typer.Option(help="Address to listen at; other machines need a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8765,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="ALPHACRYSTAL_SERVE_TOKEN",
            show_envvar=True,
            help="Secret of all requests; 'new' creates one. The variable keeps it out of process lists.",
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Jobs at the same time.")] = 1,
    waiting: Annotated[int, typer.Option(min=0, max=10_000, help="Jobs that may wait.")] = 20,
    minutes: Annotated[float, typer.Option(help="Running time of a job.")] = 60.0,
    disk: Annotated[float, typer.Option("--disk-mb", help="Size of the folder of runs in MB.")] = 5000.0,
    formula_length: Annotated[int, typer.Option(min=1, max=1000, help="Characters of a formula.")] = 60,
    candidates: Annotated[int, typer.Option(min=1, max=5000, help="Structures of a job at most.")] = 200,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Relaxation processes of a job.")] = 2,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Serve a local web page: type a formula, watch, compare, download."""
    try:
        from alphacrystal.web import Limits, ServeSettings
        from alphacrystal.web import serve as run_server
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in PACKAGES:
            raise
        raise InputError("The web page needs more packages: pip install 'alphacrystal[web]'.") from error
    if not 0 < minutes < 1e6 or not 0 < disk < 1e12:
        raise InputError("--minutes and --disk-mb take positive numbers.")
    limits = Limits(
        jobs=jobs,
        waiting=waiting,
        seconds=60 * minutes,
        disk_mb=disk,
        formula_length=formula_length,
        candidates=candidates,
        workers=workers,
    )

    def show(address: str) -> None:
        if as_json:
            print_json({"address": address})
        else:
            typer.echo(f"AlphaCrystal is at {address} (Ctrl-C stops it).")
        if open_page:
            typer.launch(address)

    settings = ServeSettings(folder=folder, host=host, port=port, token=_made(token), limits=limits)
    run_server(settings, on_ready=show)


def _made(token: str | None) -> str | None:
    if token == "new":  # noqa: S105 - a word that asks for one
        import secrets

        return secrets.token_urlsafe(24)
    return token
