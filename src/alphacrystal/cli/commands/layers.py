"""Cut the layers of layered crystals and relax them in vacuum."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphacrystal.cli.output import JsonOption, print_json, printable
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.cli.settings_options import settings_options
from alphacrystal.config import LAYER_SETTINGS

if TYPE_CHECKING:
    from alphacrystal.report import LayerList


@settings_options(LAYER_SETTINGS)
def layers(
    source: Annotated[Path, typer.Argument(help="Run folder or structure file.", metavar="SOURCE")],
    vacuum: Annotated[
        float, typer.Option(help="Distance in Å between a layer and its images, 10 to 100.", metavar="Å")
    ] = 20.0,
    out: Annotated[
        Path | None, typer.Option(help="Output folder; the run folder, or runs/layers-TIME by default.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the layers of an earlier call.")] = False,
    as_json: JsonOption = False,
    *,
    settings: Mapping[str, Any],
) -> None:
    """Cut the layers of layered crystals and relax them in vacuum.

    The layers of a run get its potential, dispersion and limits, and separation energies from its most
    stable structure.
    """
    from alphacrystal.pipeline.layers import layers as cut
    from alphacrystal.report import layers_content

    with ProgressDisplay("layers") as progress:
        found = cut(source, vacuum=vacuum, folder=out, force=force, progress=progress, **settings)
    if as_json:
        print_json({**layers_content(found), "folder": str(found.folder)})
        return
    _print(found)


def _print(found: LayerList) -> None:
    from textwrap import fill

    from rich.console import Console

    from alphacrystal.cli.output import MIN_WIDTH
    from alphacrystal.report import LAYERS_CSV, LAYERS_FOLDER, layers_legend, layers_table

    console = Console(soft_wrap=True, highlight=False)
    width = max(console.width, MIN_WIDTH)
    for note in found.notes:
        console.print(fill(f"Note: {printable(note).rstrip('.')}.", width), markup=False)
    layers, layered = _count(len(found.rows), "layer"), _count(found.layered, "layered structure")
    title = (
        f"{found.source}: {layers} from {layered} of {found.crystals}, relaxed with {found.potential} in "
        f"{found.vacuum_a:g} Å of vacuum"
    )
    console.print(fill(printable(title), width), markup=False)
    console.print(layers_table(found), width=width)
    console.print(fill(layers_legend(found), width), markup=False)
    console.print(f"Structures: {found.folder / LAYERS_FOLDER}", markup=False)
    console.print(f"Table: {found.folder / LAYERS_CSV}", markup=False)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
