"""Build, filter and summarise record files of known crystals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alphacrystal.cli.data_build import OutOption, build, prepare_new_file, print_written, write_records
from alphacrystal.cli.output import JsonOption, print_json
from alphacrystal.cli.settings_options import DeviceOption
from alphacrystal.errors import InputError
from alphacrystal.runtime.torch_device import AUTO, check_device

if TYPE_CHECKING:
    from pymatgen.core import Structure

app = typer.Typer(no_args_is_help=True, help="Build, filter and summarise record files of known crystals.")

SourceArgument = Annotated[
    Path, typer.Argument(help="structures.jsonl(.gz), or a folder of CIF, POSCAR or JSON files.")
]


app.command()(build)


@app.command()
def subset(
    source: SourceArgument,
    out: OutOption,
    max_atoms: Annotated[int | None, typer.Option(min=1, help="Maximal atoms in the stored cell.")] = None,
    elements: Annotated[str | None, typer.Option(help="Only these elements, e.g. Zr,Al,O.")] = None,
    arity: Annotated[int | None, typer.Option(min=1, help="Number of elements.")] = None,
    without_benchmarks: Annotated[bool, typer.Option(help="Drop all benchmark compounds.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Write the records that fit the filters to a new file."""
    from alphacrystal.data import read_records
    from alphacrystal.data import without_benchmarks as drop

    allowed = None if elements is None else _symbols(elements)
    records = read_records(source)
    selected = (
        record
        for record in (drop(records) if without_benchmarks else records)
        if (max_atoms is None or len(record.species) <= max_atoms)
        and (allowed is None or set(record.species) <= allowed)
        and (arity is None or len(set(record.species)) == arity)
    )
    count = write_records(selected, out)
    print_written(count, "records", out, as_json=as_json)


def _symbols(text: str) -> set[str]:
    from alphacrystal.composition import element_table

    symbols = {word.strip() for word in text.split(",") if word.strip()}
    unknown = symbols - set(element_table().symbols[1:])
    if unknown or not symbols:
        wrong = repr(min(unknown)) if unknown else "nothing"
        raise InputError(f"--elements takes element symbols, e.g. Zr,Al,O, not {wrong}.")
    return symbols


