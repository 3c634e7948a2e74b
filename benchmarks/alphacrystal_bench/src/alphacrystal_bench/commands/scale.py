"""`alphacrystal benchmark campaign` and `campaign-million`: cost of large campaigns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal_bench.harness.options import Seed, chosen_numbers
from alphacrystal_bench.harness.registry import Result, Run, register


@register("campaign", title="Overhead of a campaign", page="scale.campaign", quick=("--units", "100"))
def campaign(
    run: Run,
    units: Annotated[int, typer.Option(min=40, help="Units without work.")] = 2000,
    formulas: Annotated[int, typer.Option(min=4, max=16, help="Formulas that are predicted.")] = 16,
) -> Result:
    """Overhead of a campaign per formula, and efficiency of a second worker.

    The rows for Dask are left out if the package distributed is not installed.
    """
    from alphacrystal_bench.scale.campaign import benchmark_campaign

    return benchmark_campaign(run.progress, units=units, formulas=formulas)


@register(
    "campaign-million",
    title="Simulated campaign of a million formulas",
    page="scale.million",
    quick=("--formulas", "2000", "--workers", "100", "--also", "10"),
)
def campaign_million(
    run: Run,
    formulas: Annotated[int, typer.Option(min=1, help="Formulas.")] = 1_000_000,
    workers: Annotated[int, typer.Option(min=1, help="Workers.")] = 1000,
    also: Annotated[
        str, typer.Option(help="Workers of shorter campaigns with 20 formulas per worker.")
    ] = "10,100,3000",
    task_ms: Annotated[float, typer.Option(min=0, help="Time per task of a Dask scheduler in ms.")] = 3.0,
    commit_ms: Annotated[
        float | None, typer.Option(min=0, help="Wait for the disk per commit in ms. Default: measured.")
    ] = None,
    times: Annotated[
        Path | None,
        typer.Option(
            help="Campaign folder, or JSON file, with measured times. Default: those of the package."
        ),
    ] = None,
    seed: Seed = 0,
) -> Result:
    """Simulated campaign: the real loop and store with workers whose times are drawn from measured ones.

    The result shows when the client, the store or the scheduler limits the rate. The measured times are part
    of the result.
    """
    from alphacrystal_bench.scale.million import benchmark_campaign_million

    return benchmark_campaign_million(
        run.progress,
        formulas=formulas,
        workers=workers,
        shorter=tuple(int(count) for count in chosen_numbers("--also", also, int, 0, 1e6)) if also else (),
        task_s=task_ms / 1000,
        commit_s=None if commit_ms is None else commit_ms / 1000,
        times=times,
        seed=seed,
    )
