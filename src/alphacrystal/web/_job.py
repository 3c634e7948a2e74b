"""A job and the small file that holds its state."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.web._files import open_file, open_folder, read_file, remove_entry, stat_entry, write_file
from alphacrystal.web._library import time_of
from alphacrystal.web._names import MAX_NAME_BYTES, is_name
from alphacrystal.web._settings import MAX_WORKERS
from alphacrystal.web._tasks import TASKS, AnyRequest

JOBS_FOLDER = ".jobs"
#: No job has a name that begins with a dot, so none has a lock file of this name.
SERVER_LOCK = ".server.lock"
STATE_SUFFIX = ".json"
MAX_STATE_BYTES = 64_000
MAX_LOG_BYTES = 64_000  # read from the end of a log


class JobStatus(StrEnum):
    """The status of a job; ``damaged`` if its state file cannot be read."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDING = "ending"
    DONE = "done"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    FAILED = "failed"
    DAMAGED = "damaged"


ACTIVE = (JobStatus.WAITING, JobStatus.RUNNING, JobStatus.ENDING)


def _name(text: str) -> str:
    if not is_name(text):
        raise ValueError("not the name of a job")
    return text


#: Status of a job after its process was interrupted.
Outcome = Literal[JobStatus.WAITING, JobStatus.CANCELLED, JobStatus.STOPPED]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Job(BaseModel):
    """A requested prediction or exploration.

    Attributes:
        id: Name of the job and of its run folder; see ``_names``.
        formula: Reduced formula; of an exploration, the chemical system.
        request: The prediction or exploration to run.
        workers: Its relaxation processes: a setting of the run, so a later server must keep it.
        status: Its status.
        outcome: Its status once its process has ended, None if that depends on the process.
        reason: One sentence if it did not succeed, else "".
        created: Time of the request.
        started: Time of the last start of its process, None before.
        ended: Time of its end, None before.
        spent: Running time in s of the processes before the present one.
        pid: Number of its process, None without one.
        starts: Starts of its process that the server did not end.
        folder_inode: Inode number of the run folder that the server created for it, None before. Only a
            folder with this number is ever written to or deleted: no state file of others can name it.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    id: Annotated[str, Field(max_length=MAX_NAME_BYTES), AfterValidator(_name)]
    formula: Annotated[str, Field(max_length=1000)]
    request: AnyRequest
    workers: Annotated[int, Field(ge=1, le=MAX_WORKERS)]
    status: JobStatus = JobStatus.WAITING
    outcome: Outcome | None = None
    reason: Annotated[str, Field(max_length=4000)] = ""
    created: AwareDatetime
    started: AwareDatetime | None = None
    ended: AwareDatetime | None = None
    spent: Seconds = 0.0
    pid: Annotated[int, Field(gt=1, lt=2**31)] | None = None
    starts: Annotated[int, Field(ge=0, le=10**6)] = 0
    folder_inode: Annotated[int, Field(gt=0, lt=2**64)] | None = None

    def seconds(self) -> float:
        """Running time so far in s."""
        if self.started is None:
            return self.spent
        return self.spent + max(0.0, (datetime.now(UTC) - self.started).total_seconds())


@dataclass(frozen=True, slots=True)
class DamagedJob:
    """A state file that cannot be used.

    Attributes:
        id: Its name without the suffix.
        changed: Time of its last change.
        problem: The reason, in one sentence.
    """

    id: str
    changed: datetime
    problem: str


class JobFiles:
    """The state, log and lock files of the jobs, in a hidden folder among the runs.

    Raises:
        InputError: The hidden folder is a link or no folder.
        OSError: It cannot be created.
    """

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.folder = runs / JOBS_FOLDER
        self.create_folder()

    def create_folder(self) -> None:
        """Create the hidden folder in the runs folder if it is missing."""
        self.folder.mkdir(exist_ok=True)
        try:
            with open_folder(self.runs, JOBS_FOLDER):
                pass
        except NotADirectoryError as error:
            raise InputError(
                f"{self.folder} is a link: remove it, or choose another --folder. Nothing was changed."
            ) from error

    def run_folder(self, job_id: str) -> Path:
        """The run folder of a job."""
        return self.runs / job_id

    def log(self, job_id: str) -> Path:
        """Standard error of its process."""
        return self.folder / f"{job_id}.log"

    def lock(self, job_id: str) -> Path:
        """The file that its process keeps locked."""
        return self.folder / f"{job_id}.lock"

    def end_of_log(self, job_id: str) -> str:
        """The last part of its log, "" without one."""
        try:
            with open_file(self.runs, JOBS_FOLDER, f"{job_id}.log") as stream:
                stream.seek(max(0, os.fstat(stream.fileno()).st_size - MAX_LOG_BYTES))
                return stream.read(MAX_LOG_BYTES).decode("utf-8", errors="replace")
        except OSError:
            return ""

    def error_sentence(self, job_id: str) -> str:
        """The error message of its command line, "" without one."""
        errors = [line for line in self.end_of_log(job_id).splitlines() if line.startswith("Error: ")]
        return errors[-1].removeprefix("Error: ")[:1000] if errors else ""

    def save(self, job: Job) -> None:
        """Write its state.

        Raises:
            AlphaCrystalError: The disk refused it.
        """
        content = (job.model_dump_json(indent=1) + "\n").encode()
        try:
            write_file(self.runs, JOBS_FOLDER, f"{job.id}{STATE_SUFFIX}", content=content)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise AlphaCrystalError(
                f"The state of the job {job.id} cannot be written ({reason}): "
                "free some space or restore the runs folder."
            ) from error

    def load_all(self) -> tuple[list[Job], list[DamagedJob]]:
        """Every job, and every state file that cannot be read as one."""
        jobs, damaged = [], []
        for name in self._state_files():
            job_id = name.removesuffix(STATE_SUFFIX)
            try:
                content = read_file(self.runs, JOBS_FOLDER, name, limit=MAX_STATE_BYTES)
                job = Job.model_validate_json(content)
            except OSError as error:
                damaged.append(self._damaged(job_id, (error.strerror or str(error)).lower()))
            except ValidationError as error:
                first = error.errors(include_input=False, include_url=False)[0]
                field = ".".join(str(part) for part in first["loc"] if part not in TASKS) or "the file"
                damaged.append(self._damaged(job_id, f"{field}: {first['msg'].lower()}"))
            else:
                if job.id == job_id:
                    jobs.append(job)
                else:
                    damaged.append(self._damaged(job_id, "its id is not the name of the file"))
        return jobs, damaged

    def remove(self, job_id: str) -> None:
        """Delete the files of a job except its run folder.

        Raises:
            OSError: A file cannot be removed.
        """
        with open_folder(self.runs, JOBS_FOLDER) as folder:
            for suffix in (".log", ".lock", STATE_SUFFIX):
                remove_entry(folder, f"{job_id}{suffix}")

    def _state_files(self) -> Iterator[str]:
        with os.scandir(self.folder) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            if name.endswith(STATE_SUFFIX) and is_name(name.removesuffix(STATE_SUFFIX)):
                yield name

    def _damaged(self, job_id: str, reason: str) -> DamagedJob:
        try:
            changed = stat_entry(self.runs, JOBS_FOLDER, f"{job_id}{STATE_SUFFIX}").st_mtime_ns
        except OSError:
            changed = 0
        problem = f"The state file {job_id}{STATE_SUFFIX} is damaged ({reason}): delete this job."
        return DamagedJob(job_id, time_of(changed), problem)
