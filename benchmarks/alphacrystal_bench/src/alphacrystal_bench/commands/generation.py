"""`alphacrystal benchmark textbook`, `gallery`, `validation`, `generators`, `layers` and `metric-noise`."""

from __future__ import annotations

from typing import Annotated

import typer

from alphacrystal_bench.harness.options import Relax, RequiredRecords, Seed
from alphacrystal_bench.harness.registry import Result, Run, register


@register(
    "textbook",
    title="Textbook compounds",
    page="generation.textbook",
    quick=("--limit", "4", "--no-relax"),
)
def textbook(
    run: Run,
    limit: Annotated[int | None, typer.Option(min=1, help="Compounds. Default: all sixty.")] = None,
    relax: Relax = True,
    seed: Seed = 0,
) -> Result:
    """Rank of the known structure of sixty textbook compounds.

    A smoke test, not evidence: these compounds may be in the training data.
    """
    from alphacrystal_bench.generation.textbook import benchmark_textbook

    return benchmark_textbook(run.folder, run.progress, limit=limit, relax=relax, seed=seed)


@register("gallery", title="Gallery", page="generation.gallery", quick=("--limit", "2", "--no-relax"))
def gallery(
    run: Run,
    limit: Annotated[int | None, typer.Option(min=1, help="Compounds. Default: all twenty.")] = None,
    relax: Relax = True,
    seed: Seed = 0,
) -> Result:
    """Predictions of twenty well-known compounds, with a picture of each (docs/gallery.md).

    An illustration, not evidence: these compounds may be in the training data.
    """
    from alphacrystal_bench.generation.gallery import benchmark_gallery

    return benchmark_gallery(run.folder, run.progress, limit=limit, relax=relax, seed=seed)


@register(
    "validation",
    title="Unrelaxed structures of held-out compounds",
    page="generation.validation",
    needs_data=True,
)
def validation(
    run: Run,
    data: RequiredRecords,
    limit: Annotated[int, typer.Option(min=1, help="Compounds, drawn at random.")] = 100,
    candidates: Annotated[int, typer.Option(min=1, help="Candidates per compound.")] = 50,
    seed: Seed = 0,
) -> Result:
    """Match rates of unrelaxed structures of held-out compounds, with controls."""
    from alphacrystal_bench.generation.validation import benchmark_validation

    return benchmark_validation(data, run.folder, run.progress, limit=limit, candidates=candidates, seed=seed)


@register("generators", title="Comparison of generators", page="generation.generators", needs_data=True)
def generators(
    run: Run,
    data: RequiredRecords,
    limit: Annotated[int, typer.Option(min=1, help="Compounds, drawn at random.")] = 24,
    seed: Seed = 0,
) -> Result:
    """Match rates of the generators without relaxation on experimental held-out compounds.

    The number of formula units is given. The template library is the training split.
    """
    from alphacrystal_bench.generation.generators import benchmark_generators

    return benchmark_generators(data, run.folder, run.progress, limit=limit, seed=seed)


@register(
    "layers", title="Axes and layers of layered compounds", page="generation.layers", quick=("--limit", "4")
)
def layers(
    run: Run,
    limit: Annotated[int | None, typer.Option(min=1, help="Compounds. Default: all twenty.")] = None,
) -> Result:
    """Axes and separation energies of twenty layered compounds, with and without dispersion."""
    from alphacrystal_bench.generation.layers import benchmark_layers

    return benchmark_layers(run.progress, limit=limit)


@register(
    "metric-noise",
    title="Published metrics of a crystal against itself",
    page="generation.metric_noise",
    quick=("--origins", "20"),
)
def metric_noise(
    run: Run,
    origins: Annotated[int, typer.Option(min=1, help="Random origins per crystal.")] = 200,
    seed: Seed = 0,
) -> Result:
    """Published metrics of a crystal against itself with another origin (docs/metrics.md)."""
    from alphacrystal_bench.generation.metric_noise import benchmark_metric_noise

    return benchmark_metric_noise(run.progress, origins=origins, seed=seed)
