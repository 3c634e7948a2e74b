"""What the benchmarks of known compounds share on the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from alphacrystal.cli.output import create_folder, print_json
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.errors import InputError
from alphacrystal_bench.commands.data_beside import data_beside

DATA = Annotated[
    Path | None,
    typer.Option(help="Folder with the benchmarks folder of compounds (default: shared/data beside us)."),
]
OUT = Annotated[
    Path | None,
    typer.Option(help="Folder of the results; the same again goes on. runs/NAME-TIME by default."),
]
SECONDS = Annotated[
    float, typer.Option(min=0.1, help="Processor seconds that a rival's search may take for a compound.")
]
RELAX = Annotated[bool, typer.Option(help="Relax the candidates.")]
POTENTIAL = Annotated[str, typer.Option(help="Potential of all energies and relaxations.")]
SEED = Annotated[int, typer.Option(min=0, help="Seed.")]
PAGE = Annotated[
    Path | None, typer.Option(help="Also write a Markdown page here, and its numbers (.json) beside it.")
]

Result = dict[str, Any]


def benchmark_file(data: Path | None, name: Path) -> Path:
    """A file of compounds.

    Raises:
        InputError: It is not where it should be.
    """
    file = data / name if data else data_beside(name)
    if file is not None and file.is_file():
        return file
    raise InputError(f"Name the folder that holds {name} with --data DIR.")


def run_benchmark(
    name: str,
    run: Callable[[Path, ProgressDisplay], Result],
    page_of: Callable[[Mapping[str, Any]], str],
    write_page: Callable[[Mapping[str, Any], Path], None],
    *,
    out: Path | None,
    page: Path | None,
    as_json: bool,
) -> None:
    """Run a benchmark in its folder, write its page, print its tables or its numbers."""
    from alphacrystal.report import default_folder

    out = out or default_folder(name)
    create_folder(out)
    try:
        with ProgressDisplay(name) as progress:
            result = run(out, progress)
    except KeyboardInterrupt:
        typer.echo(f"Interrupted; repeat the command with --out {out} to go on.", err=True)
        raise
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        write_page(result, page)
    if as_json:
        print_json(result)
    else:
        typer.echo(page_of(result))
