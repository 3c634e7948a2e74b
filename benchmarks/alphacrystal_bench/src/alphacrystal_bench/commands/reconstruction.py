"""`alphacrystal benchmark reconstruction`: crystals from their distance matrices, beside rivals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.output import JsonOption, create_folder, print_json
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.errors import InputError
from alphacrystal_bench.commands.data_beside import data_beside

RECORDS = Path("structures.jsonl.gz")


def reconstruction(
    structures: Annotated[
        Path | None,
        typer.Option(
            help="Record file (.jsonl, .jsonl.gz) or folder of CIFs; all structures in it are used."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Without --structures: the records whose validation split is used."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Structures drawn at random (default: all of --structures, 700 of --data)."),
    ] = None,
    also: Annotated[
        str | None,
        typer.Option(help="More tables, of noise,weights,rivals,speed,ablation, or all (default: none)."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed (default: 0).")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder that finished structures are kept in; the same again goes on.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="Also write a Markdown page here, and its numbers (.json) beside it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Crystals rebuilt from distance matrix, space group and cell: match rates and seconds."""
    import torch

    from alphacrystal_bench.reconstruction.page import reconstruction_page, write_reconstruction_page
    from alphacrystal_bench.reconstruction.run import EXTRAS as RECONSTRUCTION_EXTRAS
    from alphacrystal_bench.reconstruction.run import benchmark_reconstruction

    chosen = _extras(also, RECONSTRUCTION_EXTRAS)
    source = structures or data or _records_beside()
    if out is not None:
        create_folder(out)
    torch.set_num_threads(1)
    try:
        with ProgressDisplay("reconstruction") as progress:
            result = benchmark_reconstruction(
                source,
                split=None if structures else "val",
                limit=limit,
                extras=chosen,
                seed=seed,
                out=out,
                on_progress=progress,
            )
    except KeyboardInterrupt:
        if out is not None:
            typer.echo(f"Interrupted; the same command goes on from {out}.", err=True)
        raise
    if page is not None:
        write_reconstruction_page(result, page)
    if as_json:
        print_json(result)
    else:
        typer.echo(reconstruction_page(result))


def _extras(also: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    if also is None:
        return ()
    words = known if also == "all" else tuple(word.strip() for word in also.split(","))
    if not set(words) <= set(known):
        raise InputError(f"--also takes some of {','.join(known)}, or all, not {also!r}.")
    return words


def _records_beside() -> Path:
    """The record file that lies beside us.

    Raises:
        InputError: There is none.
    """
    file = data_beside(RECORDS)
    if file is None:
        raise InputError("Name a record file with --structures FILE.jsonl, or the data with --data DIR.")
    return file
