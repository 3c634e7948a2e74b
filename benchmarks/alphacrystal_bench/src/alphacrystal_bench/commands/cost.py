"""`alphacrystal benchmark cost`: seconds and energy evaluations until the known structure is met."""

from __future__ import annotations

from typing import Annotated

import typer

from alphacrystal.cli.output import JsonOption
from alphacrystal_bench.commands.known_compounds import (
    DATA,
    OUT,
    PAGE,
    POTENTIAL,
    SECONDS,
    SEED,
    benchmark_file,
    run_benchmark,
)
from alphacrystal_bench.commands.table3 import FILE


def cost(
    data: DATA = None,
    out: OUT = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Compounds drawn at random (default: all 28).")
    ] = None,
    seconds: SECONDS = 60.0,
    rivals: Annotated[
        str, typer.Option(help="Searches to compare with, by commas; gnoa-tpe is always one of them.")
    ] = "gnoa-tpe,gnoa-random,random_relaxed",
    potential: POTENTIAL = "chgnet",
    seed: SEED = 0,
    page: PAGE = None,
    as_json: JsonOption = False,
) -> None:
    """Time to the known structure, ours against GNOA and random search, on Table 3's compounds.

    With the --out of a finished table3, what it holds is not run again.
    """
    from alphacrystal_bench.cost.methods import MethodSettings
    from alphacrystal_bench.cost.page import cost_page, write_cost_page
    from alphacrystal_bench.cost.run import benchmark_cost
    from alphacrystal_bench.paper_tables.paper_compounds import read_table3

    wanted = [name.strip() for name in rivals.split(",") if name.strip()]
    settings = MethodSettings(potential=potential, seed=seed, seconds=seconds)
    compounds = read_table3(benchmark_file(data, FILE))
    run_benchmark(
        "cost",
        lambda folder, progress: benchmark_cost(
            compounds, settings, folder, rivals=wanted, limit=limit, on_progress=progress
        ),
        cost_page,
        write_cost_page,
        out=out,
        page=page,
        as_json=as_json,
    )
