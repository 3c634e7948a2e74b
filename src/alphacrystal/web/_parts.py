"""The parts of a running server, an argument of each route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from alphacrystal.report import RunSummary
from alphacrystal.web._disk import DiskGauge
from alphacrystal.web._exploration import ExplorationLibrary, ExplorationLine
from alphacrystal.web._explore_request import ExploreRequest
from alphacrystal.web._files import is_regular
from alphacrystal.web._job import DamagedJob, Job, JobStatus
from alphacrystal.web._job_list import JobLine
from alphacrystal.web._library import REPORT_FILE, RunLibrary
from alphacrystal.web._names import plain_text
from alphacrystal.web._pool import ComputePool
from alphacrystal.web._progress import Stage
from alphacrystal.web._queue import JobQueue
from alphacrystal.web._series import is_series
from alphacrystal.web._settings import ServeSettings
from alphacrystal.web._tasks import EXPLORATION, PREDICTION, task_of
from alphacrystal.web._views import Computing, JobView, Refusal, RunView


@dataclass(frozen=True, slots=True)
class ServerParts:
    """The parts of one server.

    Attributes:
        settings: Its settings.
        queue: Its jobs.
        library: The runs of its folder.
        explorations: The explorations of its folder.
        disk: The room they take.
        comparisons: Processes that compare runs.
        structures: Processes that read structure files.
        patterns: Processes that read powder patterns.
    """

    settings: ServeSettings
    queue: JobQueue
    library: RunLibrary
    explorations: ExplorationLibrary
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
            task=PREDICTION,
            formula="",
            request=None,
            status=JobStatus.DAMAGED,
            reason=plain_text(job.problem),
            created=job.changed,
            ended=job.changed,
            seconds=0.0,
            ahead=0,
            stages=[],
            seconds_left=None,
            has_result=False,
            exploration=None,
        )
    stages = parts.queue.stages(job)
    has_result = parts.queue.has_result(job)
    return JobView(
        id=job.id,
        task=task_of(job.request),
        formula=job.formula,
        request=job.request,
        status=job.status,
        reason=plain_text(job.reason),
        created=job.created,
        ended=job.ended,
        seconds=round(job.seconds(), 1),
        ahead=line.ahead,
        stages=stages,
        seconds_left=_seconds_left(job, stages),
        has_result=has_result,
        exploration=_exploration(job, parts) if has_result else None,
    )


def _exploration(job: Job, parts: ServerParts) -> ExplorationLine | None:
    return parts.explorations.line(job.id) if task_of(job.request) == EXPLORATION else None


def _seconds_left(job: Job, stages: list[Stage]) -> float | None:
    """Of a running exploration: the rest of its time, or of its formulas at the present rate."""
    if job.status is not JobStatus.RUNNING or not isinstance(job.request, ExploreRequest):
        return None
    budget = job.request.limit
    if budget.seconds is not None:
        return round(max(0.0, budget.seconds - job.seconds()), 1)
    stage = next((stage for stage in stages if stage.per_minute), None)
    if stage is None or stage.done is None or stage.per_minute is None or budget.formulas is None:
        return None
    return round(60 * max(0, budget.formulas - stage.done) / stage.per_minute, 1)


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
        has_report=is_regular(parts.library.root, *parts.library.folder(run_id), REPORT_FILE),
        disorder=list(run.disorder),
    )
