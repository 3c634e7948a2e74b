"""Show the ranked list and the report of a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.output import JsonOption, print_run


def view(
    run: Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")],
    rows: Annotated[int, typer.Option(min=1, help="Rows to show.")] = 20,
    open_report: Annotated[bool, typer.Option("--open", help="Open report.html in the browser.")] = False,
    figures: Annotated[
        bool, typer.Option("--figures", help="Write figures of these rows to RUN/figures (PNG, SVG).")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the ranked list and the report of a run folder."""
    print_run(run, rows, as_json=as_json)
    if figures:
        from alphacrystal.report import write_figures

        drawn = write_figures(run, rows)
        typer.echo(f"Figures: {len(drawn)} files in {run / 'figures'}", err=as_json)
    if open_report:
        typer.launch((run / "report.html").resolve().as_uri())
