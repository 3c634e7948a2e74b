"""The part of the API that starts, shows and stops jobs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool

from alphacrystal import __version__
from alphacrystal.web._explore_request import ExploreRequest, MoreBudget
from alphacrystal.web._inputs import check_disordered, check_sizes, check_structures
from alphacrystal.web._job import Job, JobStatus
from alphacrystal.web._parts import (
    ANY_REFUSAL,
    CONFLICT,
    LATE,
    NOT_FOUND,
    QUEUE_FULL,
    TOO_LARGE,
    Parts,
    ServerParts,
    job_view,
)
from alphacrystal.web._pattern import check_pattern, check_size
from alphacrystal.web._request import NewJob
from alphacrystal.web._views import JobView, ServerView

router = APIRouter(prefix="/api", tags=["jobs"], responses=ANY_REFUSAL)

UNKNOWN_FORMULA = "X"  # until the file of a disordered crystal is read
ORDER_SETTINGS = {
    *("alloy", "order_max_atoms", "order_candidates", "z", "cell", "space_group", "lattice", "generators"),
}

TOTAL: dict[int | str, dict[str, object]] = {
    200: {"headers": {"X-Total-Count": {"description": "Number of all jobs.", "schema": {"type": "integer"}}}}
}


@router.get("/server")
def show_server(parts: Parts) -> ServerView:
    """Version, limits and how busy the server is."""
    counts = parts.queue.counts()
    return ServerView(
        version=__version__,
        limits=parts.settings.limits,
        disk_used_mb=round(parts.disk.used() / 1e6, 1),
        running=counts[JobStatus.RUNNING] + counts[JobStatus.ENDING],
        waiting=counts[JobStatus.WAITING],
    )


@router.get("/jobs", responses=TOTAL)
def list_jobs(
    parts: Parts,
    response: Response,
    first: Annotated[int, Query(ge=0, le=10**9, description="Jobs to pass over.")] = 0,
    count: Annotated[int, Query(ge=1, le=200, description="Jobs returned at most.")] = 50,
) -> list[JobView]:
    """Jobs: the active ones first, newest first, then the others, latest ended first.

    The header X-Total-Count has the number of all jobs.
    """
    total, lines = parts.queue.page(first, count)
    response.headers["X-Total-Count"] = str(total)
    return [job_view(line, parts) for line in lines]


@router.post("/jobs", status_code=201, responses=TOO_LARGE | QUEUE_FULL | LATE)
async def start_job(job: NewJob, parts: Parts) -> JobView:
    """Predict a formula, with the pressures, constraints, structures and powder pattern of the request."""
    request = job.request(None if job.formula.strip() else UNKNOWN_FORMULA)
    contents = job.contents(request)
    if job.xrd is not None and request.xrd_name is not None:
        check_size(request.xrd_name, job.xrd, parts.settings.limits)
        await parts.patterns.run(check_pattern, request.xrd_name, job.xrd, request.wavelength)
    structures = {place: content for place, content in contents.items() if len(place) > 1}
    if structures:
        check_sizes(structures.values(), parts.settings.limits)
        if job.disordered is not None or job.solid_solution is not None:
            limits = request.model_dump(include=ORDER_SETTINGS)
            formula = await parts.structures.run(check_disordered, job.formula, structures, limits)
            request = request if formula is None else job.request(formula)
        limits = request.model_dump(include={"z", "cell", "max_atoms", "generators"})
        await parts.structures.run(check_structures, request.formula, structures, limits)
    return await run_in_threadpool(lambda: _view(parts.queue.submit(request, contents), parts))


@router.post("/explorations", status_code=201, responses=QUEUE_FULL | TOO_LARGE)
def start_exploration(request: ExploreRequest, parts: Parts) -> JobView:
    """Explore a chemical system; the answer is the job, whose id is that of the exploration."""
    return _view(parts.queue.submit(request), parts)


@router.post("/explorations/{exploration_id}/continue", responses=NOT_FOUND | QUEUE_FULL | TOO_LARGE)
def continue_exploration(exploration_id: str, more: MoreBudget, parts: Parts) -> JobView:
    """Continue an exploration that has ended with a new budget; the answer is its job."""
    return _view(parts.queue.extend(exploration_id, more.budget), parts)


@router.get("/jobs/{job_id}", responses=NOT_FOUND)
def show_job(job_id: str, parts: Parts) -> JobView:
    """One job with its progress."""
    return job_view(parts.queue.line(job_id), parts)


@router.post("/jobs/{job_id}/cancel", responses=NOT_FOUND | CONFLICT | TOO_LARGE)
def cancel_job(job_id: str, parts: Parts) -> JobView:
    """Stop a job; its finished part stays and can be opened."""
    return _view(parts.queue.cancel(job_id), parts)


@router.post("/jobs/{job_id}/resume", responses=NOT_FOUND | TOO_LARGE | QUEUE_FULL | CONFLICT)
def resume_job(job_id: str, parts: Parts) -> JobView:
    """Resume a cancelled, stopped or failed job."""
    return _view(parts.queue.resume(job_id), parts)


@router.delete("/jobs/{job_id}", status_code=204, responses=NOT_FOUND | CONFLICT | TOO_LARGE)
def delete_job(job_id: str, parts: Parts) -> Response:
    """Delete a job that is over, with its run."""
    parts.queue.remove(job_id)
    return Response(status_code=204)


def _view(job: Job, parts: ServerParts) -> JobView:
    return job_view(parts.queue.line_of(job), parts)
