"""The tasks of jobs: predictions and explorations of chemical systems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Discriminator, Tag

from alphacrystal.runtime.torch_device import AUTO
from alphacrystal.web._explore_request import ExploreRequest, check_explore_request, explore_command
from alphacrystal.web._request import JobRequest, check_job, command
from alphacrystal.web._settings import Limits

Task = Literal["prediction", "exploration"]
PREDICTION: Task = "prediction"
EXPLORATION: Task = "exploration"
TASKS = (PREDICTION, EXPLORATION)


def task_of(request: object) -> Task:
    """The task that a request, or its fields by name, describes."""
    if isinstance(request, dict):
        return EXPLORATION if "system" in request else PREDICTION
    return EXPLORATION if isinstance(request, ExploreRequest) else PREDICTION


AnyRequest = Annotated[
    Annotated[JobRequest, Tag("prediction")] | Annotated[ExploreRequest, Tag("exploration")],
    Discriminator(task_of),
]


def check_task(request: JobRequest | ExploreRequest, limits: Limits) -> str:
    """Refuse a request that cannot be computed; returns the name of its job without the time.

    Raises:
        AlphaCrystalError: A value cannot be used, or a limit does not allow it.
    """
    if isinstance(request, ExploreRequest):
        return check_explore_request(request, limits)
    return check_job(request, limits)


def task_command(
    request: JobRequest | ExploreRequest,
    folder: Path,
    workers: int,
    *,
    spent: float,
    resume: bool,
    device: str = AUTO,
) -> list[str]:
    """Arguments of the process of a job.

    Args:
        request: The request.
        folder: Its output folder.
        workers: Its worker processes.
        spent: Running time in s of its earlier processes.
        resume: Whether to continue the work in the folder.
        device: Of the potential, of new work.
    """
    if isinstance(request, ExploreRequest):
        return explore_command(request, folder, workers, spent=spent, resume=resume, device=device)
    return command(request, folder, workers, resume=resume, device=device)
