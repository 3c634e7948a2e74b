"""A job and the small file that remembers it."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from alphacrystal.report import write_text_atomically
from alphacrystal.web._request import JobRequest

JOBS_FOLDER = ".jobs"


class JobStatus(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDING = "ending"
    DONE = "done"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    FAILED = "failed"


ACTIVE = (JobStatus.WAITING, JobStatus.RUNNING, JobStatus.ENDING)


class Job(BaseModel):
    """A prediction that somebody asked for.

    Attributes:
        id: Name of the job and of its run folder.
        formula: Reduced formula.
        request: What was asked for.
        workers: Its relaxation processes: a setting of the run, so a later server must keep it.
        status: Where it stands.
        outcome: What it becomes when its process has ended, None if that depends on the process.
        reason: One sentence where it did not end well, else "".
        created: When it was asked for.
        started: When its process started last, None before.
        ended: When it ended, None before.
        spent: Running time in s of the processes before the present one.
        pid: Number of its process, None without one.
        starts: How often its process was started and ended by something else than the server.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    id: str
    formula: str
    request: JobRequest
    workers: int
    status: JobStatus = JobStatus.WAITING
    outcome: JobStatus | None = None
    reason: str = ""
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    spent: float = 0.0
    pid: int | None = None
    starts: int = 0

    def seconds(self) -> float:
        """Running time so far in s."""
        if self.started is None:
            return self.spent
        return self.spent + max(0.0, (datetime.now(UTC) - self.started).total_seconds())


class JobFiles:
    """The state, log and lock files of the jobs, in a hidden folder among the runs."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.folder = runs / JOBS_FOLDER
        self.folder.mkdir(parents=True, exist_ok=True)

    def run_folder(self, job_id: str) -> Path:
        """Where its results go."""
        return self.runs / job_id

    def log(self, job_id: str) -> Path:
        """What its process says."""
        return self.folder / f"{job_id}.log"

    def lock(self, job_id: str) -> Path:
        """The file that its process keeps locked."""
        return self.folder / f"{job_id}.lock"

    def save(self, job: Job) -> None:
        """Write its state.

        Raises:
            AlphaCrystalError: The disk refused it.
        """
        write_text_atomically(self.folder / f"{job.id}.json", job.model_dump_json(indent=1) + "\n")

    def load_all(self) -> list[Job]:
        """Every job that can be read, oldest first; a damaged file is passed over."""
        found = []
        for path in self.folder.glob("*.json"):
            with contextlib.suppress(OSError, ValidationError, UnicodeDecodeError):
                job = Job.model_validate_json(path.read_text(encoding="utf-8"))
                if job.id == path.stem:
                    found.append(job)
        return sorted(found, key=lambda job: (job.created, job.id))

    def remove(self, job_id: str) -> None:
        """Forget a job; its run folder stays."""
        for suffix in (".json", ".log", ".lock"):
            (self.folder / f"{job_id}{suffix}").unlink(missing_ok=True)
