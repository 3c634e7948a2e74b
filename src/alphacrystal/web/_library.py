"""The runs below a folder: those of the server and those of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from alphacrystal.errors import InputError
from alphacrystal.report import RunSummary, SummaryRow, read_run_folder
from alphacrystal.web._refusals import MissingError

RUN_FILE = "run.json"
REPORT_FILE = "report.html"
#: Joins the folder of a run with several formulas and that of one formula in an id.
JOINT = "~"
LONGEST_ID = 255
_CACHED = 2000


class RunLibrary:
    """Finds runs by id: the folder's name, or `BATCH~FOLDER` inside a run with several formulas.

    An id is looked up among the folders that are there and never made into a path, so it cannot lead outside;
    links are not followed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def ids(self) -> list[str]:
        """All runs with a result, latest first."""
        found = {run_id: (path / RUN_FILE).stat().st_mtime_ns for run_id, path in self._folders()}
        return sorted(found, key=lambda run_id: (-found[run_id], run_id))

    def folder(self, run_id: str) -> Path:
        """The folder of a run.

        Raises:
            MissingError: There is no such run.
        """
        if 0 < len(run_id) <= LONGEST_ID:
            for known, path in self._folders(run_id.partition(JOINT)[0]):
                if known == run_id:
                    return path
        raise MissingError("There is no run of this name.")

    def summary(self, run_id: str) -> RunSummary:
        """Its facts and its ranked table.

        Raises:
            MissingError: There is no such run.
            InputError: One of its files is damaged.
        """
        folder = self.folder(run_id)
        return _read(folder, (folder / RUN_FILE).stat().st_mtime_ns)

    def written(self, run_id: str) -> datetime:
        """When its result was written."""
        return datetime.fromtimestamp((self.folder(run_id) / RUN_FILE).stat().st_mtime, UTC)

    def file(self, run_id: str, name: str) -> Path:
        """A file of a run that its own table names.

        Raises:
            MissingError: There is no such run or file, or the name leads outside of the run.
        """
        folder = self.folder(run_id)
        path = folder / name
        try:
            inside = path.resolve(strict=True).is_relative_to(folder.resolve()) and path.is_file()
        except (OSError, ValueError):
            inside = False
        if not inside:
            raise MissingError("The run has no such file.")
        return path

    def structure(self, run_id: str, rank: int) -> tuple[SummaryRow, Path]:
        """A ranked structure and its CIF.

        Raises:
            MissingError: There is no such run or rank.
        """
        for row in self.summary(run_id).rows:
            if row.rank == rank:
                return row, self.file(run_id, row.file)
        raise MissingError(f"The run has no structure of rank {rank}.")

    def _folders(self, only: str | None = None) -> Iterator[tuple[str, Path]]:
        for path in _visible_folders(self.root, only):
            if (path / RUN_FILE).is_file():
                yield path.name, path
            elif JOINT not in path.name:
                for inner in _visible_folders(path):
                    if (inner / RUN_FILE).is_file():
                        yield f"{path.name}{JOINT}{inner.name}", inner


def download_name(run_id: str) -> str:
    """A file name of plain letters for a run."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", run_id).lstrip(".") or "run"


def _visible_folders(folder: Path, only: str | None = None) -> list[Path]:
    try:
        names = sorted(path.name for path in folder.iterdir() if only in (None, path.name))
    except OSError:
        return []
    paths = [folder / name for name in names if not name.startswith(".") and _is_text(name)]
    return [path for path in paths if path.is_dir() and not path.is_symlink()]


def _is_text(name: str) -> bool:
    """False for names of bytes that are no UTF-8: they cannot be said in JSON."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=_CACHED)
def _read(folder: Path, changed: int) -> RunSummary:
    try:
        return read_run_folder(folder)
    except InputError as error:
        # Its own sentence names a path of this machine, which is nobody's business over a network.
        raise InputError(
            f"The run {folder.name} is damaged: a file is missing or no longer readable."
        ) from error
