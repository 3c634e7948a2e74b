"""`alphacrystal benchmark models`, `learning-curve` and `derivative-types`: models on held-out compounds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal_bench.harness.options import (
    Cache,
    RequiredRecords,
    Seed,
    Threads,
    chosen_numbers,
    chosen_words,
)
from alphacrystal_bench.harness.registry import Result, Run, register

Models = Annotated[Path | None, typer.Option(help="Folder of weights. Default: those of the package.")]
PerClass = Annotated[int, typer.Option(min=1, help="Compounds of each size class, drawn at random.")]


@register("models", title="Errors of the learned models", page="models.page", needs_data=True)
def models(
    run: Run,
    data: RequiredRecords,
    cache: Cache = None,
    models: Models = None,
    forests: Annotated[
        bool, typer.Option(help="Train the random forests too: about an hour unless --cache holds them.")
    ] = True,
    trees: Annotated[int, typer.Option(min=1, help="Trees per forest.")] = 100,
    seed: Seed = 0,
    threads: Threads = 1,
) -> Result:
    """Errors of the networks on held-out compounds, with baselines and controls."""
    import torch

    from alphacrystal_bench.models.tables import benchmark_models

    torch.set_num_threads(threads)
    return benchmark_models(
        data,
        models=models,
        cache=cache or run.folder / "cache",
        forests=forests,
        trees=trees,
        seed=seed,
        on_progress=run.progress,
    )


@register("learning-curve", title="Learning curves", page="models.learning_curve_page", needs_data=True)
def learning_curve(
    run: Run,
    data: RequiredRecords,
    cache: Cache = None,
    curves: Annotated[str, typer.Option(help="Some of symmetry,lattice.")] = "symmetry,lattice",
    shares: Annotated[
        str, typer.Option(help="Shares of the training formulas, at full width.")
    ] = "0.015625,0.0625,0.25,1",
    widths: Annotated[str, typer.Option(help="Widths of the networks, on all formulas.")] = "0.25,0.5,1",
    seed: Seed = 0,
    threads: Threads = 1,
) -> Result:
    """Errors of the symmetry and lattice models against the size of their data and networks."""
    from alphacrystal_bench.models.learning_curve import CURVES, CurveSettings, learning_curves

    settings = CurveSettings(
        curves=chosen_words("--curves", curves, CURVES),
        shares=chosen_numbers("--shares", shares, float, 0.0, 1.0),
        widths=chosen_numbers("--widths", widths, float, 0.0, 4.0),
        seed=seed,
        threads=threads,
    )
    return learning_curves(settings, run.folder, source=data, cache=cache, on_progress=run.progress)


@register(
    "derivative-types", title="Derivative structure types", page="models.derivative_types", needs_data=True
)
def derivative_types(
    run: Run,
    data: RequiredRecords,
    models: Models = None,
    per_class: PerClass = 1000,
    seed: Seed = 0,
    threads: Threads = 1,
) -> Result:
    """Shares of held-out compounds whose structure type is known, derived or enumerated."""
    import torch

    from alphacrystal_bench.models.derivative_types import benchmark_derivative_types

    torch.set_num_threads(threads)
    return benchmark_derivative_types(
        data, run.folder, run.progress, per_class=per_class, seed=seed, models=models
    )
