"""The part of the API that shows, compares and hands out runs."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import FileResponse, Response, StreamingResponse

from alphacrystal.errors import InputError
from alphacrystal.report import RunSummary, poscar_text
from alphacrystal.web._archive import zipped
from alphacrystal.web._compare import Matches, crystal, find_matches
from alphacrystal.web._library import REPORT_FILE, download_name
from alphacrystal.web._parts import ANY_REFUSAL, NOT_FOUND, Parts, ServerParts, run_view, structure_view
from alphacrystal.web._views import ComparisonView, RunLine, RunPage, RunView

router = APIRouter(prefix="/api", tags=["runs"], responses=ANY_REFUSAL | NOT_FOUND)

#: A report may run its own scripts, but as a stranger to this server: it cannot use a visitor's session.
REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads allow-popups; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

_BINARY: dict[str, object] = {"schema": {"type": "string", "format": "binary"}}
_ZIP: dict[int | str, dict[str, object]] = {200: {"content": {"application/zip": _BINARY}}}
_CIF: dict[int | str, dict[str, object]] = {200: {"content": {"chemical/x-cif": _BINARY}}}
_TEXT: dict[int | str, dict[str, object]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
_HTML: dict[int | str, dict[str, object]] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}

Id = Annotated[str, Query(min_length=1, max_length=255)]


@router.get("/runs")
def list_runs(
    parts: Parts,
    first: Annotated[int, Query(ge=0, le=10**9, description="Runs to pass over.")] = 0,
    count: Annotated[int, Query(ge=1, le=200)] = 50,
) -> RunPage:
    """The runs of the folder, latest first: this server's and those of the command line."""
    ids = parts.library.ids()
    ours = {job.id for job in parts.queue.jobs()}
    return RunPage(total=len(ids), runs=[_line(run_id, parts, ours) for run_id in ids[first : first + count]])


@router.get("/runs/{run_id}")
def show_run(run_id: str, parts: Parts) -> RunView:
    """A run with its ranked list."""
    return run_view(run_id, parts.library.summary(run_id))


@router.get("/runs/{run_id}/report", responses=_HTML, response_class=FileResponse)
def show_report(run_id: str, parts: Parts) -> FileResponse:
    """The report page of a run."""
    path = parts.library.file(run_id, REPORT_FILE)
    return FileResponse(path, media_type="text/html", headers={"Content-Security-Policy": REPORT_POLICY})


@router.get("/runs/{run_id}/zip", responses=_ZIP, response_class=StreamingResponse)
def download_run(run_id: str, parts: Parts) -> StreamingResponse:
    """The files of a run as one zip file."""
    folder, name = parts.library.folder(run_id), download_name(run_id)
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return StreamingResponse(zipped(folder, name), media_type="application/zip", headers=headers)


@router.get("/runs/{run_id}/structures/{rank}/cif", responses=_CIF, response_class=FileResponse)
def download_structure(run_id: str, rank: Annotated[int, Path(ge=1, le=10**6)], parts: Parts) -> FileResponse:
    """The CIF file of a ranked structure."""
    _, path = parts.library.structure(run_id, rank)
    return FileResponse(path, media_type="chemical/x-cif", filename=path.name)


@router.get("/runs/{run_id}/structures/{rank}/poscar", responses=_TEXT, response_class=Response)
def download_poscar(run_id: str, rank: Annotated[int, Path(ge=1, le=10**6)], parts: Parts) -> Response:
    """A ranked structure as a POSCAR file."""
    _, path = parts.library.structure(run_id, rank)
    headers = {"Content-Disposition": f'attachment; filename="{download_name(path.stem)}.vasp"'}
    return Response(poscar_text(crystal(path)), media_type="text/plain", headers=headers)


@router.get("/compare")
def compare_runs(left: Id, right: Id, parts: Parts) -> ComparisonView:
    """Two runs side by side, with the structures that are the same crystal."""
    one, other = parts.library.summary(left), parts.library.summary(right)
    matches = Matches(pairs=[])
    if one.formula == other.formula:
        matches = find_matches(_files(left, one, parts), _files(right, other, parts))
    return ComparisonView(
        left=run_view(left, one),
        right=run_view(right, other),
        matches=matches.pairs,
        compared=matches.compared,
        undecided=matches.undecided,
    )


def _files(run_id: str, run: RunSummary, parts: ServerParts) -> list[tuple[int, FilePath]]:
    return [(row.rank, parts.library.file(run_id, row.file)) for row in run.rows]


def _line(run_id: str, parts: ServerParts, ours: set[str]) -> RunLine:
    common: dict[str, Any] = {
        "id": run_id,
        "written": parts.library.written(run_id),
        "removable": run_id in ours,
    }
    try:
        run = parts.library.summary(run_id)
    except InputError as error:
        return RunLine(**common, formula="", complete=False, structures=0, best=None, problem=str(error))
    best = structure_view(run.rows[0]) if run.rows else None
    return RunLine(
        **common,
        formula=run.formula,
        complete=run.complete,
        structures=len(run.rows),
        best=best,
        problem="",
    )
