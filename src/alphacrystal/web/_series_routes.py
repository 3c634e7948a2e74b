"""The part of the API that shows series of pressures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import StreamingResponse

from alphacrystal.errors import MissingError
from alphacrystal.report import ENTHALPY_FIGURE
from alphacrystal.web._archive import zipped
from alphacrystal.web._files import open_file
from alphacrystal.web._library import REPORT_FILE
from alphacrystal.web._names import check_name, download_name, run_id
from alphacrystal.web._parts import ANY_REFUSAL, NOT_FOUND, Parts, ServerParts
from alphacrystal.web._run_routes import HTML, ZIP, sent, show_report
from alphacrystal.web._series import Series, read_series
from alphacrystal.web._views import SeriesView

router = APIRouter(prefix="/api/series", tags=["series of pressures"], responses=ANY_REFUSAL | NOT_FOUND)

#: The page of a series has no scripts; its links to the reports of the lists keep the session.
SERIES_POLICY = (
    "sandbox allow-same-origin allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: A drawing from a folder of others: nothing in it is run or loaded.
FIGURE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'"

SVG: dict[int | str, dict[str, object]] = {
    200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}
}
Id = Annotated[str, Path(max_length=500)]


@router.get("/{series_id}")
def show_series(series_id: Id, parts: Parts) -> SeriesView:
    """The lists, enthalpies and transitions of a series of pressures."""
    series = read_series(parts.library.root, series_id)
    return SeriesView(**dict(series), removable=parts.queue.is_over(series_id))


@router.get("/{series_id}/report", responses=HTML, response_class=StreamingResponse)
def show_series_report(series_id: Id, parts: Parts) -> StreamingResponse:
    """The report page of a series of pressures."""
    return _file(series_id, REPORT_FILE, "text/html; charset=utf-8", SERIES_POLICY, parts)


@router.get("/{series_id}/figure", responses=SVG, response_class=StreamingResponse)
def show_figure(series_id: Id, parts: Parts) -> StreamingResponse:
    """The plot of enthalpies against pressure."""
    return _file(series_id, f"{ENTHALPY_FIGURE}.svg", "image/svg+xml", FIGURE_POLICY, parts)


@router.get("/{series_id}/zip", responses=ZIP, response_class=StreamingResponse)
def download_series(series_id: Id, parts: Parts) -> StreamingResponse:
    """All files of a series of pressures as one zip file."""
    series = _series(series_id, parts)
    name = download_name(series.id)
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    content = zipped(parts.library.root, (series.id,), name)
    return StreamingResponse(content, media_type="application/zip", headers=headers)


@router.get("/{series_id}/{folder}/report.html", include_in_schema=False)
def show_list_report(series_id: Id, folder: Id, parts: Parts) -> StreamingResponse:
    """The report page of one list; the page of the series links to it."""
    return show_report(run_id((check_name(series_id, "series"), check_name(folder, "list"))), parts)


def _series(series_id: str, parts: ServerParts) -> Series:
    return read_series(parts.library.root, series_id)


def _file(series_id: str, name: str, media_type: str, policy: str, parts: ServerParts) -> StreamingResponse:
    series = _series(series_id, parts)
    try:
        stream = open_file(parts.library.root, series.id, name)
    except OSError as error:
        raise MissingError("The series of pressures has no such file.") from error
    return sent(stream, media_type, {"Content-Security-Policy": policy})
