"""`alphacrystal benchmark explore`, `explore-peer` and `explore-scale`: chemical systems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.errors import InputError
from alphacrystal_bench.harness.options import RequiredRecords, Seed, chosen_numbers
from alphacrystal_bench.harness.registry import Result, Run, register


@register("explore", title="Exploration of chemical systems", page="systems.run", needs_data=True)
def explore(
    run: Run,
    data: RequiredRecords,
    budget: Annotated[
        str, typer.Option(help="Formulas of each system; two numbers for binary and ternary ones.")
    ] = "40,100",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Systems of each number of elements. Default: all twenty.")
    ] = None,
    generators: Annotated[
        str, typer.Option(help="Generators of the predictions; random is the control.")
    ] = "distance_matrix",
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    earlier: Annotated[
        Path | None,
        typer.Option(help="Result (JSON) with the same settings; its systems are not explored again."),
    ] = None,
    seed: Seed = 0,
) -> Result:
    """Share of the experimental phases of chemical systems that an exploration finds, and its cost."""
    from alphacrystal_bench.systems.run import benchmark_explore

    counts = [int(count) for count in chosen_numbers("--budget", budget, int, 1, 1e6)]
    if len(counts) > 2:
        raise InputError("--budget takes one number, or two for binary and ternary systems.")
    return benchmark_explore(
        data,
        run.folder,
        run.progress,
        budgets={2: counts[0], 3: counts[-1]},
        limit=limit,
        generators=tuple(word.strip() for word in generators.split(",") if word.strip()),
        workers=workers,
        earlier=earlier,
        seed=seed,
    )


@register(
    "explore-peer", title="Explorations compared with CrySPY", page="systems.peer_page", needs_data=True
)
def explore_peer(
    run: Run,
    data: RequiredRecords,
    systems: Annotated[
        str | None,
        typer.Option(help="Binary systems of the benchmark, e.g. Al-Hf,As-Hf. Default: the first three."),
    ] = None,
    budget: Annotated[int, typer.Option(min=1, help="Formulas of each exploration.")] = 20,
    peer_seconds: Annotated[
        float, typer.Option(min=60, help="Processor time of each search by CrySPY at most, in s.")
    ] = 7200,
    seed: Seed = 0,
) -> Result:
    """Known phases that explorations and CrySPY's evolutionary searches find, and their cost.

    Both use CHGNet and the same number of relaxations. Needs the extra cryspy of alphacrystal-bench.
    """
    from alphacrystal_bench.systems.peer import benchmark_explore_peer

    return benchmark_explore_peer(
        data,
        run.folder,
        run.progress,
        systems=tuple(word.strip() for word in (systems or "").split(",") if word.strip()),
        budget=budget,
        peer_seconds=peer_seconds,
        seed=seed,
    )


@register(
    "explore-scale",
    title="Simulated explorations",
    page="systems.scale",
    quick=("--formulas", "300"),
)
def explore_scale(
    run: Run,
    formulas: Annotated[
        str, typer.Option(help="Formulas of each simulated exploration.")
    ] = "1000,3000,10000",
) -> Result:
    """Cost of explorations of thousands of formulas, without the predictions."""
    from alphacrystal_bench.systems.scale import benchmark_explore_scale

    return benchmark_explore_scale(
        run.progress,
        formulas=tuple(int(count) for count in chosen_numbers("--formulas", formulas, int, 1, 1e6)),
    )
