"""`alphacrystal benchmark speed`: relaxation beside chgnet's own ways."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.output import JsonOption, create_folder, print_json
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.errors import InputError


def speed(
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; runs/speed-TIME by default.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Records of real compounds: structures.jsonl(.gz), or its folder.")
    ] = None,
    parts: Annotated[
        str | None,
        typer.Option(
            help="Of random,candidates,evaluation,processes,agreement,predict (default: what --data allows)."
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Crystals or formulas of each part at most, for a short run.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed (default: 0).")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="torch threads (default: 1).")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    page: Annotated[Path | None, typer.Option(help="Also write a Markdown page here.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Cost and results of relaxation beside chgnet's own calculator and ASE's FIRE."""
    import torch

    from alphacrystal.report import default_folder
    from alphacrystal_bench.speed.page import speed_page, write_speed_page
    from alphacrystal_bench.speed.run import NEED_DATA as SPEED_PARTS_WITH_DATA
    from alphacrystal_bench.speed.run import PARTS as SPEED_PARTS
    from alphacrystal_bench.speed.run import SpeedSettings, benchmark_speed

    possible = SPEED_PARTS if data else tuple(p for p in SPEED_PARTS if p not in SPEED_PARTS_WITH_DATA)
    chosen = tuple(word.strip() for word in parts.split(",")) if parts else possible
    if unknown := sorted(set(chosen) - set(SPEED_PARTS)):
        raise InputError(f"--parts takes some of {','.join(SPEED_PARTS)}, not {unknown[0]!r}.")
    torch.set_num_threads(threads)
    out = out or default_folder("speed")
    create_folder(out)
    settings = SpeedSettings(parts=chosen, limit=limit, seed=seed)
    try:
        with ProgressDisplay("benchmark speed") as progress:
            result = benchmark_speed(settings, out, source=data, resume=resume, on_progress=progress)
    except KeyboardInterrupt:
        typer.echo(f"Interrupted; repeat the command with --resume --out {out} to go on.", err=True)
        raise
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        write_speed_page(result, page)
    if as_json:
        print_json(result)
    else:
        typer.echo(speed_page(result))