@app.command()
def stats(
    source: SourceArgument,
    plot: Annotated[Path | None, typer.Option(help="Draw sizes, elements, energies: PNG and SVG.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Count the records of a source by size, elements and stability."""
    from alphacrystal.data import benchmark_formulas, read_records

    counts: Counter[str] = Counter()
    sizes: Counter[int] = Counter()
    arity: Counter[int] = Counter()
    elements: Counter[str] = Counter()
    formulas: set[str] = set()
    above_hull: list[float] = []
    for record in read_records(source):
        counts["structures"] += 1
        counts[f"split {record.split or 'not set'}"] += 1
        counts["benchmark compounds (dropped in training)"] += record.reduced_formula in benchmark_formulas()
        counts["experimental"] += record.icsd is True
        counts["with a formation energy"] += record.e_form is not None
        if record.e_above_hull is not None:
            above_hull.append(record.e_above_hull)
        if record.licence is not None:
            counts[f"licence {record.licence}"] += 1
        sizes[len(record.species)] += 1
        arity[len(set(record.species))] += 1
        elements.update(set(record.species))
        formulas.add(record.reduced_formula)
    counts["distinct formulas"] = len(formulas)
    drawn: list[Path] = []
    if plot is not None:
        from alphacrystal.plots import record_counts

        drawn = list(record_counts(dict(sorted(sizes.items())), elements, above_hull, plot))
    if as_json:
        print_json(
            {
                "counts": counts,
                "atoms_per_cell": dict(sorted(sizes.items())),
                "elements_per_cell": dict(sorted(arity.items())),
                "elements": dict(elements.most_common()),
                "drawn": drawn,
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
    for path in drawn:
        typer.echo(f"Drawn: {path}")


@app.command()
def references(
    source: SourceArgument,
    out: Annotated[Path, typer.Option(help="Table to write, for --references.")],
    potential: Annotated[str, typer.Option(help="Potential of the energies.")] = "chgnet",
    device: DeviceOption = AUTO,
    elements: Annotated[str | None, typer.Option(help="Only these elements, e.g. Mg,O.")] = None,
    note: Annotated[str | None, typer.Option(help="Origin of the crystals, for the table.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Energies of the elements with a potential, the references of formation energies."""
    import json

    from alphacrystal.cli.progress_display import ProgressDisplay
    from alphacrystal.data import read_records
    from alphacrystal.relaxation import load_potential, reference_table
    from alphacrystal.runtime.atomic_write import write_text_atomically

    check_device(device)
    prepare_new_file(out)
    allowed = None if elements is None else _symbols(elements)
    crystals = [
        (record.id, record.structure())
        for record in read_records(source)
        if len(set(record.species)) == 1 and (allowed is None or set(record.species) <= allowed)
    ]
    if not crystals:
        raise InputError(f"{source} holds no crystals of the elements.")
    loaded = load_potential(potential, device)
    with ProgressDisplay("references") as progress:
        table = reference_table(crystals, loaded, lambda done, total: progress("elements", done, total), note)
    write_text_atomically(out, json.dumps(table, indent=1) + "\n")
    print_written(len(table["elements"]), "elements", out, as_json=as_json)


@app.command()
def phases(
    source: SourceArgument,
    out: Annotated[Path, typer.Option(help="Table to write (SQLite).")],
    potential: Annotated[str, typer.Option(help="Potential of the energies.")] = "chgnet",
    device: DeviceOption = AUTO,
    experimental_over: Annotated[
        int | None, typer.Option(min=0, help="Only experimental crystals if they have more atoms than this.")
    ] = None,
    note: Annotated[str, typer.Option(help="Origin of the crystals, for the table.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Table of known phases: formula, identifier, structure type and energy, without structures.

    Energies are those at the given structures. OUT.lines keeps finished records: the same command continues.
    """
    from alphacrystal.cli.progress_display import ProgressDisplay
    from alphacrystal.data import read_records
    from alphacrystal.data import without_benchmarks as drop
    from alphacrystal.ranking import collect_phases, write_phase_table
    from alphacrystal.relaxation import load_energy_model
    from alphacrystal.runtime.atomic_write import replacing

    check_device(device)
    prepare_new_file(out)
    records = [
        record
        for record in drop(read_records(source))
        if experimental_over is None or record.icsd or len(record.species) <= experimental_over
    ]
    if not records:
        raise InputError(f"{source} holds no crystals.")
    model = load_energy_model(potential, device)
    with ProgressDisplay("phases") as progress:
        found = collect_phases(records, model, out.with_name(f"{out.name}.lines"), progress)
    with replacing(out) as unfinished:
        write_phase_table(unfinished, found, {"potential": potential, "note": note})
    print_written(len(found), "phases", out, as_json=as_json)


@app.command()
def neighbours(
    source: SourceArgument,
    out: Annotated[Path, typer.Option(help="Table to write (CSV).")],
    as_json: JsonOption = False,
) -> None:
    """Table of nearest neighbours in training crystals: pairs of elements and their distances.

    The flag "unknown" compares structures with it.
    """
    from alphacrystal.cli.progress_display import ProgressDisplay
    from alphacrystal.data import read_records
    from alphacrystal.data import without_benchmarks as drop
    from alphacrystal.ranking import collect_pairs, pairs_csv
    from alphacrystal.runtime.atomic_write import write_text_atomically

    prepare_new_file(out)
    with ProgressDisplay("neighbours") as progress:

        def structures() -> Iterator[Structure]:
            records = (record for record in drop(read_records(source)) if record.split == "train")
            for done, record in enumerate(records, 1):
                progress("crystals", done, 0)
                yield record.structure()

        pairs = collect_pairs(structures())
    if not pairs:
        raise InputError(f"{source} holds no training crystals.")
    write_text_atomically(out, pairs_csv(pairs))
    print_written(len(pairs), "pairs", out, as_json=as_json)


@app.command()
def bond_valences(
    source: SourceArgument,
    out: Annotated[Path, typer.Option(help="Table to write (JSON).")],
    as_json: JsonOption = False,
) -> None:
    """Table of bond-valence parameters R0 of cations and anions, fitted to training crystals.

    The valence sums of the report are computed with it.
    """
    from alphacrystal.cli.progress_display import ProgressDisplay
    from alphacrystal.crystal import bond_valence_table_json, fit_bond_valences
    from alphacrystal.data import read_records
    from alphacrystal.data import without_benchmarks as drop
    from alphacrystal.runtime.atomic_write import write_text_atomically

    prepare_new_file(out)
    with ProgressDisplay("bond valences") as progress:

        def crystals() -> Iterator[tuple[Structure, bool]]:
            records = (
                record
                for record in drop(read_records(source))
                if record.split == "train" and record.functional != "RPBE"  # whose cells are 3 % too large
            )
            for done, record in enumerate(records, 1):
                progress("crystals", done, 0)
                yield record.structure(), record.icsd is True

        table = fit_bond_valences(crystals())
    if not table:
        raise InputError(f"{source} holds too few training crystals: give salts of more formulas.")
    write_text_atomically(out, bond_valence_table_json(table))
    print_written(len(table), "pairs", out, as_json=as_json)
