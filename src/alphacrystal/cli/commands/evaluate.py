"""Compare predicted structures with known ones: matches, space groups, distances."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.cli.settings_options import DeviceOption
from alphacrystal.errors import InputError
from alphacrystal.runtime.torch_device import AUTO


def evaluate(
    predicted: Annotated[
        Path, typer.Argument(help="Structure file, folder of ranked files, run folder or folder of runs.")
    ],
    target: Annotated[Path, typer.Argument(help="True structures: structure file, folder or records.")],
    metrics: Annotated[
        str | None,
        typer.Option(
            help="Names, or all, paper, cspbench, invariant, none (default: paper for two files, else none)."
        ),
    ] = None,
    preset: Annotated[str, typer.Option(help="Tolerances of the match: cspbench or diffcsp.")] = "cspbench",
    potential: Annotated[str, typer.Option(help="Potential of the energy distance.")] = "chgnet",
    device: DeviceOption = AUTO,
    top: Annotated[int, typer.Option(min=1, help="Candidates compared with each target.")] = 20,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    time_limit: Annotated[
        float,
        typer.Option(min=0.01, help="Processor time in s per pair and group of metrics."),
    ] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print one CSV line per pair.")] = False,
) -> None:
    """Compare predicted structures with known ones: matches, space groups, distances."""
    import json

    from alphacrystal.cli.evaluation_table import evaluation_csv, print_evaluation
    from alphacrystal.pipeline.evaluation import evaluate as compare

    if as_json and as_csv:
        raise InputError("Give --json or --csv, not both.")
    with ProgressDisplay("evaluate") as progress:
        result = compare(
            predicted,
            target,
            metrics=metrics,
            preset=preset,
            potential=potential,
            device=device,
            top=top,
            workers=workers,
            time_limit=time_limit,
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(result.as_dict(), allow_nan=False))
    elif as_csv:
        typer.echo(evaluation_csv(result), nl=False)
    else:
        print_evaluation(result)
