"""Making and deleting the run folder of a job: nothing that the server did not create is touched."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from alphacrystal.errors import AlphaCrystalError, ConflictError, InputError
from alphacrystal.exploration import LOG_FILE
from alphacrystal.report import TRANSITIONS_FILE
from alphacrystal.web._exploration import has_hull, is_finished, read_exploration_log
from alphacrystal.web._explore_request import ExploreRequest, with_budget
from alphacrystal.web._files import (
    empty_folder,
    entries,
    is_regular,
    make_folders,
    open_folder,
    stat_entry,
    write_file,
)
from alphacrystal.web._job import DamagedJob, Job, JobFiles
from alphacrystal.web._library import read_summary, time_of
from alphacrystal.web._names import RUN_FILE
from alphacrystal.web._progress import EVENTS_FILE, event_files, run_parts
from alphacrystal.web._series import is_series
from alphacrystal.web._tasks import EXPLORATION, task_of


def store_files(files: JobFiles, job: Job, contents: Mapping[tuple[str, ...], bytes]) -> None:
    """Create the run folder of a new job with its uploaded files.

    Args:
        files: Files of the jobs.
        job: The job.
        contents: Contents by place below the run folder.

    Raises:
        AlphaCrystalError: The disk refused it.
    """
    try:
        _create_run_folder(files, job)
        for place, content in contents.items():
            make_folders(files.runs, job.id, *place[:-1])
            write_file(files.runs, job.id, *place, content=content)
    except OSError as error:
        with suppress(OSError, ConflictError):
            delete_run_folder(files, job)
        reason = (error.strerror or str(error)).lower()
        raise AlphaCrystalError(
            f"The uploaded files cannot be stored ({reason}): free some space or restore the runs folder."
        ) from error


def _create_run_folder(files: JobFiles, job: Job) -> None:
    """Create the run folder of a job and note its number.

    Raises:
        FileExistsError: There is something of this name.
        OSError: It cannot be created.
    """
    with open_folder(files.runs) as root:
        os.mkdir(job.id, dir_fd=root)
        job.folder_inode = os.stat(job.id, dir_fd=root, follow_symlinks=False).st_ino


def prepare_run_folder(files: JobFiles, job: Job) -> bool:
    """Create the run folder of a job, or check that the server created the existing one for it.

    The number of a new folder goes into ``job.folder_inode``. A folder of the job without a record of
    progress is emptied, except for the uploaded files.

    Returns:
        Whether a run in it was begun and can be resumed.

    Raises:
        ConflictError: There is something else of this name: a link, a file, or a folder of others; or an
            uploaded file is gone.
        OSError: The folder cannot be created.
    """
    places = [place for places in job.request.input_files.values() for place in places]
    with suppress(FileExistsError):
        _create_run_folder(files, job)
    _check_no_link(files, job)
    with open_folder(files.runs, job.id) as folder:
        if not _is_ours(folder, job):
            if entries(folder):
                raise ConflictError(_foreign_folder(job))
            job.folder_inode = os.fstat(folder).st_ino
        for place in places:
            if not is_regular(files.runs, job.id, *place):
                raise ConflictError(
                    f"The uploaded file {place[-1]} is not in the run folder {job.id}: start a new job."
                )
        if is_begun(files, job):
            return True
        empty_folder(folder, keep={place[0] for place in places})
        return False


def is_begun(files: JobFiles, job: Job) -> bool:
    """Whether the run folder of a job has a record of progress."""
    if task_of(job.request) == EXPLORATION:
        return is_regular(files.runs, job.id, LOG_FILE)
    return is_regular(files.runs, job.id, EVENTS_FILE) or is_series(files.runs, job.id)


def has_result(files: JobFiles, job: Job) -> bool:
    """Whether a list or a hull of a job can be opened."""
    if task_of(job.request) == EXPLORATION:
        return has_hull(files.runs, job.id, job.request.pressures)
    return any(is_regular(files.runs, *parts, RUN_FILE) for parts in run_parts(job))


def is_complete(files: JobFiles, job: Job) -> bool:
    """Whether all results of a job are there."""
    if task_of(job.request) == EXPLORATION:
        return is_finished(files.runs, job.id)
    if job.request.pressures:
        return is_regular(files.runs, job.id, TRANSITIONS_FILE)  # written last
    try:
        return read_summary(files.runs, (job.id,)).complete
    except InputError:
        return False


def extended(files: JobFiles, job: Job | DamagedJob, budget: str) -> ExploreRequest:
    """The request of an exploration with a new budget.

    Raises:
        ConflictError: The state file of the job is damaged.
        InputError: It is no exploration, its log is damaged, or the budget is not larger.
    """
    if isinstance(job, DamagedJob):
        raise ConflictError(job.problem)
    if not isinstance(job.request, ExploreRequest):
        raise InputError(f"{job.id} is a prediction, which has no budget: start a new one.")
    try:
        predicted = read_exploration_log(files.runs, job.id).formulas
    except OSError:  # it ended before its first round
        predicted = 0
    return with_budget(job.request, budget, predicted)


def reopen_exploration(files: JobFiles, job: Job) -> None:
    """Note in the log of an exploration that it has not ended.

    Raises:
        ConflictError: Its folder is a link, or the server did not create it.
        AlphaCrystalError: The log is damaged or cannot be written.
    """
    try:
        _check_no_link(files, job)
        with open_folder(files.runs, job.id) as folder:
            if not _is_ours(folder, job):
                raise ConflictError(_foreign_folder(job))
        log = read_exploration_log(files.runs, job.id)
        log.stopped = ""
        write_file(files.runs, job.id, LOG_FILE, content=log.text().encode())
    except FileNotFoundError:
        return  # nothing was begun
    except OSError as error:
        raise AlphaCrystalError(
            f"The log of {job.id} cannot be written ({(error.strerror or str(error)).lower()}): free some "
            "space or restore the runs folder."
        ) from error


def last_change(files: JobFiles, job: Job) -> datetime | None:
    """When a job wrote its progress last, None if it wrote none."""
    times = []
    for file in event_files(job):
        with suppress(OSError):
            times.append(stat_entry(files.runs, *file).st_mtime_ns)
    return time_of(max(times)) if times else None


def delete_run_folder(files: JobFiles, job: Job) -> None:
    """Delete the run folder of a job, if there is one.

    Everything below it goes through the descriptor that was checked, so a folder that is exchanged meanwhile
    is not touched; links in it are unlinked and never followed.

    Raises:
        ConflictError: It is a link, or the server did not create it.
        OSError: Something in it cannot be deleted.
    """
    try:
        _check_no_link(files, job)
        with open_folder(files.runs, job.id) as folder:
            if not _is_ours(folder, job):
                raise ConflictError(_foreign_folder(job))
            empty_folder(folder)
        with open_folder(files.runs) as root:
            os.rmdir(job.id, dir_fd=root)  # removes an empty folder and nothing else
    except FileNotFoundError:
        return


def _check_no_link(files: JobFiles, job: Job) -> None:
    mode = stat_entry(files.runs, job.id).st_mode
    if stat.S_ISLNK(mode):
        raise ConflictError(
            f"The run folder {job.id} is a link, which the server does not follow: remove it."
        )
    if not stat.S_ISDIR(mode):
        raise ConflictError(f"The run folder {job.id} is a file: remove it.")


def _is_ours(folder: int, job: Job) -> bool:
    return job.folder_inode is not None and os.fstat(folder).st_ino == job.folder_inode


def _foreign_folder(job: Job) -> str:
    verb = "explore" if task_of(job.request) == EXPLORATION else "predict"
    return (
        f"The folder {job.id} was not created by this server and is left as it is: "
        f"move or delete it by hand, or resume it with alphacrystal {verb} --resume."
    )
