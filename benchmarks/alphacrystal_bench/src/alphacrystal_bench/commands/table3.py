"""`alphacrystal benchmark table3`: the paper's 30 compounds, ours, rivals run by us, controls."""

from __future__ import annotations

from pathlib import Path
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

FILE = Path("benchmarks") / "paper_table3.jsonl"


def table3(
    data: DATA = None,
    out: OUT = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Compounds drawn at random (default: all 30).")
    ] = None,
    seconds: SECONDS = 60.0,
    potential: POTENTIAL = "chgnet",
    seed: SEED = 0,
    page: PAGE = None,
    as_json: JsonOption = False,
) -> None:
    """Predict the compounds of the paper's Table 3: matches, superpose distances, energies, controls."""
    from alphacrystal_bench.cost.methods import MethodSettings
    from alphacrystal_bench.paper_tables.paper_compounds import read_table3
    from alphacrystal_bench.paper_tables.table3 import benchmark_table3
    from alphacrystal_bench.paper_tables.table3_page import table3_page, write_table3_page

    settings = MethodSettings(potential=potential, seed=seed, seconds=seconds)
    compounds = read_table3(benchmark_file(data, FILE))
    run_benchmark(
        "table3",
        lambda folder, progress: benchmark_table3(
            compounds, settings, folder, limit=limit, on_progress=progress
        ),
        table3_page,
        write_table3_page,
        out=out,
        page=page,
        as_json=as_json,
    )
