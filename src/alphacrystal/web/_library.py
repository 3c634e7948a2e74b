"""The runs below a folder: those of the server and those of the command line."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from alphacrystal.errors import FolderGoneError, InputError, MissingError, NewerFormatError
from alphacrystal.report import RunSummary, SummaryRow, run_summary
from alphacrystal.web._files import (
    Version,
    VersionedCache,
    open_file,
    open_folder,
    read_file,
    stat_entry,
    version_of,
)
from alphacrystal.web._names import RUN_FILE, is_name, run_id, run_paths

TABLE_FILE = "summary.csv"
REPORT_FILE = "report.html"
MAX_RUN_BYTES = 2_000_000  # of run.json or summary.csv; a list of 1,000 structures has 0.3 MB
_MAX_SUMMARIES = 32  # whole runs kept in memory
_MAX_HEADS = 10_000  # lines of the list kept in memory


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run folder as the list of folders shows it, before any of its files is read.

    Attributes:
        id: Its id, or its path if it has no valid id.
        parts: Its path below the runs folder.
        written: Time of the last change of its run.json, in ns.
        problem: One sentence where it cannot be opened, else "".
    """

    id: str
    parts: tuple[str, ...]
    written: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RunHead:
    """One line of the list of runs.

    Attributes:
        formula: Reduced formula, "" where the run is damaged.
        complete: False where it was interrupted.
        structures: Structures in its list.
        best: The first of them, None without one.
        problem: One sentence where it cannot be read, else "".
        pressure_gpa: Pressure in GPa.
    """

    formula: str
    complete: bool
    structures: int
    best: SummaryRow | None
    problem: str = ""
    pressure_gpa: float = 0.0


