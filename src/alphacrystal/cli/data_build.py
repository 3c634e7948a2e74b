"""`alphacrystal data build`: records from files, OPTIMADE databases and the Materials Project."""

from __future__ import annotations

import gzip
import os
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphacrystal.cli.output import JsonOption, create_folder, print_json
from alphacrystal.errors import InputError
from alphacrystal.runtime.atomic_write import replacing

if TYPE_CHECKING:
    from alphacrystal.data import SourcePage, StructureRecord

OutOption = Annotated[Path, typer.Option("--out", help="Record file to write, .jsonl or .jsonl.gz.")]
SOURCES = ("files", "optimade", "materials-project")


def build(
    location: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="structures.jsonl(.gz), a folder of CIF, POSCAR or JSON files, or the URL of a database.",
        ),
    ] = None,
    *,
    out: OutOption,
    source: Annotated[str, typer.Option(help="Type: files, optimade or materials-project.")] = "files",
    query: Annotated[
        str | None, typer.Option("--filter", help="OPTIMADE filter, e.g. 'elements HAS \"Ti\"'.")
    ] = None,
    chemsys: Annotated[
        str | None,
        typer.Option(help="Materials Project: chemical systems, e.g. Ti-O,Mg-O; default all."),
    ] = None,
    max_atoms: Annotated[int | None, typer.Option(min=1, help="Database: maximal atoms in a cell.")] = None,
    formation_energy_field: Annotated[
        str | None, typer.Option(help="Field of an OPTIMADE database in eV/atom, e.g. _oqmd_delta_e.")
    ] = None,
    hull_field: Annotated[
        str | None, typer.Option(help="Field of energies above hull in eV/atom, e.g. _oqmd_stability.")
    ] = None,
    page_limit: Annotated[int, typer.Option(min=1, max=1000, help="Entries per request.")] = 100,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the download to --out.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Turn structures into a record file with a split by reduced formula."""
    if source not in SOURCES:
        raise InputError(f"There is no source {source!r}: choose from {', '.join(SOURCES)}.")
    if source == "files":
        if location is None:
            raise InputError("Give the file or folder to build from.")
        from alphacrystal.data import read_records

        print_written(write_records(read_records(Path(location)), out), "records", out, as_json=as_json)
        return
    _check_out(out)
    if source == "optimade":
        if location is None:
            raise InputError("--source optimade needs the URL of a database.")
        filters = [f"({query})"] if query else []
        filters += [f"nsites<={max_atoms}"] if max_atoms else []
        request, first, page = _optimade(
            location, " AND ".join(filters), page_limit, formation_energy_field, hull_field
        )
    else:
        request, first, page = _materials_project(chemsys, max_atoms)
    _download(out, request, first, page, resume=resume, as_json=as_json)


def _optimade(
    url: str, query: str, page_limit: int, formation_energy: str | None, above_hull: str | None
) -> tuple[dict[str, Any], str, Callable[[str], SourcePage]]:
    from functools import partial

    from alphacrystal.data import OptimadeSource

    database = OptimadeSource(url, query, page_limit, formation_energy, above_hull)
    licence = database.licence()
    typer.echo(f"Licence of the entries according to {url}: {licence or 'none stated'}", err=True)
    return {"first": database.first()}, database.first(), partial(database.page, licence=licence)


def _materials_project(
    chemsys: str | None, max_atoms: int | None
) -> tuple[dict[str, Any], str, Callable[[str], SourcePage]]:
    from alphacrystal.data import MaterialsProjectSource, connect

    query: dict[str, Any] = {}
    if chemsys:
        query["chemsys"] = [word.strip() for word in chemsys.split(",") if word.strip()]
    if max_atoms:
        query["num_sites"] = (1, max_atoms)
    database = MaterialsProjectSource(connect(os.environ.get("MP_API_KEY")), query)
    identifiers = database.identifiers()
    return {"materials-project": query}, "0", lambda start: database.page(identifiers, int(start))


def _download(
    out: Path,
    request: dict[str, Any],
    first: str,
    page: Callable[[str], SourcePage],
    *,
    resume: bool,
    as_json: bool,
) -> None:
    from alphacrystal.cli.progress_display import ProgressDisplay
    from alphacrystal.data import download
    from alphacrystal.runtime.folder_lock import lock_file

    create_folder(out.parent)
    lock = out.with_name(out.name + ".lock")
    try:
        with lock_file(lock, folder=out), ProgressDisplay("data build") as progress:
            result = download(
                out,
                request,
                first,
                page,
                resume=resume,
                on_progress=lambda done, total: progress("entries", done, total),
            )
    except KeyboardInterrupt:
        name = shlex.quote(str(out))
        typer.echo(f"{name} is incomplete; repeat the command with --resume to continue.", err=True)
        raise
    print_written(result.records, "records", out, as_json=as_json)
    if result.skipped:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(result.reasons.items()))
        typer.echo(f"{result.skipped} entries left out: {reasons}", err=as_json)
    if result.repeated:
        typer.echo(f"{result.repeated} repeated entries were written once", err=as_json)
    if result.renamed:
        typer.echo(f"{result.renamed} entries share the id of another one and were renamed", err=as_json)


def print_written(count: int, noun: str, out: Path, *, as_json: bool) -> None:
    """Print the number of written items and the file, as a sentence or as JSON."""
    if as_json:
        print_json({noun: count, "file": out})
    else:
        typer.echo(f"{count} {noun} written to {out}")


def _check_out(out: Path) -> None:
    if not out.name.endswith((".jsonl", ".jsonl.gz")):
        raise InputError(f"{out} must end in .jsonl or .jsonl.gz.")
    prepare_new_file(out)


def prepare_new_file(out: Path) -> None:
    """Refuse to overwrite a file, and create the folder of a new one.

    Raises:
        InputError: The path exists, or its folder cannot be created.
    """
    if out.exists():
        raise InputError(f"{out} exists already: choose another --out.")
    create_folder(out.parent)


def write_records(records: Iterable[StructureRecord], out: Path) -> int:
    """Write all records to a new file and return their number; no file is left after an error.

    Raises:
        InputError: There are no records, or the file cannot be written.
    """
    _check_out(out)
    count = 0
    opener = gzip.open if out.suffix == ".gz" else open
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as unfinished:
            with opener(unfinished, "xt", encoding="utf-8") as stream:
                for record in records:
                    stream.write(record.model_dump_json() + "\n")
                    count += 1
            if not count:
                raise InputError(
                    "No record is left: loosen the filters (benchmark compounds are dropped unless "
                    "--no-without-benchmarks)."
                )
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror}): choose another --out.") from error
    return count
