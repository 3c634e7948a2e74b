"""`alphacrystal benchmark explore`: chemical systems against their experimental phases."""

from __future__ import annotations

from typing import Annotated

import typer

from alphacrystal_bench.harness.options import RequiredRecords, Seed
from alphacrystal_bench.harness.registry import Result, Run, register


@register("explore", title="Exploration of chemical systems", page="systems.run", needs_data=True)
def explore(
    run: Run,
    data: RequiredRecords,
    budget: Annotated[int, typer.Option(min=1, help="Formulas of each system.")] = 60,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Systems, binary ones first. Default: all forty.")
    ] = None,
    generators: Annotated[
        str, typer.Option(help="Generators of the predictions; random is the control.")
    ] = "distance_matrix",
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    seed: Seed = 0,
) -> Result:
    """Share of the experimental phases of chemical systems that an exploration finds, and its cost."""
    from alphacrystal_bench.systems.run import benchmark_explore

    return benchmark_explore(
        data,
        run.folder,
        run.progress,
        budget=budget,
        limit=limit,
        generators=tuple(word.strip() for word in generators.split(",") if word.strip()),
        workers=workers,
        seed=seed,
    )
