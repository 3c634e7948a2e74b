"""Making and deleting the run folder of a job: nothing that the server did not create is touched."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from alphacrystal.errors import ConflictError
from alphacrystal.web._files import empty_folder, entries, open_folder, stat_entry
from alphacrystal.web._job import Job, JobFiles

EVENTS_FILE = "events.jsonl"


def prepare_run_folder(files: JobFiles, job: Job) -> bool:
    """Create the run folder of a job, or check that the server created the existing one for it.

    The number of a new folder goes into ``job.folder_inode``. A folder of the job without a record of
    progress is emptied.

    Returns:
        Whether a run in it was begun and can be resumed.

    Raises:
        ConflictError: There is something else of this name: a link, a file, or a folder of others.
        OSError: The folder cannot be created.
    """
    with open_folder(files.runs) as root, suppress(FileExistsError):
        os.mkdir(job.id, dir_fd=root)
        job.folder_inode = os.stat(job.id, dir_fd=root, follow_symlinks=False).st_ino
    _check_no_link(files, job)
    with open_folder(files.runs, job.id) as folder:
        if not _is_ours(folder, job):
            if entries(folder):
                raise ConflictError(_foreign_folder(job))
            job.folder_inode = os.fstat(folder).st_ino
            return False
        with suppress(FileNotFoundError):
            if stat.S_ISREG(os.stat(EVENTS_FILE, dir_fd=folder, follow_symlinks=False).st_mode):
                return True
        empty_folder(folder)
        return False


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
    return (
        f"The folder {job.id} was not created by this server and is left as it is: "
        "move or delete it by hand, or resume it with alphacrystal predict --resume."
    )
