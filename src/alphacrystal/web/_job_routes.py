"""The part of the API that starts, shows and stops jobs."""

from __future__ import annotations

from fastapi import APIRouter, Response

from alphacrystal import __version__
from alphacrystal.web._job import JobStatus
from alphacrystal.web._parts import ANY_REFUSAL, CONFLICT, NO_PLACE, NOT_FOUND, TOO_LARGE, Parts, job_view
from alphacrystal.web._request import JobRequest
from alphacrystal.web._views import JobView, ServerView

router = APIRouter(prefix="/api", tags=["jobs"], responses=ANY_REFUSAL)


@router.get("/server")
def show_server(parts: Parts) -> ServerView:
    """Version, limits and how busy the server is."""
    statuses = [job.status for job in parts.queue.jobs()]
    return ServerView(
        version=__version__,
        limits=parts.settings.limits,
        disk_used_mb=round(parts.disk.used() / 1e6, 1),
        running=statuses.count(JobStatus.RUNNING) + statuses.count(JobStatus.ENDING),
        waiting=statuses.count(JobStatus.WAITING),
    )


@router.get("/jobs")
def list_jobs(parts: Parts) -> list[JobView]:
    """All jobs, newest first."""
    return [job_view(job, parts) for job in parts.queue.jobs()]


@router.post("/jobs", status_code=201, responses=TOO_LARGE | NO_PLACE)
def start_job(request: JobRequest, parts: Parts) -> JobView:
    """Predict a formula."""
    return job_view(parts.queue.submit(request), parts)


@router.get("/jobs/{job_id}", responses=NOT_FOUND)
def show_job(job_id: str, parts: Parts) -> JobView:
    """One job with its progress."""
    return job_view(parts.queue.job(job_id), parts)


@router.post("/jobs/{job_id}/cancel", responses=NOT_FOUND | CONFLICT | TOO_LARGE)
def cancel_job(job_id: str, parts: Parts) -> JobView:
    """Stop a job; what it has finished stays and can be opened."""
    return job_view(parts.queue.cancel(job_id), parts)


@router.post("/jobs/{job_id}/resume", responses=NOT_FOUND | TOO_LARGE | NO_PLACE | CONFLICT)
def resume_job(job_id: str, parts: Parts) -> JobView:
    """Let a cancelled, stopped or failed job go on."""
    return job_view(parts.queue.resume(job_id), parts)


@router.delete("/jobs/{job_id}", status_code=204, responses=NOT_FOUND | CONFLICT | TOO_LARGE)
def delete_job(job_id: str, parts: Parts) -> Response:
    """Delete a job that is over, with its run."""
    parts.queue.remove(job_id)
    return Response(status_code=204)