class RunLibrary:
    """Reads runs by id: the folder's name, or `BATCH~FOLDER` inside a run with several formulas.

    Links are not followed below the root. The data of a run are cached until one of its files changes, and
    each run is read separately: a damaged one is listed with a sentence.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._summaries: VersionedCache[RunSummary] = VersionedCache(_MAX_SUMMARIES)
        self._heads: VersionedCache[RunHead] = VersionedCache(_MAX_HEADS)

    def entries(self) -> list[RunEntry]:
        """All runs with a result, latest first.

        Raises:
            FolderGoneError: The runs folder cannot be read.
        """
        outer = list(self._outer_entries())
        runs = [entry for entry, is_run in outer if is_run]
        ids = {entry.id for entry in runs}
        for batch, is_run in outer:
            if not is_run:
                runs += self._inner_entries(batch, ids)
        return sorted(runs, key=lambda entry: (-entry.written, entry.id))

    def head(self, entry: RunEntry) -> RunHead:
        """The line of a run; it is read again only if one of its files has changed."""
        if entry.problem:
            return RunHead("", complete=False, structures=0, best=None, problem=entry.problem)
        try:
            version = self._version(entry.parts)
        except OSError as error:
            return RunHead("", complete=False, structures=0, best=None, problem=_damaged(entry.parts, error))
        return self._heads.get(entry.parts, version, lambda: self._read_head(entry.parts, version))

    def folder(self, id_text: str) -> tuple[str, ...]:
        """Path of a run below the root.

        Raises:
            MissingError: There is no such run.
        """
        for parts in run_paths(id_text):
            try:
                stat_entry(self.root, *parts, RUN_FILE)
            except OSError:
                continue
            return parts
        raise MissingError("There is no run of this name.")

    def summary(self, id_text: str) -> RunSummary:
        """Its facts and its ranked table.

        Raises:
            MissingError: There is no such run.
            InputError: One of its files is damaged.
        """
        parts = self.folder(id_text)
        try:
            return self._summary(parts, self._version(parts))
        except OSError as error:
            raise InputError(_damaged(parts, error)) from error

    def version(self, id_text: str) -> tuple[Version, Version]:
        """Version of the two files that describe a run; it changes with each of them.

        Raises:
            MissingError: There is no such run.
            InputError: One of its files is missing.
        """
        parts = self.folder(id_text)
        try:
            return self._version(parts)
        except OSError as error:
            raise InputError(_damaged(parts, error)) from error

    def open(self, id_text: str, name: str) -> BinaryIO:
        """Open a file of a run that its table names.

        Raises:
            MissingError: There is no such run or file, or the name leads outside of the run.
        """
        inner = PurePosixPath(name).parts
        try:
            if not inner or not all(map(is_name, inner)):
                raise MissingError("The run has no such file.")
            return open_file(self.root, *self.folder(id_text), *inner)
        except OSError as error:
            raise MissingError("The run has no such file.") from error

    def row(self, id_text: str, rank: int) -> SummaryRow:
        """A ranked structure.

        Raises:
            MissingError: There is no such run or rank.
        """
        for row in self.summary(id_text).rows:
            if row.rank == rank:
                return row
        raise MissingError(f"The run has no structure of rank {rank}.")

    def _outer_entries(self) -> Iterator[tuple[RunEntry, bool]]:
        """Each visible folder, and whether it is a run."""
        try:
            names = sorted(_visible_folders(self.root))
        except OSError as error:
            raise FolderGoneError(
                "The runs folder is not there: restore it or restart the server."
            ) from error
        for name in names:
            yield _entry(self.root, (name,), name)

    def _inner_entries(self, batch: RunEntry, ids: set[str]) -> Iterator[RunEntry]:
        if batch.problem:
            return
        (outer,) = batch.parts
        try:
            names = sorted(_visible_folders(self.root / outer))
        except OSError:
            return
        for name in names:
            parts = (outer, name)
            entry_id = run_id(parts)
            entry, is_run = _entry(self.root, parts, entry_id)
            if is_run and entry_id in ids:
                problem = f"Its id is the name of another folder: rename the folder {entry_id}."
                entry = RunEntry("/".join(parts), parts, entry.written, problem)
            if is_run:
                yield entry

    def _version(self, parts: tuple[str, ...]) -> tuple[Version, Version]:
        with open_folder(self.root, *parts) as folder:
            run, table = (
                os.stat(name, dir_fd=folder, follow_symlinks=False) for name in (RUN_FILE, TABLE_FILE)
            )
        return version_of(run), version_of(table)

    def _summary(self, parts: tuple[str, ...], version: tuple[Version, Version]) -> RunSummary:
        return self._summaries.get(parts, version, lambda: read_summary(self.root, parts))

    def _read_head(self, parts: tuple[str, ...], version: tuple[Version, Version]) -> RunHead:
        try:
            run = self._summary(parts, version)
        except InputError as error:
            return RunHead("", complete=False, structures=0, best=None, problem=str(error))
        best = run.rows[0] if run.rows else None
        return RunHead(run.formula, run.complete, len(run.rows), best, pressure_gpa=run.pressure_gpa)


def read_summary(root: Path, parts: tuple[str, ...]) -> RunSummary:
    """Facts and table of the run at ``parts`` below ``root``.

    Raises:
        InputError: One of its files is missing, damaged, too large, no regular file, or of a newer version;
            the sentence names no path of this machine.
    """
    try:
        run, table = (read_file(root, *parts, name, limit=MAX_RUN_BYTES) for name in (RUN_FILE, TABLE_FILE))
    except OSError as error:
        raise InputError(_damaged(parts, error)) from error
    try:
        return run_summary(root.joinpath(*parts), run, table)
    except NewerFormatError as error:
        raise NewerFormatError(f"The run {parts[-1]}", error.version, error.supported) from error
    except InputError as error:
        raise InputError(_damaged(parts, None)) from error


def time_of(nanoseconds: int) -> datetime:
    """A file's time; one outside of the years 1970 to 9999 is moved to their border."""
    return datetime.fromtimestamp(min(max(nanoseconds // 1000, 0) / 1e6, 253_402_300_799.0), UTC)


def _entry(root: Path, parts: tuple[str, ...], entry_id: str) -> tuple[RunEntry, bool]:
    """A folder as an entry, and whether it is a run."""
    problem = ""
    if not all(map(is_name, parts)):
        problem = "Its folder name is too long or has a control character or backslash: rename the folder."
    try:
        # Faster than Path for thousands of runs.
        facts = os.lstat("/".join((os.fspath(root), *parts, RUN_FILE)))
    except FileNotFoundError:
        return RunEntry(entry_id, parts, 0, problem), False
    except OSError as error:
        return RunEntry(entry_id, parts, 0, problem or _damaged(parts, error)), True
    if not problem and not stat.S_ISREG(facts.st_mode):
        problem = _damaged(parts, None)
    return RunEntry(entry_id, parts, facts.st_mtime_ns, problem), True


def _visible_folders(folder: Path) -> Iterator[str]:
    """Names of the folders that are neither hidden nor links, if they are text."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if (
                not entry.name.startswith(".")
                and _is_text(entry.name)
                and entry.is_dir(follow_symlinks=False)
            ):
                yield entry.name


def _is_text(name: str) -> bool:
    """False for names of bytes that are no UTF-8: JSON cannot hold them."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _damaged(parts: tuple[str, ...], error: OSError | None) -> str:
    reason = f" ({error.strerror.lower()})" if error is not None and error.strerror else ""
    return (
        f"The run {parts[-1]} is damaged: {RUN_FILE} or {TABLE_FILE} is missing or cannot be read{reason}; "
        "repeat the run with --resume."
    )
