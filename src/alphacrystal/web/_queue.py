"""The jobs of a server: started in turn, watched, stopped at their limits, found again after a restart."""

from __future__ import annotations

import logging
import secrets
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, RLock, Thread

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.report import read_run_folder
from alphacrystal.web._disk import DiskGauge
from alphacrystal.web._job import ACTIVE, Job, JobFiles, JobStatus
from alphacrystal.web._process import JobProcess
from alphacrystal.web._progress import ProgressReader, Stage
from alphacrystal.web._refusals import BusyError, ConflictError, MissingError, NoRoomError
from alphacrystal.web._request import JobRequest, check_job, command
from alphacrystal.web._settings import Limits

TICK = 0.1  # s between two looks at the processes
GRACE = 30.0  # s that a process has to write what is finished
STARTS = 3  # a job whose process dies so often is given up

_log = logging.getLogger(__name__)


class JobQueue:
    """Every method may be called from any thread; one thread of its own watches the processes."""

    def __init__(self, runs: Path, limits: Limits, disk: DiskGauge) -> None:
        self.limits = limits
        self.disk = disk
        self.files = JobFiles(runs)
        self._lock = RLock()
        self._jobs: dict[str, Job] = {}
        self._processes: dict[str, JobProcess] = {}
        self._readers: dict[str, ProgressReader] = {}
        self._kill_at: dict[str, float] = {}
        self._leaving = False  # nothing new starts while the running ones are put back to wait
        self._closing = Event()
        self._watcher = Thread(target=self._watch, name="alphacrystal-jobs", daemon=True)

    def open(self) -> None:
        """Take over what an earlier server left, and start to work."""
        with self._lock:
            self._jobs = {job.id: job for job in self.files.load_all()}
            for job in list(self._jobs.values()):
                if job.status in (JobStatus.RUNNING, JobStatus.ENDING):
                    self._take_over(job)
        self._watcher.start()

    def close(self) -> None:
        """Interrupt what runs, so that the next server goes on with it, and stop."""
        with self._lock:
            self._leaving = True
            for job in self._jobs.values():
                if job.status is JobStatus.RUNNING:
                    self._end(job, JobStatus.WAITING, "")
        deadline = time.monotonic() + GRACE + 5
        while self._processes and time.monotonic() < deadline:
            time.sleep(TICK)
        self._closing.set()
        self._watcher.join()

    def submit(self, request: JobRequest) -> Job:
        """Give a request a place in the queue.

        Raises:
            AlphaCrystalError: It cannot be predicted, or there is no place or no room for it.
        """
        formula = check_job(request, self.limits)
        with self._lock:
            if refusal := self.disk.refusal():
                raise NoRoomError(refusal)
            self._check_places()
            now = datetime.now(UTC)
            name = formula.replace("(", "").replace(")", "")
            job_id = f"{name}-{now.astimezone():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
            job = Job(id=job_id, formula=formula, request=request, workers=self.limits.workers, created=now)
            self.files.save(job)
            self._jobs[job_id] = job
            return job.model_copy()

    def jobs(self) -> list[Job]:
        """All jobs, newest first."""
        with self._lock:
            found = [job.model_copy() for job in self._jobs.values()]
        return sorted(found, key=lambda job: (job.created, job.id), reverse=True)

    def job(self, job_id: str) -> Job:
        """One job.

        Raises:
            MissingError: There is none of this name.
        """
        with self._lock:
            return self._job(job_id).model_copy()

    def stages(self, job_id: str) -> list[Stage]:
        """Its progress."""
        with self._lock:
            path = self.files.run_folder(job_id) / "events.jsonl"
            return self._readers.setdefault(job_id, ProgressReader(path)).stages()

    def ahead(self, job: Job) -> int:
        """How many jobs come before a waiting one."""
        with self._lock:
            return sum(
                (other.created, other.id) < (job.created, job.id)
                for other in self._jobs.values()
                if other.status is JobStatus.WAITING
            )

    def cancel(self, job_id: str) -> Job:
        """Stop a job; what it has finished stays.

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
        """Let a job that ended too early go on.

        Raises:
            MissingError: There is none of this name.
            ConflictError: It still runs or has its result.
            AlphaCrystalError: There is no place or no room for it.
        """
        with self._lock:
            job = self._job(job_id)
            if job.status in ACTIVE or job.status is JobStatus.DONE:
                raise ConflictError(f"The job {job_id} is {job.status}: there is nothing to resume.")
            if refusal := self.disk.refusal():
                raise NoRoomError(refusal)
            self._check_places()
            # A new allowance of time: whoever resumes a job that reached its limit wants just that.
            job.spent, job.starts, job.reason, job.outcome, job.ended = 0.0, 0, "", None, None
            job.status = JobStatus.WAITING
            self.files.save(job)
            return job.model_copy()

    def remove(self, job_id: str) -> None:
        """Delete a job that is over, with its run folder.

        Raises:
            MissingError: There is none of this name.
            ConflictError: It still runs.
        """
        with self._lock:
            job = self._job(job_id)
            if job.status in ACTIVE:
                raise ConflictError(f"The job {job_id} is {job.status}: cancel it first.")
            folder = self.files.run_folder(job_id)
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder)
            self.files.remove(job_id)
            del self._jobs[job_id]
            self._readers.pop(job_id, None)
        self.disk.used(anew=True)

    def _job(self, job_id: str) -> Job:
        job = self._jobs.get(job_id)
        if job is None:
            raise MissingError(f"There is no job {job_id}.")
        return job

    def _check_places(self) -> None:
        waiting = sum(job.status is JobStatus.WAITING for job in self._jobs.values())
        free = max(0, self.limits.jobs - len(self._processes))
        if waiting >= self.limits.waiting + free:
            raise BusyError(f"{waiting} jobs are waiting already: try again when one of them is done.")

    def _take_over(self, job: Job) -> None:
        process = JobProcess.find(job.pid, self.files.lock(job.id))
        if process is not None:
            self._processes[job.id] = process
            if job.status is JobStatus.ENDING:
                self._end(job, job.outcome or JobStatus.CANCELLED, job.reason)
            return
        # Its time stood still when its process died, not now.
        events = self.files.run_folder(job.id) / "events.jsonl"
        if job.started is not None:
            last = datetime.fromtimestamp(events.stat().st_mtime, UTC) if events.is_file() else job.started
            job.spent += max(0.0, (last - job.started).total_seconds())
            job.started = None
        self._settle(job, None)

    def _watch(self) -> None:
        while not self._closing.wait(TICK):
            try:
                with self._lock:
                    self._tick()
            except AlphaCrystalError as error:  # the disk refused a state file; the next tick tries again
                _log.warning("Jobs could not be looked after: %s", error)
            except Exception:  # noqa: BLE001 - without this thread no job would start or end any more
                _log.exception("Jobs could not be looked after")

    def _tick(self) -> None:
        for job_id, process in list(self._processes.items()):
            job = self._jobs[job_id]
            if process.ended():
                job.spent, job.started = job.seconds(), None
                del self._processes[job_id]
                self._kill_at.pop(job_id, None)
                self._settle(job, process.code)
            elif job.status is JobStatus.ENDING:
                if time.monotonic() > self._kill_at.get(job_id, 0.0):
                    process.kill()
            elif job.seconds() > self.limits.seconds:
                reason = f"It reached the time limit of {self.limits.seconds:g} s"
                self._end(job, JobStatus.STOPPED, f"{reason}; what was finished by then is kept.")
            elif refusal := self.disk.refusal():
                self._end(job, JobStatus.STOPPED, refusal)
        waiting = [job for job in self._jobs.values() if job.status is JobStatus.WAITING]
        for job in sorted(waiting, key=lambda job: (job.created, job.id)):
            if len(self._processes) >= self.limits.jobs or self._leaving:
                return
            self._start(job)

    def _start(self, job: Job) -> None:
        if refusal := self.disk.refusal():
            self._conclude(job, JobStatus.STOPPED, refusal)
            return
        folder = self.files.run_folder(job.id)
        begun = (folder / "events.jsonl").is_file()
        if folder.exists() and not begun:
            shutil.rmtree(folder)  # killed before it wrote anything worth keeping
        arguments = command(job.request, folder, job.workers, resume=begun)
        log, lock = self.files.log(job.id), self.files.lock(job.id)
        try:
            process = JobProcess.start(arguments, log=log, lock=lock)
        except OSError as error:
            self._conclude(job, JobStatus.FAILED, f"Its process could not be started: {error.strerror}.")
            return
        self._processes[job.id] = process
        job.status, job.pid, job.started = JobStatus.RUNNING, process.pid, datetime.now(UTC)
        job.starts += 1
        self.files.save(job)

    def _end(self, job: Job, outcome: JobStatus, reason: str) -> None:
        """Ask a process to end; what the job becomes is settled when it has."""
        job.status, job.outcome, job.reason = JobStatus.ENDING, outcome, reason
        self._kill_at[job.id] = time.monotonic() + GRACE
        self._processes[job.id].interrupt()
        self.files.save(job)

    def _settle(self, job: Job, code: int | None) -> None:
        """What becomes of a job whose process has ended."""
        outcome = job.outcome
        job.pid, job.outcome = None, None
        if self._complete(job):
            self._conclude(job, JobStatus.DONE, "")
        elif outcome is JobStatus.WAITING:
            job.status, job.starts = JobStatus.WAITING, max(0, job.starts - 1)
            self.files.save(job)
        elif outcome is not None:
            self._conclude(job, outcome, job.reason)
        elif sentence := self._complaint(job):
            self._conclude(job, JobStatus.FAILED, sentence)
        elif job.starts < STARTS:
            job.status = JobStatus.WAITING
            self.files.save(job)
        else:
            how = "" if code is None else f" (signal {-code})" if code < 0 else f" (exit code {code})"
            self._conclude(
                job, JobStatus.FAILED, f"Its process ended {STARTS} times before it had a result{how}."
            )

    def _conclude(self, job: Job, status: JobStatus, reason: str) -> None:
        job.status, job.outcome, job.reason, job.ended = status, None, reason, datetime.now(UTC)
        self.files.save(job)

    def _complete(self, job: Job) -> bool:
        try:
            return read_run_folder(self.files.run_folder(job.id)).complete
        except InputError:
            return False

    def _complaint(self, job: Job) -> str:
        """The sentence that the command line ended with, "" without one."""
        try:
            text = self.files.log(job.id).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        found = [line for line in text.splitlines() if line.startswith("Error: ")]
        return found[-1].removeprefix("Error: ")[:1000] if found else ""
