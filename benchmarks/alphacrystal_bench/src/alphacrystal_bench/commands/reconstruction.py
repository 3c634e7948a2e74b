"""`alphacrystal benchmark reconstruction`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.errors import InputError
from alphacrystal_bench.harness.options import OptionalRecords, Seed, chosen_words
from alphacrystal_bench.harness.registry import Result, Run, register


@register(
    "reconstruction", title="Crystals from distance matrices", page="reconstruction.page", needs_data=True
)
def reconstruction(
    run: Run,
    structures: Annotated[
        Path | None,
        typer.Option(help="Record file or folder of CIF files; all structures in it are used."),
    ] = None,
    data: OptionalRecords = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Structures, drawn at random. Default: all of --structures, 700 of --data."),
    ] = None,
    also: Annotated[
        str | None,
        typer.Option(help="More tables: some of noise,weights,baselines,speed,ablation, or all."),
    ] = None,
    seed: Seed = 0,
) -> Result:
    """Rebuild crystals from distance matrix, space group and cell: match rates and times.

    Without --structures, the validation split of --data is used.
    """
    import torch

    from alphacrystal_bench.reconstruction.run import EXTRAS, benchmark_reconstruction

    extras = chosen_words("--also", None if also == "all" else also, EXTRAS) if also else ()
    source = structures or data
    if source is None:
        raise InputError("Name a record file with --structures FILE.jsonl, or the data with --data DIR.")
    torch.set_num_threads(1)
    return benchmark_reconstruction(
        source,
        split=None if structures else "val",
        limit=limit,
        extras=extras,
        seed=seed,
        out=run.folder,
        on_progress=run.progress,
    )
