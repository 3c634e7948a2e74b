"""`alphacrystal benchmark table5`: predicted distance matrices beside the paper's, with controls."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphacrystal.cli.output import JsonOption, print_json
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from alphacrystal_bench.paper_tables.table5 import Table5Settings
    from alphacrystal_bench.paper_tables.table5_results import Table5Results

# The narrowest network has one channel in its first module.
LIMITS = {"width": (1 / 32, 4.0), "time_limit": (0.0, 1e6), "share": (0.001, 1.0)}


def table5(
    out: Annotated[Path, typer.Option(help="Folder of the results; each finished cell is kept there.")],
    data: Annotated[
        Path | None, typer.Option(help="structures.jsonl(.gz), or a folder with it or of CIF/POSCAR files.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of prepared arrays (default: OUT/cache).")
    ] = None,
    rows: Annotated[str | None, typer.Option(help="Rows of the table, e.g. 1,5 (default: all).")] = None,
    methods: Annotated[str | None, typer.Option(help="Of controls,paper,pair,types (default: all).")] = None,
    cell: Annotated[
        str | None, typer.Option(help="Matrices of the primitive or conventional cells (default: primitive).")
    ] = None,
    splits: Annotated[str | None, typer.Option(help="Of random,disjoint (default: both).")] = None,
    width: Annotated[
        float | None, typer.Option(help="Width of the paper's network; 1 is the paper's (default: 0.0625).")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of the paper's network (default: 125).")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=2, help="Batch size of the paper's network (default: 32).")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=1, help="Stop it after so many epochs without a lower loss (default: never)."),
    ] = None,
    pair_epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of our network (default: by training size).")
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option(help="Minutes of training per network (default: no limit).")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed (default: 0).")] = None,
    share: Annotated[
        float | None, typer.Option(help="Of the paper's training and test sizes, to try out (default: 1).")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="torch threads (default: 1).")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that prepare the data (default: 1).")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the finished cells in --out.")] = False,
    page: Annotated[
        Path | None, typer.Option(help="Also write a Markdown page here, figures in a folder beside it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """The paper's Table 5: errors of predicted distance matrices, with controls."""
    from alphacrystal_bench.paper_tables.table5 import run_table5
    from alphacrystal_bench.paper_tables.table5_page import write_table5_page

    numbers = {
        "width": width,
        "epochs": epochs,
        "batch": batch,
        "patience": patience,
        "pair_epochs": pair_epochs,
        "time_limit": time_limit,
        "seed": seed,
        "share": share,
        "threads": threads,
    }
    words = {"rows": rows, "methods": methods, "splits": splits, "cell": cell}
    settings = _settings(numbers, words)
    try:
        with ProgressDisplay("table5") as progress:
            results = run_table5(
                settings,
                out,
                source=data,
                cache=cache,
                workers=workers or 1,
                resume=resume,
                on_progress=progress,
            )
    except KeyboardInterrupt:
        paths = {"out": out, "data": data, "cache": cache, "page": page}
        flags = _flags(paths | words | numbers | {"workers": workers}) + (["--json"] if as_json else [])
        command = " ".join(["alphacrystal benchmark table5", *flags, "--resume"])
        typer.echo(f"Interrupted; go on with: {command}", err=True)
        raise
    if page is not None:
        write_table5_page(results, out, page)
    if as_json:
        print_json(results)
    else:
        _show(results, out)


def _settings(numbers: dict[str, Any], words: dict[str, str | None]) -> Table5Settings:
    """Settings of a run from the flags that were given.

    Raises:
        InputError: A flag names no method or split of the table, or a number makes no sense.
    """
    from alphacrystal_bench.paper_tables.table5 import Table5Settings
    from alphacrystal_bench.paper_tables.table5_results import TABLE5_CELLS, TABLE5_METHODS, TABLE5_SPLITS

    values = {name: value for name, value in numbers.items() if value is not None}
    for name, (least, most) in LIMITS.items():
        if name in values and not least <= values[name] <= most:
            raise InputError(
                f"--{_flag(name)} takes a number from {least:g} to {most:g}, not {values[name]:g}."
            )
    if words["rows"] is not None:
        values["rows"] = _row_numbers(words["rows"])
    known = {"methods": tuple(TABLE5_METHODS), "splits": tuple(TABLE5_SPLITS), "cell": TABLE5_CELLS}
    for name, allowed in known.items():
        if (text := words[name]) is not None:
            chosen = _words(text, allowed, f"--{name}", most=1 if name == "cell" else len(allowed))
            values[name] = chosen[0] if name == "cell" else chosen
    return Table5Settings(**values)


def _flag(name: str) -> str:
    return name.replace("_", "-")


def _flags(values: dict[str, Any]) -> list[str]:
    return [f"--{_flag(key)} {shlex.quote(str(own))}" for key, own in values.items() if own is not None]


def _row_numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise InputError(f"--rows takes numbers separated by commas, e.g. 1,5, not {text!r}.") from None


def _words(text: str, known: tuple[str, ...], option: str, most: int) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(","))
    if len(words) > most or not set(words) <= set(known):
        raise InputError(
            f"{option} takes {'one' if most == 1 else 'some'} of {','.join(known)}, not {text!r}."
        )
    return words


def _show(results: Table5Results, out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from alphacrystal_bench.paper_tables.table5_results import TABLE5_SPLITS
    from alphacrystal_bench.paper_tables.table5_tables import score_table, table5_legend

    console = Console(soft_wrap=True, highlight=False)
    for split, name in TABLE5_SPLITS.items():
        table = score_table(results, split, "rmse", short=True)
        if not table.rows:
            continue
        console.print(f"RMSE in Å, {name}", markup=False)
        shown = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)  # nine predictors in 80 columns
        for column in table.header:
            shown.add_column(column, justify="left" if column == "row" else "right", no_wrap=True)
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
    console.print(table5_legend(results), markup=False)
    console.print(f"MSE, overlap and all else: {out / 'results.json'}", markup=False)
