"""The part of the API that shows explorations of chemical systems."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from alphacrystal.errors import MissingError
from alphacrystal.exploration import (
    CSV_FILE,
    FIGURE,
    PAGE_FILE,
    POTENTIALS_FIGURE,
    PRESSURES_FIGURE,
    RUNS_FOLDER,
    STRUCTURES_FOLDER,
)
from alphacrystal.web._archive import zipped
from alphacrystal.web._exploration import ExplorationLibrary
from alphacrystal.web._files import is_regular
from alphacrystal.web._library import REPORT_FILE
from alphacrystal.web._names import check_name, download_name, run_id
from alphacrystal.web._parts import ANY_REFUSAL, NOT_FOUND, Parts, ServerParts
from alphacrystal.web._run_routes import CIF, HTML, REPORT_POLICY, ZIP, sent, show_report
from alphacrystal.web._series_routes import FIGURE_POLICY, SVG
from alphacrystal.web._views import ExplorationPage, ExplorationView, FigureName, RemovableExploration

router = APIRouter(prefix="/api/explorations", tags=["chemical systems"], responses=ANY_REFUSAL | NOT_FOUND)

FIGURES: dict[FigureName, str] = {
    "hull": f"{FIGURE}.svg",
    "potentials": f"{POTENTIALS_FIGURE}.svg",
    "pressures": f"{PRESSURES_FIGURE}.svg",
}
_CSV: dict[int | str, dict[str, object]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}

Id = Annotated[str, Path(max_length=500)]
Pressure = Annotated[float | None, Query(ge=-50, le=1000, description="GPa; the lowest pressure by default.")]


@router.get("")
def list_explorations(
    parts: Parts,
    first: Annotated[int, Query(ge=0, le=10**9, description="Explorations to pass over.")] = 0,
    count: Annotated[int, Query(ge=1, le=200, description="Explorations returned at most.")] = 50,
) -> ExplorationPage:
    """The explorations of the folder, the one written last first: this server's and the command line's."""
    names = parts.explorations.names()
    lines = [parts.explorations.line(name) for name in names[first : first + count]]
    return ExplorationPage(
        total=len(names),
        explorations=[
            RemovableExploration(**dict(line), removable=parts.queue.is_over(line.id)) for line in lines
        ],
    )


@router.get("/{exploration_id}")
def show_exploration(exploration_id: Id, parts: Parts, pressure: Pressure = None) -> ExplorationView:
    """An exploration with its hull at one pressure; it has no phases before the end of the first round."""
    library = parts.explorations
    value = _pressure(exploration_id, pressure, library)
    hull = library.hull(exploration_id, value)
    line = library.line(exploration_id)
    place = library.place(exploration_id, value)
    return ExplorationView(
        **dict(line),
        removable=parts.queue.is_over(exploration_id),
        pressure_gpa=value,
        considered=0 if hull is None else hull.considered_formulas,
        potential="" if hull is None else hull.potential,
        failures=0 if hull is None else hull.failed_formulas,
        phases=[] if hull is None else list(hull.phases),
        more=0 if hull is None else max(0, hull.all_phases - len(hull.phases)),
        has_page=is_regular(library.root, *place, PAGE_FILE),
        figures=[name for name in FIGURES if is_regular(library.root, *_figure(exploration_id, place, name))],
    )


@router.get("/{exploration_id}/hull", responses=HTML, response_class=StreamingResponse)
def show_hull(exploration_id: Id, parts: Parts, pressure: Pressure = None) -> StreamingResponse:
    """The page of a hull, with the structures in 3D."""
    stream = parts.explorations.open((*_place(exploration_id, pressure, parts), PAGE_FILE))
    return sent(stream, "text/html; charset=utf-8", {"Content-Security-Policy": REPORT_POLICY})


@router.get("/{exploration_id}/{folder}/hull", include_in_schema=False, response_class=StreamingResponse)
def show_hull_of_folder(exploration_id: Id, folder: Id, parts: Parts) -> StreamingResponse:
    """The page of a hull at one of several pressures, at an address to which its links are relative."""
    for pressure in parts.explorations.log(exploration_id).pressures:
        if parts.explorations.place(exploration_id, pressure) == (exploration_id, folder):
            return show_hull(exploration_id, parts, pressure)
    raise MissingError("The exploration has no hull of this name.")


@router.get("/{exploration_id}/runs/{level}/{formula}/{file:path}", include_in_schema=False)
def follow_run_link(exploration_id: Id, level: Id, formula: Id, file: str, parts: Parts) -> Response:
    """Links of `hull.html` to the run of a phase: its report, or the page with its list."""
    run = run_id((exploration_id, RUNS_FOLDER, level, formula))
    parts.library.folder(run)
    if file == REPORT_FILE:
        return show_report(run, parts)
    return RedirectResponse(f"/#run={quote(run)}", 303)


@router.get("/{exploration_id}/table", responses=_CSV, response_class=StreamingResponse)
def download_table(exploration_id: Id, parts: Parts, pressure: Pressure = None) -> StreamingResponse:
    """`hull.csv`: one row for each phase."""
    stream = parts.explorations.open((*_place(exploration_id, pressure, parts), CSV_FILE))
    return sent(stream, "text/csv; charset=utf-8", _attachment(f"{exploration_id}-{CSV_FILE}"))


@router.get("/{exploration_id}/figure", responses=SVG, response_class=StreamingResponse)
def show_figure(
    exploration_id: Id, parts: Parts, name: FigureName = "hull", pressure: Pressure = None
) -> StreamingResponse:
    """A figure of a hull: the hull, the chemical potentials, or the stable pressures of several."""
    place = _place(exploration_id, pressure, parts)
    stream = parts.explorations.open(_figure(exploration_id, place, name))
    return sent(stream, "image/svg+xml", {"Content-Security-Policy": FIGURE_POLICY})


@router.get("/{exploration_id}/structures/{name}", responses=CIF, response_class=StreamingResponse)
def download_phase(
    exploration_id: Id, name: Id, parts: Parts, pressure: Pressure = None
) -> StreamingResponse:
    """The CIF file of a phase: the last part of its `file`."""
    place = _place(exploration_id, pressure, parts)
    stream = parts.explorations.open((*place, STRUCTURES_FOLDER, check_name(name, "structure")))
    return sent(stream, "chemical/x-cif", _attachment(name))


@router.get("/{exploration_id}/zip", responses=ZIP, response_class=StreamingResponse)
def download_exploration(exploration_id: Id, parts: Parts) -> StreamingResponse:
    """All files of an exploration as one zip file."""
    parts.explorations.log(exploration_id)
    name = download_name(exploration_id)
    content = zipped(parts.explorations.root, (exploration_id,), name)
    return StreamingResponse(content, media_type="application/zip", headers=_attachment(f"{name}.zip"))


def _pressure(exploration_id: str, pressure: float | None, library: ExplorationLibrary) -> float:
    return library.log(exploration_id).pressures[0] if pressure is None else pressure


def _place(exploration_id: str, pressure: float | None, parts: ServerParts) -> tuple[str, ...]:
    """Place of the results at a pressure below the runs folder."""
    library = parts.explorations
    return library.place(exploration_id, _pressure(exploration_id, pressure, library))


def _figure(exploration_id: str, place: tuple[str, ...], name: FigureName) -> tuple[str, ...]:
    """Place of a figure: that of all pressures is in the folder of the exploration."""
    return (exploration_id, FIGURES[name]) if name == "pressures" else (*place, FIGURES[name])


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{download_name(name)}"'}
