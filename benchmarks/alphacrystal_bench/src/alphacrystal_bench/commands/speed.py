"""`alphacrystal benchmark speed`, `bayesian`, `cold-start`, `inspection`, `phonons` and `web-load`: times."""

from __future__ import annotations

from typing import Annotated

import typer

from alphacrystal_bench.harness.options import OptionalRecords, Seed, Threads, chosen_words
from alphacrystal_bench.harness.registry import Result, Run, register


@register(
    "speed",
    title="Speed of relaxation",
    page="speed.page",
    quick=("--parts", "random,evaluation", "--limit", "2"),
)
def speed(
    run: Run,
    data: OptionalRecords = None,
    parts: Annotated[
        str | None,
        typer.Option(
            help="Some of random,candidates,evaluation,processes,agreement,predict. "
            "Default: all that --data permits."
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Largest number of crystals or formulas of a part.")
    ] = None,
    seed: Seed = 0,
    threads: Threads = 1,
) -> Result:
    """Cost and results of relaxation, compared with chgnet's calculator and ASE's FIRE."""
    import torch

    from alphacrystal_bench.speed.run import NEED_DATA, PARTS, SpeedSettings, benchmark_speed

    possible = PARTS if data else tuple(part for part in PARTS if part not in NEED_DATA)
    chosen = chosen_words("--parts", parts, PARTS) if parts else possible
    torch.set_num_threads(threads)
    settings = SpeedSettings(parts=chosen, limit=limit, seed=seed)
    return benchmark_speed(settings, run.folder, source=data, on_progress=run.progress)


@register(
    "bayesian",
    title="Bayesian relaxation against gradients",
    page="speed.bayesian",
    quick=("--limit", "1", "--evaluations", "30"),
)
def bayesian(
    run: Run,
    limit: Annotated[int | None, typer.Option(min=1, help="Crystals. Default: all five.")] = None,
    evaluations: Annotated[int, typer.Option(min=1, help="Largest number of evaluations per crystal.")] = 400,
    seed: Seed = 0,
) -> Result:
    """Energy, evaluations and processor time of Bayesian relaxation, compared with gradients (CHGNet).

    Needs the extra bayesian of alphacrystal.
    """
    from alphacrystal_bench.speed.bayesian import benchmark_bayesian

    return benchmark_bayesian(run.progress, limit=limit, evaluations=evaluations, seed=seed)


@register("inspection", title="Speed of inspect", page="speed.inspection", quick=("--formulas", "3"))
def inspection(
    run: Run,
    data: OptionalRecords = None,
    formulas: Annotated[
        int | None, typer.Option(min=1, help="Formulas that are timed singly. Default: all 27.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Formulas in the batch.")] = 1000,
    seed: Seed = 0,
) -> Result:
    """Time of `alphacrystal inspect`: single formulas in fresh processes, and a batch.

    The batch takes formulas of the validation split of --data and is left out without it.
    """
    from alphacrystal_bench.speed.inspection import benchmark_inspection

    return benchmark_inspection(data, run.progress, formulas=formulas, limit=limit, seed=seed)


@register(
    "web-load",
    title="Response times of the web server",
    page="speed.web_load",
    quick=("--runs", "20", "--jobs", "20", "--requests", "3"),
)
def web_load(
    run: Run,
    runs: Annotated[int, typer.Option(min=1, help="Runs in the folder of the server.")] = 2000,
    jobs: Annotated[int, typer.Option(min=1, help="Finished jobs in it.")] = 2000,
    requests: Annotated[int, typer.Option(min=1, help="Requests per route.")] = 60,
) -> Result:
    """Response times of every GET route of `alphacrystal serve` with many runs and jobs."""
    from alphacrystal_bench.speed.web_load import benchmark_web_load

    return benchmark_web_load(run.progress, runs=runs, jobs=jobs, requests_per_route=requests)


@register(
    "cold-start",
    title="Time of whole commands",
    page="speed.cold_start",
    quick=("--rounds", "1", "--no-relax"),
)
def cold_start(
    run: Run,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each command; the fastest counts.")] = 3,
    relax: Annotated[
        bool, typer.Option("--relax/--no-relax", help="Also relax shaken crystals, here and with chgnet.")
    ] = True,
) -> Result:
    """Time of whole commands in new processes, and of relaxations against chgnet's loop."""
    from alphacrystal_bench.speed.cold_start import benchmark_cold_start

    return benchmark_cold_start(run.progress, rounds=rounds, relax=relax)


@register("phonons", title="Time of phonons", page="speed.phonons", quick=("--limit", "1"))
def phonons(
    run: Run,
    limit: Annotated[int | None, typer.Option(min=1, help="Crystals. Default: both.")] = None,
) -> Result:
    """Time of the phonons of crystals with eight atoms in the primitive cell."""
    from alphacrystal_bench.speed.phonons import benchmark_phonons

    return benchmark_phonons(run.progress, limit=limit)
