"""`alphacrystal benchmark cspbench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.errors import InputError
from alphacrystal_bench.harness.options import Limit, Potential, Relax, Seed, Workers, compound_file
from alphacrystal_bench.harness.registry import Result, Run, register


@register("cspbench", title="Whole predictions of known compounds", page="cspbench.page", needs_data=True)
def cspbench(
    run: Run,
    data: Annotated[
        Path | None, typer.Option(help="Folder that contains benchmarks/cspbench180.jsonl.")
    ] = None,
    structures: Annotated[
        Path | None, typer.Option(help="Other compounds instead: a record file or a folder of CIF files.")
    ] = None,
    limit: Limit = None,
    relax: Relax = True,
    templates: Annotated[
        Path | None,
        typer.Option(help="Records of known crystals for the template control, e.g. the training data."),
    ] = None,
    potential: Potential = "chgnet",
    workers: Workers = 2,
    seed: Seed = 0,
) -> Result:
    """Predict the compounds of CSPBench: match and space-group rates, controls, and causes of failure."""
    from alphacrystal.data import read_records
    from alphacrystal_bench.cspbench.compounds import read_categories
    from alphacrystal_bench.cspbench.run import CspBenchSettings, benchmark_cspbench, compounds_of

    if structures is None and data is None:
        raise InputError(
            "Name the folder that contains benchmarks/cspbench180.jsonl with --data DIR, or other compounds "
            "with --structures FILE."
        )
    source = structures or compound_file(data or Path(), "cspbench180.jsonl")
    compounds = compounds_of(read_records(source), {} if structures else read_categories(source))
    settings = CspBenchSettings(relax, potential, workers, seed, limit, templates)
    return benchmark_cspbench(compounds, settings, run.folder, on_progress=run.progress)
