"""Command-line options that several benchmarks share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.errors import InputError

RECORDS_HELP = "Record file (structures.jsonl or structures.jsonl.gz), or a folder that contains one."
RequiredRecords = Annotated[Path, typer.Option("--data", help=RECORDS_HELP)]
OptionalRecords = Annotated[Path | None, typer.Option("--data", help=RECORDS_HELP)]
CompoundFolder = Annotated[
    Path, typer.Option("--data", help="Folder that contains benchmarks/ with the compounds.")
]
Cache = Annotated[Path | None, typer.Option(help="Folder of prepared arrays. Default: OUT/cache.")]
Limit = Annotated[
    int | None, typer.Option(min=1, help="Number of items, drawn at random. Default: all of them.")
]
Potential = Annotated[str, typer.Option(help="Potential for all energies and relaxations.")]
Relax = Annotated[bool, typer.Option(help="Relax the candidates.")]
SearchSeconds = Annotated[
    float, typer.Option(min=0.1, help="Processor seconds of a baseline search per compound.")
]
CellGiven = Annotated[
    bool, typer.Option("--cell-given", help="Give the content of the primitive cell of the known structure.")
]
MatchSeconds = Annotated[
    float, typer.Option(min=0.1, help="Processor seconds of a comparison with the known structure.")
]
MaxAtoms = Annotated[int, typer.Option(min=1, help="Atoms in the primitive cell at most.")]
PredictedCandidates = Annotated[int, typer.Option("--candidates", min=1, help="Candidates per compound.")]
Workers = Annotated[int, typer.Option(min=1, help="Relaxation processes.")]
Seed = Annotated[int, typer.Option(min=0, help="Random seed.")]
Threads = Annotated[int, typer.Option(min=1, help="torch threads.")]


def compound_file(data: Path, name: str) -> Path:
    """The file of compounds ``benchmarks/NAME`` in a data folder.

    Raises:
        InputError: It does not exist.
    """
    file = data / "benchmarks" / name
    if not file.is_file():
        raise InputError(f"Name the folder that contains benchmarks/{name} with --data DIR.")
    return file


def chosen_words(option: str, text: str | None, allowed: Sequence[str]) -> tuple[str, ...]:
    """Comma-separated words; all allowed ones where the text is None.

    Raises:
        InputError: A word is not allowed.
    """
    if text is None:
        return tuple(allowed)
    words = tuple(word.strip() for word in text.split(","))
    if not set(words) <= set(allowed):
        raise InputError(f"{option} takes some of {','.join(allowed)}, not {text!r}.")
    return words


def chosen_numbers(
    option: str, text: str, convert: Callable[[str], float], least: float, most: float
) -> tuple[float, ...]:
    """Comma-separated numbers in the interval (least, most].

    Raises:
        InputError: A word is not a number in it.
    """
    try:
        values = tuple(convert(word) for word in text.split(",") if word)
    except ValueError:
        values = ()
    if not values or not all(least < value <= most for value in values):
        raise InputError(
            f"{option} takes numbers above {least:g} up to {most:g}, separated by commas, not {text!r}."
        )
    return values
