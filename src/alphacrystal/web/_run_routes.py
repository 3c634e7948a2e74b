"""The part of the API that shows, compares and returns runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Path, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response, StreamingResponse

from alphacrystal.errors import InputError, MissingError
from alphacrystal.report import RunSummary, SummaryRow
from alphacrystal.web._archive import zipped
from alphacrystal.web._compare import MAX_COMPARED, Matches, RankedFile, find_matches, poscar_of
from alphacrystal.web._library import REPORT_FILE, RunEntry, time_of
from alphacrystal.web._names import download_name
from alphacrystal.web._parts import (
    ANY_REFUSAL,
    COMPUTING,
    LATE,
    NOT_FOUND,
    Parts,
    ServerParts,
    run_view,
    series_of,
)
from alphacrystal.web._views import ComparisonView, Computing, RunLine, RunPage, RunView

router = APIRouter(prefix="/api", tags=["runs"], responses=ANY_REFUSAL | NOT_FOUND)

#: A report may run its scripts, but not with the session of the visitor.
REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads allow-popups; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

_BINARY: dict[str, object] = {"schema": {"type": "string", "format": "binary"}}
ZIP: dict[int | str, dict[str, object]] = {200: {"content": {"application/zip": _BINARY}}}
CIF: dict[int | str, dict[str, object]] = {200: {"content": {"chemical/x-cif": _BINARY}}}
_TEXT: dict[int | str, dict[str, object]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
HTML: dict[int | str, dict[str, object]] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}

Id = Annotated[str, Query(min_length=1, max_length=500)]
Rank = Annotated[int, Path(ge=1, le=10**6)]

WAIT_S = 0.15  # for a computation; then the answer is 202, and the same request gives the result later
BLOCK = 1 << 16  # bytes sent at once
MAXCIF_BYTES = 200_000  # of a CIF that is computed with; one of 20 atoms has 2 kB


@router.get("/runs")
def list_runs(
    parts: Parts,
    first: Annotated[int, Query(ge=0, le=10**9, description="Runs to pass over.")] = 0,
    count: Annotated[int, Query(ge=1, le=200, description="Runs returned at most.")] = 50,
) -> RunPage:
    """The runs of the folder, latest first: this server's and those of the command line."""
    entries = parts.library.entries()
    return RunPage(total=len(entries), runs=[_line(entry, parts) for entry in entries[first : first + count]])


@router.get("/runs/{run_id}")
def show_run(run_id: str, parts: Parts) -> RunView:
    """A run with its ranked list."""
    return run_view(run_id, parts.library.summary(run_id), parts)


@router.get("/runs/{run_id}/report", responses=HTML, response_class=StreamingResponse)
def show_report(run_id: str, parts: Parts) -> StreamingResponse:
    """The report page of a run."""
    stream = parts.library.open(run_id, REPORT_FILE)
    return sent(stream, "text/html; charset=utf-8", {"Content-Security-Policy": REPORT_POLICY})


@router.get("/runs/{run_id}/zip", responses=ZIP, response_class=StreamingResponse)
def download_run(run_id: str, parts: Parts) -> StreamingResponse:
    """The files of a run as one zip file."""
    path, name = parts.library.folder(run_id), download_name(run_id)
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    content = zipped(parts.library.root, path, name)
    return StreamingResponse(content, media_type="application/zip", headers=headers)


@router.get("/runs/{run_id}/structures/{rank}/cif", responses=CIF, response_class=StreamingResponse)
def download_structure(run_id: str, rank: Rank, parts: Parts) -> StreamingResponse:
    """The CIF file of a ranked structure."""
    row = parts.library.row(run_id, rank)
    headers = {"Content-Disposition": f'attachment; filename="{download_name(_file_name(row))}"'}
    return sent(_open_cif(run_id, row, parts), "chemical/x-cif", headers)


@router.get(
    "/runs/{run_id}/structures/{rank}/poscar", responses=_TEXT | COMPUTING | LATE, response_class=Response
)
async def download_poscar(run_id: str, rank: Rank, parts: Parts) -> Response:
    """A ranked structure as a POSCAR file."""
    row = await run_in_threadpool(parts.library.row, run_id, rank)
    _, name, content = await run_in_threadpool(_read_cif, run_id, row, parts)
    try:
        text = await parts.structures.run(poscar_of, name, content, wait_s=WAIT_S)
    except TimeoutError:
        return _computing()
    stem = download_name(PurePosixPath(name).stem)
    headers = {"Content-Disposition": f'attachment; filename="{stem}.vasp"'}
    return Response(text, media_type="text/plain", headers=headers)


@router.get("/compare", responses=COMPUTING | LATE, response_model=ComparisonView)
async def compare_runs(left: Id, right: Id, parts: Parts) -> ComparisonView | Response:
    """Two runs side by side, with the structures that are the same crystal."""
    one, first = await run_in_threadpool(_compared, left, parts)
    other, second = await run_in_threadpool(_compared, right, parts)
    matches = Matches(pairs=[])
    if one.formula == other.formula:
        try:
            matches = await parts.comparisons.run(find_matches, first, second, wait_s=WAIT_S)
        except TimeoutError:
            return _computing()
    return ComparisonView(
        left=run_view(left, one, parts),
        right=run_view(right, other, parts),
        matches=matches.pairs,
        compared=matches.compared,
        undecided=matches.undecided,
    )


def _computing() -> JSONResponse:
    return JSONResponse(Computing().model_dump(), 202)


def _compared(run_id: str, parts: ServerParts) -> tuple[RunSummary, list[RankedFile]]:
    run = parts.library.summary(run_id)
    return run, [_read_cif(run_id, row, parts) for row in run.rows[:MAX_COMPARED]]


def _file_name(row: SummaryRow) -> str:
    return PurePosixPath(row.file).name


def _open_cif(run_id: str, row: SummaryRow, parts: ServerParts) -> BinaryIO:
    if not row.file.endswith(".cif"):
        raise MissingError("The run has no such file.")
    return parts.library.open(run_id, row.file)


def _read_cif(run_id: str, row: SummaryRow, parts: ServerParts) -> RankedFile:
    with _open_cif(run_id, row, parts) as stream:
        content = stream.read(MAXCIF_BYTES + 1)
    if len(content) > MAXCIF_BYTES:
        raise InputError(f"{_file_name(row)} has more than {MAXCIF_BYTES / 1e6:g} MB: download it instead.")
    return row.rank, _file_name(row), content


def sent(stream: BinaryIO, media_type: str, headers: dict[str, str]) -> StreamingResponse:
    """A file, read block by block while it is sent; its end is the one that it has now."""
    length = os.fstat(stream.fileno()).st_size
    return StreamingResponse(
        _blocks(stream, length), media_type=media_type, headers=headers | {"Content-Length": str(length)}
    )


def _blocks(stream: BinaryIO, length: int) -> Iterator[bytes]:
    with stream:
        while length > 0 and (block := stream.read(min(BLOCK, length))):
            length -= len(block)
            yield block


def _line(entry: RunEntry, parts: ServerParts) -> RunLine:
    head = parts.library.head(entry)
    return RunLine(
        id=entry.id,
        formula=head.formula,
        complete=head.complete,
        structures=head.structures,
        written=time_of(entry.written),
        best=head.best,
        problem=head.problem,
        removable=parts.queue.is_over(entry.id),
        pressure_gpa=head.pressure_gpa,
        series=series_of(entry.parts, parts),
    )
