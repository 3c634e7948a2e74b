"""Explore a chemical system: predict its compounds and their convex hull."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphacrystal.cli.output import JsonOption, print_json
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.cli.settings_options import settings_options
from alphacrystal.config import INPUT, OUTPUT
from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from alphacrystal.config import PredictConfig
    from alphacrystal.exploration import Exploration

SHOWN = 8  # phases that are not on the hull, in the table after each round
_FIELDS = (
    "candidates",
    "generators",
    "max_atoms",
    "potential",
    "device",
    "dispersion",
    "pressure",
    "xrd",
    "wavelength",
    "references",
    "known_phases",
    "fmax",
    "steps",
    "relax_seconds",
    "seed",
    "models",
)


@settings_options(_FIELDS, defaults={"max_atoms": 40, "dispersion": "none"})
def explore(
    system: Annotated[
        str | None, typer.Argument(help="Two to four elements, e.g. Li-P-S.", metavar="SYSTEM")
    ] = None,
    elements: Annotated[
        str | None,
        typer.Option(help="The elements instead of SYSTEM, e.g. Li,P,S.", rich_help_panel=INPUT),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="File with one system a line, instead of SYSTEM.", rich_help_panel=INPUT),
    ] = None,
    budget: Annotated[
        str, typer.Option(help="Time or number of formulas, e.g. 30min, 2h, 200formulas.")
    ] = "30min",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder; runs/SYSTEM-TIME by default. An exploration in it is continued.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the exploration in --out with its settings.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Local worker processes.")] = 2,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Dask scheduler instead of local workers, e.g. tcp://127.0.0.1:8786."),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Write hull.html and the pictures.")
    ] = True,
    config_file: Annotated[
        Path | None, typer.Option("--config", help="TOML file of settings; options override it.")
    ] = None,
    as_json: JsonOption = False,
    *,
    settings: Mapping[str, Any],
) -> None:
    """Explore a chemical system: predict its compounds and their convex hull."""
    from alphacrystal.config import make_config, read_config_file
    from alphacrystal.exploration import DEFAULTS, parse_budget, parse_system, stored_exploration
    from alphacrystal.exploration import explore as run_exploration
    from alphacrystal.report import default_folder

    if sum(given is not None for given in (system, elements, source)) > 1:
        raise InputError("Give the elements once: SYSTEM, --elements or --from.")
    if source is not None and resume:
        raise InputError("--resume is for one system: repeat the command with --from and the same --out.")
    text = system or elements
    values: dict[str, Any] = read_config_file(config_file) if config_file else {}
    values |= settings
    pressures = values.pop("pressure", ())
    if not isinstance(pressures, (tuple, list)):
        pressures = (pressures,)
    limit = parse_budget(budget)
    if resume:
        if out is None:
            raise InputError("--resume needs the folder: alphacrystal explore --resume --out DIR.")
        stored = stored_exploration(out)
        text = text or "-".join(stored.elements)
        values = {**stored.settings, **values}
        pressures = pressures or tuple(stored.pressures)
    if source is not None:
        _explore_list(
            source,
            make_config(**{**DEFAULTS, **values}),
            out,
            as_json=as_json,
            budget=limit,
            pressures=pressures,
            workers=workers,
            scheduler=scheduler,
            page=report,
        )
        return
    if text is None:
        raise InputError("Name a chemical system, for example: alphacrystal explore Li-P-S.")
    parsed = parse_system(text)
    folder = out or default_folder(parsed.name)
    command = f"alphacrystal explore --resume --out {shlex.quote(str(folder))}"
    command += f" --budget {_next_budget(budget)}"
    config = make_config(**{**DEFAULTS, **values})
    try:
        with ProgressDisplay(parsed.name) as progress:
            result = run_exploration(
                parsed.elements,
                config,
                pressures=pressures,
                budget=limit,
                folder=folder,
                resume=resume,
                workers=workers,
                scheduler=scheduler,
                progress=progress,
                on_round=None if as_json else lambda state: _print_round(state, progress),
                page=report,
            )
    except KeyboardInterrupt:
        if (folder / "explore.json").is_file():
            typer.echo(f"Interrupted; resume with: {command}", err=True)
        raise
    _print_result(result, command, as_json=as_json, report=report)


def _explore_list(
    source: Path, config: PredictConfig, out: Path | None, *, as_json: bool, **options: Any
) -> None:
    """Explore the systems of a file, one after the other."""
    from alphacrystal.exploration import SystemRow, explore_systems, read_systems
    from alphacrystal.report import default_folder

    folder = out or default_folder("systems")
    systems = read_systems(source)
    try:
        with ProgressDisplay("systems") as progress:
            done = 0

            def show(row: SystemRow) -> None:
                nonlocal done
                done += 1
                progress("systems", done, len(systems))
                if as_json:
                    print_json(asdict(row))
                elif row.status == "done":
                    compounds = row.on_hull or "no compound"
                    typer.echo(f"{row.system}: {compounds} on the hull after {row.predicted} formulas")
                else:
                    typer.echo(f"{row.system}: failed. {row.reason}")

            rows = explore_systems(
                systems, config, folder=folder, on_system=show, progress=progress, **options
            )
    except KeyboardInterrupt:
        typer.echo(f"Interrupted; repeat the command with --out {shlex.quote(str(folder))}", err=True)
        raise
    if not as_json:
        typer.echo(f"Table: {folder / 'systems.csv'}")
    if all(row.status == "failed" for row in rows):
        raise typer.Exit(1)


def _next_budget(text: str) -> str:
    """The budget for a continuation: as much time again, or twice the number of formulas."""
    from alphacrystal.exploration import parse_budget

    formulas = parse_budget(text).formulas
    return text.replace(" ", "") if formulas is None else f"{2 * formulas}formulas"


def _print_round(state: Exploration, progress: ProgressDisplay) -> None:
    """The hull after a round, on standard error."""
    from rich.console import Console

    from alphacrystal.exploration import hull_lines

    console = progress.console or Console(stderr=True, soft_wrap=True)
    for line in hull_lines(state, shown=0):
        console.print(line, markup=False, highlight=False)


def _print_result(result: Exploration, command: str, *, as_json: bool, report: bool) -> None:
    folders = {value: result.results_folder(value) for value in result.hulls}
    name = "hull.html" if report else "hull.csv"
    if as_json:
        print_json(
            {
                "system": result.system.name,
                "predicted": result.predicted,
                "stopped": result.stopped,
                "folder": result.folder,
                "hulls": [
                    {
                        "pressure_gpa": value,
                        "on_hull": [hull.phases[index].formula for index in hull.stable],
                        "table": folders[value] / "hull.csv",
                    }
                    for value, hull in result.hulls.items()
                ],
            }
        )
        return
    from alphacrystal.exploration import hull_lines

    for value in result.hulls:
        for line in hull_lines(result, value, shown=SHOWN):
            typer.echo(line)
    typer.echo(f"Stopped because {result.stopped}; continue with: {command}")
    for value in result.hulls:
        typer.echo(f"Hull: {folders[value] / name}")
