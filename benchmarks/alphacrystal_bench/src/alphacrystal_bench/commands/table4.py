"""`alphacrystal benchmark table4`: AlphaCrystal-I and -II as printed, ours beside."""

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
    RELAX,
    SEED,
    benchmark_file,
    run_benchmark,
)

FILE = Path("benchmarks") / "paper_table4.jsonl"


def table4(
    data: DATA = None,
    out: OUT = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Compounds drawn at random (default: all 8).")
    ] = None,
    relax: RELAX = True,
    potential: POTENTIAL = "chgnet",
    seed: SEED = 0,
    page: PAGE = None,
    as_json: JsonOption = False,
) -> None:
    """Predict the cells of the paper's Table 4; its five metrics, the printed values, controls."""
    from alphacrystal_bench.cost.methods import MethodSettings, energies_by_formula
    from alphacrystal_bench.paper_tables.paper_compounds import read_table4
    from alphacrystal_bench.paper_tables.table4 import benchmark_table4
    from alphacrystal_bench.paper_tables.table4_page import table4_page, write_table4_page

    settings = MethodSettings(potential=potential, seed=seed, relax=relax)
    compounds = read_table4(benchmark_file(data, FILE), energies_by_formula(settings))
    run_benchmark(
        "table4",
        lambda folder, progress: benchmark_table4(
            compounds, settings, folder, limit=limit, on_progress=progress
        ),
        table4_page,
        write_table4_page,
        out=out,
        page=page,
        as_json=as_json,
    )
