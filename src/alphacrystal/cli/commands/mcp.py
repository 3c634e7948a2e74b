"""Serve predictions to agents over the Model Context Protocol (standard input and output)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.settings_options import DeviceOption
from alphacrystal.runtime.torch_device import AUTO, check_device


def mcp(
    folder: Annotated[Path, typer.Option(help="Folder of all runs; nothing outside is used.")] = Path("runs"),
    candidates: Annotated[
        int, typer.Option(min=1, max=5000, help="Candidates of a prediction at most.")
    ] = 100,
    minutes: Annotated[float, typer.Option(min=0.1, max=1e5, help="Time of one calculation at most.")] = 30,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Relaxation processes.")] = 2,
    potential: Annotated[str, typer.Option(help="Potential of all relaxations.")] = "chgnet",
    device: DeviceOption = AUTO,
) -> None:
    """Serve predictions to agents over the Model Context Protocol (standard input and output)."""
    from alphacrystal.integrations.mcp_commands import ServerLimits
    from alphacrystal.integrations.mcp_server import serve
    from alphacrystal.relaxation import check_potential

    check_potential(potential, device=device)
    check_device(device)
    serve(ServerLimits(folder.resolve(), candidates, 60 * minutes, workers, potential, device))
