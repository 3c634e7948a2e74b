"""`alphacrystal benchmark pattern-fit`: crystals and powder patterns."""

from __future__ import annotations

from typing import Annotated

import typer

from alphacrystal_bench.harness.options import PredictedCandidates, RequiredRecords, Seed
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
