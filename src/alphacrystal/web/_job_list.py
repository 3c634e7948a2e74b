"""Jobs in the order of the list, and the writing of their states where the disk refuses for a while."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from alphacrystal.errors import AlphaCrystalError
from alphacrystal.web._job import ACTIVE, DamagedJob, Job, JobFiles


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job in the list of jobs.

    Attributes:
        job: Its state, or its damaged state file.
        ahead: Number of jobs before a waiting one.
    """

    job: Job | DamagedJob
    ahead: int = 0


def list_order(job: Job | DamagedJob) -> tuple[bool, float, str]:
    """Key of the order: active jobs by their request, then the others by their end, latest first."""
    if isinstance(job, DamagedJob):
        return True, -job.changed.timestamp(), job.id
    active = job.status in ACTIVE
    last = job.created if active or job.ended is None else job.ended
    return not active, -last.timestamp(), job.id


class ProblemLog:
    """Writes a problem to a log once, not at each look."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._last = ""

    def note(self, sentence: str, *, trace: bool = False) -> None:
        """Write a sentence unless it was the last one; "" says that all is well again."""
        if sentence == self._last:
            return
        if sentence:
            self._log.warning("%s", sentence, exc_info=trace)
        else:
            self._log.warning("The jobs continue.")
        self._last = sentence


class StateWriter:
    """Writes states, and again later those that the disk refused: a full disk must not stop the queue."""

    def __init__(self, files: JobFiles) -> None:
        self._files = files
        self._unsaved: set[str] = set()  # jobs whose state file is older than their state

    def save(self, job: Job) -> None:
        """Write a state, or remember to do so."""
        try:
            self._files.save(job)
        except AlphaCrystalError:
            self._unsaved.add(job.id)
        else:
            self._unsaved.discard(job.id)

    def forget(self, job_id: str) -> None:
        """The job was deleted."""
        self._unsaved.discard(job_id)

    def save_again(self, jobs: Mapping[str, Job]) -> str:
        """Write the states that the disk refused; returns why it still does, "" if it does not.

        Where the folder of state files was deleted, it is created again with all of them.
        """
        folder = self._files.folder
        if not self._unsaved and folder.is_dir():
            return ""
        try:
            if not folder.is_dir():
                self._files.create_folder()
                self._unsaved |= jobs.keys()
            for job_id in sorted(self._unsaved):
                self._files.save(jobs[job_id])
                self._unsaved.discard(job_id)
        except AlphaCrystalError as error:
            return str(error)
        except OSError as error:
            return f"The folder {folder} cannot be created ({(error.strerror or str(error)).lower()})."
        return ""
