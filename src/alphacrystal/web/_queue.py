"""The jobs of a server: started in turn, watched, stopped at their limits, taken over after a restart."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, RLock, Thread

from alphacrystal.errors import (
    ConflictError,
    FolderGoneError,
    MissingError,
    QueueFullError,
    StorageLimitError,
)
from alphacrystal.web._disk import DiskGauge
from alphacrystal.web._explore_request import time_limit
from alphacrystal.web._job import ACTIVE, DamagedJob, Job, JobFiles, JobStatus, Outcome
from alphacrystal.web._job_list import JobLine, ProblemLog, StateWriter, list_order
from alphacrystal.web._names import check_name
from alphacrystal.web._process import JobProcess
from alphacrystal.web._progress import JobProgress, Stage
from alphacrystal.web._run_folder import (
    delete_run_folder,
    extended,
    has_result,
    is_complete,
    last_change,
    prepare_run_folder,
    reopen_exploration,
    store_files,
)
from alphacrystal.web._settings import Limits
from alphacrystal.web._tasks import AnyRequest, check_task, task_command

TICK_S = 0.1  # interval between checks of the processes
GRACE_S = 30.0  # in which an interrupted process writes its finished part
MAX_STARTS = 3  # then the job has failed

_log = logging.getLogger(__name__)


class JobQueue:
    """Every method may be called from any thread; a thread of the queue watches the processes."""

    def __init__(self, runs: Path, limits: Limits, disk: DiskGauge) -> None:
        self.limits = limits
        self.disk = disk
        self.files = JobFiles(runs)
        self._lock = RLock()
        self._jobs: dict[str, Job] = {}
        self._damaged: dict[str, DamagedJob] = {}
        self._processes: dict[str, JobProcess] = {}
        self._progress = JobProgress(runs)
        self._kill_at: dict[str, float] = {}
        self._states = StateWriter(self.files)
        self._problems = ProblemLog(_log)
        self._is_closing = False  # no job starts; running jobs return to the queue
        self._closing = Event()
        self._watcher = Thread(target=self._watch, name="alphacrystal-jobs", daemon=True)

    def open(self) -> None:
        """Take over the jobs of an earlier server, and start to work."""
        with self._lock:
            jobs, damaged = self.files.load_all()
            self._jobs = {job.id: job for job in jobs}
            self._damaged = {job.id: job for job in damaged}
            for job in jobs:
                if job.status is JobStatus.DAMAGED:  # no state that a server writes
                    self._conclude(job, JobStatus.FAILED, job.reason)
                elif job.status in (JobStatus.RUNNING, JobStatus.ENDING):
                    self._take_over(job)
        self._watcher.start()

    def close(self) -> None:
        """Interrupt the running jobs, so that the next server continues them, and stop."""
        with self._lock:
            self._is_closing = True
            for job in self._jobs.values():
                if job.status is JobStatus.RUNNING:
                    self._end(job, JobStatus.WAITING, "")
        deadline = time.monotonic() + GRACE_S + 5
        while self._processes and time.monotonic() < deadline:
            time.sleep(TICK_S)
        self._closing.set()
        self._watcher.join()

    def submit(self, request: AnyRequest, contents: Mapping[tuple[str, ...], bytes] | None = None) -> Job:
        """Add a request to the queue.

        Args:
            request: The prediction or exploration to run.
            contents: Contents of its uploaded files by place below its run folder.

        Raises:
            AlphaCrystalError: It cannot be computed, or the queue or the disk is full.
        """
        formula = check_task(request, self.limits)
        with self._lock:
            self._check_room()
            now = datetime.now(UTC)
            name = formula.replace("(", "").replace(")", "")
            job_id = f"{name}-{now.astimezone():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
            job = Job(id=job_id, formula=formula, request=request, workers=self.limits.workers, created=now)
            if contents:
                store_files(self.files, job, contents)
            self.files.save(job)
            self._jobs[job_id] = job
            return job.model_copy()

    def page(self, first: int, count: int) -> tuple[int, list[JobLine]]:
        """The number of jobs, and a part of them: active ones first, then the one that ended last.

        Args:
            first: Jobs to pass over.
            count: Largest number of jobs returned.
        """
        with self._lock:
            everything: list[Job | DamagedJob] = [*self._jobs.values(), *self._damaged.values()]
            everything.sort(key=list_order)
            part = everything[first : first + count]
            ahead = {job.id: index for index, job in enumerate(self._waiting())}
            lines = [
                JobLine(job.model_copy() if isinstance(job, Job) else job, ahead.get(job.id, 0))
                for job in part
            ]
        return len(everything), lines

    def counts(self) -> dict[JobStatus, int]:
        """How many jobs have each status."""
        with self._lock:
            statuses = [job.status for job in self._jobs.values()]
        return {status: statuses.count(status) for status in JobStatus}

    def is_over(self, job_id: str) -> bool:
        """Whether there is a job of this name that has ended, so that it can be deleted."""
        with self._lock:
            job = self._jobs.get(job_id)
            return job is not None and job.status not in ACTIVE

    def line(self, job_id: str) -> JobLine:
        """One job.

        Raises:
            MissingError: There is none of this name.
        """
        with self._lock:
            if (damaged := self._damaged.get(job_id)) is not None:
                return JobLine(damaged)
            return self.line_of(self._job(job_id).model_copy())

    def line_of(self, job: Job) -> JobLine:
        """A copy of a job with its position in the queue."""
        with self._lock:
            waiting = [other.id for other in self._waiting()] if job.status is JobStatus.WAITING else []
        return JobLine(job, waiting.index(job.id) if job.id in waiting else 0)

    def stages(self, job: Job) -> list[Stage]:
        """Its progress."""
        return self._progress.stages(job, active=job.status in ACTIVE)

    def has_result(self, job: Job) -> bool:
        """Whether its run, or one of its runs, can be opened."""
        return has_result(self.files, job)

    def cancel(self, job_id: str) -> Job:
        """Stop a job; its finished part stays.

        Raises:
            MissingError: There is none of this name.
            ConflictError: It has ended already.
        """
        with self._lock:
            job = self._job(job_id)
            if job.status not in ACTIVE:
                raise ConflictError(f"The job {job_id} is over: it is {job.status}.")
            if job.status is JobStatus.WAITING:
                self._conclude(job, JobStatus.CANCELLED, "")
            elif job.outcome is not JobStatus.CANCELLED:
                self._end(job, JobStatus.CANCELLED, "")
            return job.model_copy()

    def resume(self, job_id: str) -> Job:
        """Resume a job that ended too early.

        Raises:
            MissingError: There is none of this name.
            ConflictError: It still runs or has its result.
            AlphaCrystalError: The queue or the disk is full.
        """
        with self._lock:
            job = self._job(job_id)
            if job.status in ACTIVE or job.status is JobStatus.DONE:
                raise ConflictError(f"The job {job_id} is {job.status}: there is nothing to resume.")
            self._check_room()
            return self._queue_again(job)

    def extend(self, job_id: str, budget: str) -> Job:
        """Continue an exploration that has ended with a new budget: a time, or more formulas in all.

        Raises:
            MissingError: There is none of this name.
            ConflictError: It still runs, or its folder was not created by a server.
            AlphaCrystalError: It is no exploration, the budget cannot be used, or queue or disk are full.
        """
        changed = extended(self.files, self.line(job_id).job, budget)
        check_task(changed, self.limits)
        with self._lock:
            job = self._job(job_id)
            if job.status in ACTIVE:
                raise ConflictError(
                    f"The exploration {job_id} is {job.status}: wait for its end, or stop it."
                )
            self._check_room()
            reopen_exploration(self.files, job)
            job.request = changed
            return self._queue_again(job)

    def _check_room(self) -> None:
        """Refuse a further job where the runs folder is gone or the disk or the queue is full."""
        if not self.files.runs.is_dir():
            raise FolderGoneError("The runs folder is not there: restore it or restart the server.")
        if refusal := self.disk.refusal():
            raise StorageLimitError(refusal)
        self._check_queue_length()

    def _queue_again(self, job: Job) -> Job:
        """Queue a job that is over, with a new allowance of time."""
        job.spent, job.starts, job.reason, job.outcome, job.ended = 0.0, 0, "", None, None
        job.status = JobStatus.WAITING
        self._states.save(job)
        return job.model_copy()

    def remove(self, job_id: str) -> None:
        """Delete a job that is over, with its run folder; of a damaged one, its state file only.

        Raises:
            MissingError: There is none of this name.
            ConflictError: It still runs, or its run folder is a link or was not created by a server.
        """
        with self._lock:
            damaged = self._damaged.get(job_id)
            job = None if damaged is not None else self._job(job_id)
            if job is not None and job.status in ACTIVE:
                raise ConflictError(f"The job {job_id} is {job.status}: cancel it first.")
            try:
                if job is not None:
                    delete_run_folder(self.files, job)
                self.files.remove(job_id)
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise ConflictError(
                    f"Not everything of {job_id} can be deleted ({reason}): delete it by hand."
                ) from error
            self._jobs.pop(job_id, None)
            self._damaged.pop(job_id, None)
            self._states.forget(job_id)
        if job is not None:
            self._progress.forget(job)
        self.disk.measure_soon()

    def _job(self, job_id: str) -> Job:
        job = self._jobs.get(check_name(job_id, "job"))
        if job is None:
            if job_id in self._damaged:
                raise ConflictError(self._damaged[job_id].problem)
            raise MissingError(f"There is no job {job_id}.")
        return job

    def _waiting(self) -> list[Job]:
        """The jobs that wait, in the order of their turn."""
        waiting = [job for job in self._jobs.values() if job.status is JobStatus.WAITING]
        return sorted(waiting, key=lambda job: (job.created, job.id))

    def _check_queue_length(self) -> None:
        waiting = sum(job.status is JobStatus.WAITING for job in self._jobs.values())
        free = max(0, self.limits.jobs - len(self._processes))
        if waiting >= self.limits.waiting + free:
            raise QueueFullError(f"{waiting} jobs are waiting already: try again when one of them is done.")

    def _take_over(self, job: Job) -> None:
        process = JobProcess.find(job.pid, self.files.lock(job.id))
        if process is not None:
            self._processes[job.id] = process
            if job.status is JobStatus.ENDING:
                self._end(job, job.outcome or JobStatus.CANCELLED, job.reason)
            return
        # Its time stood still when its process died, not now.
        if job.started is not None:
            last = last_change(self.files, job) or job.started
            job.spent += min(max(0.0, (last - job.started).total_seconds()), self.limits.seconds)
            job.started = None
        self._settle(job, None)

    def _watch(self) -> None:
        while not self._closing.wait(TICK_S):
            try:
                with self._lock:
                    self._problems.note(self._tick())
            except Exception:  # noqa: BLE001 - without this thread no job would start or end any more
                self._problems.note("Internal failure of the job queue.", trace=True)

    def _tick(self) -> str:
        """Check processes and limits once; returns a sentence about a problem, "" without one."""
        for job_id, process in list(self._processes.items()):
            self._check_process(self._jobs[job_id], process)
        if not self.files.runs.is_dir():
            return "The runs folder is gone: no job starts until it is back."
        if problem := self._states.save_again(self._jobs):
            return problem
        for job in self._waiting():
            if len(self._processes) >= self.limits.jobs or self._is_closing:
                break
            self._start(job)
        return ""

    def _check_process(self, job: Job, process: JobProcess) -> None:
        if process.ended():
            job.spent, job.started = job.seconds(), None
            del self._processes[job.id]
            self._kill_at.pop(job.id, None)
            self._settle(job, process.code)
        elif job.status is JobStatus.ENDING:
            if time.monotonic() > self._kill_at.get(job.id, 0.0):
                process.kill()
        elif job.seconds() > time_limit(job.request, self.limits):
            reason = f"It reached the time limit of {self.limits.seconds:g} s"
            self._end(job, JobStatus.STOPPED, f"{reason}; the finished part is kept.")
        elif refusal := self._disk_refusal():
            self._end(job, JobStatus.STOPPED, refusal)

    def _disk_refusal(self) -> str | None:
        try:
            return self.disk.refusal()
        except OSError:  # the folder is gone; `_tick` reports it
            return None

    def _start(self, job: Job) -> None:
        if refusal := self._disk_refusal():
            self._conclude(job, JobStatus.STOPPED, refusal)
            return
        try:
            begun = prepare_run_folder(self.files, job)
            folder = self.files.run_folder(job.id)
            arguments = task_command(
                job.request, folder, job.workers, spent=job.spent, resume=begun, device=self.limits.device
            )
            process = JobProcess.start(arguments, log=self.files.log(job.id), lock=self.files.lock(job.id))
        except ConflictError as error:
            self._conclude(job, JobStatus.FAILED, str(error))
            return
        except (OSError, ValueError) as error:  # a NUL in an argument is a ValueError
            reason = getattr(error, "strerror", None) or str(error)
            self._conclude(job, JobStatus.FAILED, f"Its process could not be started: {reason}.")
            return
        self._processes[job.id] = process
        job.status, job.pid, job.started = JobStatus.RUNNING, process.pid, datetime.now(UTC)
        job.starts += 1
        self._states.save(job)

    def _end(self, job: Job, outcome: Outcome, reason: str) -> None:
        """Interrupt a process; the status of the job follows when the process has ended."""
        job.status, job.outcome, job.reason = JobStatus.ENDING, outcome, reason
        self._kill_at[job.id] = time.monotonic() + GRACE_S
        self._processes[job.id].interrupt()
        self._states.save(job)

    def _settle(self, job: Job, code: int | None) -> None:
        """Set the status of a job whose process has ended."""
        outcome = job.outcome
        job.pid, job.outcome = None, None
        if is_complete(self.files, job):
            self._conclude(job, JobStatus.DONE, "")
        elif outcome is JobStatus.WAITING:
            job.status, job.starts = JobStatus.WAITING, max(0, job.starts - 1)
            self._states.save(job)
        elif outcome is not None:
            self._conclude(job, outcome, job.reason)
        elif sentence := self.files.error_sentence(job.id):
            self._conclude(job, JobStatus.FAILED, sentence)
        elif job.starts < MAX_STARTS:
            job.status = JobStatus.WAITING
            self._states.save(job)
        else:
            detail = "" if code is None else f" (signal {-code})" if code < 0 else f" (exit code {code})"
            self._conclude(
                job, JobStatus.FAILED, f"Its process ended {MAX_STARTS} times before it had a result{detail}."
            )

    def _conclude(self, job: Job, status: JobStatus, reason: str) -> None:
        job.status, job.outcome, job.reason, job.ended = status, None, reason, datetime.now(UTC)
        self._states.save(job)
