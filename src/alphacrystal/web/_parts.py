"""The parts of a running server, an argument of each route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from alphacrystal.report import RunSummary
from alphacrystal.web._disk import DiskGauge
from alphacrystal.web._job import DamagedJob, JobStatus
from alphacrystal.web._job_list import JobLine
from alphacrystal.web._library import RunLibrary
from alphacrystal.web._names import plain_text
from alphacrystal.web._pool import ComputePool
from alphacrystal.web._queue import JobQueue
from alphacrystal.web._series import is_series
from alphacrystal.web._settings import ServeSettings
from alphacrystal.web._views import Computing, JobView, Refusal, RunView


@dataclass(frozen=True, slots=True)
class ServerParts:
    """The parts of one server.

    Attributes:
        settings: Its settings.
        queue: Its jobs.
        library: The runs of its folder.
        disk: The room they take.
        comparisons: Processes that compare runs.
        structures: Processes that read structure files.
        patterns: Processes that read powder patterns.
    """

    settings: ServeSettings
    queue: JobQueue
    library: RunLibrary
    disk: DiskGauge
    comparisons: ComputePool
    structures: ComputePool
    patterns: ComputePool


def _parts(request: Request) -> ServerParts:
    parts = request.app.state.parts
    assert isinstance(parts, ServerParts)
    return parts


Parts = Annotated[ServerParts, Depends(_parts)]

#: Answers that any route may give, for the OpenAPI description.
ANY_REFUSAL: dict[int | str, dict[str, object]] = {
    400: {"model": Refusal, "description": "The request is malformed."},
    401: {"model": Refusal, "description": "The token is missing or wrong."},
    403: {"model": Refusal, "description": "The request comes from a page of another site."},
    408: {"model": Refusal, "description": "The request did not arrive in time."},
    422: {"model": Refusal, "description": "A value cannot be used; the sentence says which and why."},
    503: {"model": Refusal, "description": "The server is busy, or the runs folder is gone."},
}
NOT_FOUND: dict[int | str, dict[str, object]] = {
    404: {"model": Refusal, "description": "There is nothing of this name."}
}
CONFLICT: dict[int | str, dict[str, object]] = {
    409: {"model": Refusal, "description": "The job's state, or the room on the disk, does not allow it."}
}
TOO_LARGE: dict[int | str, dict[str, object]] = {
    413: {"model": Refusal, "description": "The request is too large."}
}
LATE: dict[int | str, dict[str, object]] = {
    504: {"model": Refusal, "description": "The computation was stopped at its time limit."}
}
COMPUTING: dict[int | str, dict[str, object]] = {
    202: {"model": Computing, "description": "The result is being computed: send the same request again."}
}
QUEUE_FULL: dict[int | str, dict[str, object]] = {
    409: {"model": Refusal, "description": "The runs have reached the limit of disk space."},
    429: {"model": Refusal, "description": "Too many jobs wait."},
}


def job_view(line: JobLine, parts: ServerParts) -> JobView:
    """A job as the API shows it."""
    job = line.job
    if isinstance(job, DamagedJob):
        return JobView(
            id=job.id,
            formula="",
            request=None,
            status=JobStatus.DAMAGED,
            reason=plain_text(job.problem),
            created=job.changed,
            ended=job.changed,
            seconds=0.0,
            ahead=0,
            stages=[],
            has_result=False,
        )
    return JobView(
        id=job.id,
        formula=job.formula,
        request=job.request,
        status=job.status,
        reason=plain_text(job.reason),
        created=job.created,
        ended=job.ended,
        seconds=round(job.seconds(), 1),
        ahead=line.ahead,
        stages=parts.queue.stages(job),
        has_result=parts.queue.has_result(job),
    )


def series_of(run_parts: tuple[str, ...], parts: ServerParts) -> str:
    """Name of the series of pressures that a run belongs to, "" if it does not."""
    outer, *inner = run_parts
    return outer if inner and is_series(parts.library.root, outer) else ""


def run_view(run_id: str, run: RunSummary, parts: ServerParts) -> RunView:
    """A run as the API shows it."""
    return RunView(
        id=run_id,
        formula=run.formula,
        formula_text=run.formula_text,
        complete=run.complete,
        notes=list(run.notes),
        cells=list(run.cells),
        potential=run.potential,
        seed=run.seed,
        candidates=run.candidates,
        timings_s=run.timings_s,
        structures=list(run.rows),
        pressure_gpa=run.pressure_gpa,
        series=series_of(parts.library.folder(run_id), parts),
    )
