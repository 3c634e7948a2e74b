"""`alphacrystal data`: record files from structures, subsets of them, and what is in them."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alphacrystal.cli._json import JsonOption, print_json
from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from alphacrystal.data import StructureRecord

app = typer.Typer(no_args_is_help=True, help="Record files for training: build, cut, look at.")

SourceArgument = Annotated[
    Path, typer.Argument(help="structures.jsonl(.gz), or a folder of CIF or POSCAR files.")
]
OutOption = Annotated[Path, typer.Option("--out", help="Record file to write, .jsonl or .jsonl.gz.")]


@app.command()
def build(source: SourceArgument, out: OutOption, as_json: JsonOption = False) -> None:
    """Turn structure files into a record file with a split by reduced formula."""
    from alphacrystal.data import read_records

    _say_written(_write(read_records(source), out), "records", out, as_json)


@app.command()
def subset(
    source: SourceArgument,
    out: OutOption,
    max_atoms: Annotated[int | None, typer.Option(min=1, help="Largest cell as stored.")] = None,
    elements: Annotated[str | None, typer.Option(help="Only these elements, e.g. Zr,Al,O.")] = None,
    arity: Annotated[int | None, typer.Option(min=1, help="Number of elements.")] = None,
    without_benchmarks: Annotated[bool, typer.Option(help="Drop all benchmark compounds.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Cut a record file."""
    from alphacrystal.data import read_records
    from alphacrystal.data import without_benchmarks as drop

    allowed = None if elements is None else _symbols(elements)
    records = read_records(source)
    chosen = (
        record
        for record in (drop(records) if without_benchmarks else records)
        if (max_atoms is None or len(record.species) <= max_atoms)
        and (allowed is None or set(record.species) <= allowed)
        and (arity is None or len(set(record.species)) == arity)
    )
    _say_written(_write(chosen, out), "records", out, as_json)


def _say_written(count: int, what: str, out: Path, as_json: bool) -> None:
    if as_json:
        print_json({what: count, "file": out})
    else:
        typer.echo(f"{count} {what} written to {out}")


def _symbols(text: str) -> set[str]:
    from alphacrystal.composition import element_table

    symbols = {word.strip() for word in text.split(",") if word.strip()}
    unknown = symbols - set(element_table().symbols[1:])
    if unknown or not symbols:
        wrong = repr(min(unknown)) if unknown else "nothing"
        raise InputError(f"--elements takes element symbols, e.g. Zr,Al,O, not {wrong}.")
    return symbols


@app.command()
def stats(source: SourceArgument, as_json: JsonOption = False) -> None:
    """Count what a record source holds."""
    from alphacrystal.data import benchmark_formulas, read_records

    counts: Counter[str] = Counter()
    sizes: Counter[int] = Counter()
    arity: Counter[int] = Counter()
    elements: Counter[str] = Counter()
    formulas: set[str] = set()
    for record in read_records(source):
        counts["structures"] += 1
        counts[f"split {record.split or 'not set'}"] += 1
        counts["benchmark compounds (dropped in training)"] += record.reduced_formula in benchmark_formulas()
        counts["experimental"] += record.icsd is True
        sizes[len(record.species)] += 1
        arity[len(set(record.species))] += 1
        elements.update(set(record.species))
        formulas.add(record.reduced_formula)
    counts["distinct formulas"] = len(formulas)
    if as_json:
        print_json(
            {
                "counts": counts,
                "atoms_per_cell": dict(sorted(sizes.items())),
                "elements_per_cell": dict(sorted(arity.items())),
                "elements": dict(elements.most_common()),
            }
        )
        return
    for name, count in counts.items():
        typer.echo(f"{name:42s} {count}")
    typer.echo("atoms per cell   " + ", ".join(f"{size}: {sizes[size]}" for size in sorted(sizes)))
    typer.echo("elements per cell " + ", ".join(f"{size}: {arity[size]}" for size in sorted(arity)))
    typer.echo(
        "commonest elements " + ", ".join(f"{symbol} {count}" for symbol, count in elements.most_common(12))
    )


def _write(records: Iterable[StructureRecord], out: Path) -> int:
    if not out.name.endswith((".jsonl", ".jsonl.gz")):
        raise InputError(f"{out} must end in .jsonl or .jsonl.gz.")
    if out.exists():
        raise InputError(f"{out} exists already: choose another --out.")
    partial = out.with_name(out.name + ".partial")
    count = 0
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with (gzip.open if out.suffix == ".gz" else open)(partial, "wt", encoding="utf-8") as stream:
            for record in records:
                stream.write(record.model_dump_json() + "\n")
                count += 1
        if not count:
            raise InputError(
                "No record is left: loosen the filters (benchmark compounds are dropped unless "
                "--no-without-benchmarks)."
            )
        partial.replace(out)
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror}): choose another --out.") from error
    finally:
        partial.unlink(missing_ok=True)
    return count


@app.command()
def references(
    source: SourceArgument,
    out: Annotated[Path, typer.Option(help="Table to write, for --references.")],
    potential: Annotated[str, typer.Option(help="Potential whose energies are wanted.")] = "chgnet",
    elements: Annotated[str | None, typer.Option(help="Only these elements, e.g. Mg,O.")] = None,
    note: Annotated[str | None, typer.Option(help="Where the crystals come from, for the table.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Energies of the elements with a potential: what formation energies are measured against."""
    import json

    from alphacrystal.cli._progress import ProgressDisplay
    from alphacrystal.data import read_records
    from alphacrystal.relax import load_potential, reference_table
    from alphacrystal.report import write_text_atomically

    wanted = None if elements is None else _symbols(elements)
    crystals = [
        (record.id, record.structure())
        for record in read_records(source)
        if len(set(record.species)) == 1 and (wanted is None or set(record.species) <= wanted)
    ]
    if not crystals:
        raise InputError(f"{source} holds no crystals of the elements.")
    loaded = load_potential(potential)
    with ProgressDisplay("references") as progress:
        table = reference_table(crystals, loaded, lambda done, total: progress("elements", done, total), note)
    write_text_atomically(out, json.dumps(table, indent=1) + "\n")
    _say_written(len(table["elements"]), "elements", out, as_json)
