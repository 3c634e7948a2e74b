"""`alphacrystal benchmark pattern-fit` and `xrd`: crystals and powder patterns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal_bench.harness.options import (
    CompoundFolder,
    PredictedCandidates,
    RequiredRecords,
    Seed,
    Workers,
    chosen_words,
)
from alphacrystal_bench.harness.registry import Result, Run, register


@register(
    "pattern-fit",
    title="Fit of crystals to powder patterns",
    page="diffraction.pattern_fit",
    needs_data=True,
)
def pattern_fit(
    run: Run,
    data: RequiredRecords,
    limit: Annotated[int, typer.Option(min=1, help="Compounds, drawn at random.")] = 40,
    candidates: PredictedCandidates = 40,
    seed: Seed = 0,
) -> Result:
    """Rank of the true crystal among other structures of its formula, by a simulated powder pattern."""
    from alphacrystal_bench.diffraction.pattern_fit import benchmark_pattern_fit

    return benchmark_pattern_fit(
        data, run.folder, run.progress, limit=limit, candidates=candidates, seed=seed
    )


SETS = ("lab", "simulated", "val_good", "val_usual", "val_poor")


@register("xrd", title="Powder patterns", page="diffraction.identification_page", needs_data=True)
def xrd(
    run: Run,
    *,
    data: CompoundFolder,
    sets: Annotated[
        str | None, typer.Option(help=f"Some of {','.join(SETS)}, separated by commas. Default: all.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Patterns of each set of others at most.")] = None,
    compounds: Annotated[int, typer.Option(min=1, help="Held-out compounds of each grade.")] = 100,
    workers: Workers = 2,
    write: Annotated[
        Path | None, typer.Option(help="Folder for the fitted model (the package's ranking/data).")
    ] = None,
    seed: Seed = 0,
) -> Result:
    """Predict compounds from their formula and powder pattern: measured, simulated, and with faults."""
    from alphacrystal.data import read_records
    from alphacrystal_bench.diffraction import samples as sources
    from alphacrystal_bench.diffraction.identification import benchmark_xrd

    chosen = chosen_words("--sets", sets, SETS)
    records = list(read_records(data))
    items = []
    if "lab" in chosen:
        items += sources.laboratory_samples(data, limit, seed)
    if "simulated" in chosen:
        items += sources.simulated_samples(data, limit, seed)
    for name in chosen:
        if name.startswith("val_"):
            items += sources.validation_samples(records, compounds, seed, name.removeprefix("val_"))
    return benchmark_xrd(
        items,
        sources.training_formulas(records),
        run.folder,
        run.progress,
        workers=workers,
        seed=seed,
        write=write,
    )
