"""Serve a local web page to start, watch, compare and download predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.output import JsonOption, print_json
from alphacrystal.cli.settings_options import DeviceOption
from alphacrystal.errors import InputError
from alphacrystal.runtime.torch_device import AUTO, check_device

PACKAGES = {"fastapi", "starlette", "uvicorn"}


def serve(
    folder: Annotated[Path, typer.Option(help="Folder of new and earlier runs.")] = Path("runs"),
    host: Annotated[
        str, typer.Option(help="Address to listen on; access from other machines needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for a free one.")] = 8765,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="ALPHACRYSTAL_SERVE_TOKEN",
            show_envvar=True,
            help="Access token; 'new' generates one. The variable keeps it out of process lists.",
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Jobs that run at the same time.")] = 1,
    waiting: Annotated[int, typer.Option(min=0, max=10_000, help="Maximal number of waiting jobs.")] = 20,
    minutes: Annotated[float, typer.Option(help="Time limit of a job in minutes.")] = 60.0,
    disk: Annotated[float, typer.Option("--disk-mb", help="Maximal size of the runs in MB.")] = 5000.0,
    formula_length: Annotated[int, typer.Option(min=1, max=1000, help="Maximal length of a formula.")] = 60,
    candidates: Annotated[int, typer.Option(min=1, max=5000, help="Maximal structures of a job.")] = 200,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Relaxation processes of a job.")] = 2,
    device: DeviceOption = AUTO,
    pattern: Annotated[
        float, typer.Option("--pattern-mb", help="Maximal size of a powder pattern in MB.")
    ] = 8.0,
    structures: Annotated[
        float, typer.Option("--structures-mb", help="Maximal size of the structure files of a job in MB.")
    ] = 4.0,
    formulas: Annotated[
        int, typer.Option(min=1, max=100_000, help="Maximal formulas of a chemical system.")
    ] = 500,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Serve a local web page to start, watch, compare and download predictions."""
    try:
        from alphacrystal.web import MAX_PATTERN_MB, MAX_STRUCTURES_MB, Limits, ServeSettings
        from alphacrystal.web import serve as run_server
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in PACKAGES:
            raise
        raise InputError("The web page needs more packages: pip install 'alphacrystal[web]'.") from error
    if not 0 < minutes < 1e6 or not 0 < disk < 1e12:
        raise InputError("--minutes and --disk-mb take positive numbers.")
    if not 0 < pattern <= MAX_PATTERN_MB:
        raise InputError(f"--pattern-mb takes a number above 0 and up to {MAX_PATTERN_MB}.")
    if not 0 < structures <= MAX_STRUCTURES_MB:
        raise InputError(f"--structures-mb takes a number above 0 and up to {MAX_STRUCTURES_MB}.")
    check_device(device)
    limits = Limits(
        jobs=jobs,
        waiting=waiting,
        seconds=60 * minutes,
        disk_mb=disk,
        formula_length=formula_length,
        candidates=candidates,
        workers=workers,
        device=device,
        pattern_mb=pattern,
        structures_mb=structures,
        formulas=formulas,
    )

    def on_ready(address: str) -> None:
        if as_json:
            print_json({"address": address})
        else:
            typer.echo(f"AlphaCrystal is at {address} (Ctrl-C stops it).")
        if open_page:
            typer.launch(address)

    settings = ServeSettings(folder=folder, host=host, port=port, token=_token(token), limits=limits)
    run_server(settings, on_ready=on_ready)


def _token(token: str | None) -> str | None:
    if token == "new":  # noqa: S105 - requests a random token
        import secrets

        return secrets.token_urlsafe(24)
    return token
