"""The store of a campaign: one SQLite file that only the client writes.

Each batch of outcomes is one transaction, on disk before the next task is submitted. Only one page of waiting
tasks is in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pydantic import ConfigDict, FiniteFloat, Json, TypeAdapter, ValidationError

from alphacrystal.composition import parse_formula
from alphacrystal.errors import AlphaCrystalError, InputError, NewerFormatError
from alphacrystal.pipeline.formula_list import FormulaRequest
from alphacrystal.report import INDEX_COLUMNS, PATTERN_COLUMNS, best_values
from alphacrystal.scale._executor import CampaignTask, TaskOutcome
from alphacrystal.scale._store_formats import (
    FORMAT_VERSION,
    SCHEMA,
    conversion,
    expected_schema,
    use_write_ahead_log,
)

FILE = "campaign.sqlite"
#: Suffixes of the files of one SQLite database.
STORE_SUFFIXES = ("", "-wal", "-shm", "-journal")
WAITING, DONE, FAILED = "waiting", "done", "failed"
PAGE_SIZE = 1000  # waiting tasks read at once
MAX_VALUE_BYTES = 10_000_000
_PAGE_BYTES = 4096  # of a database without tables
_JOURNAL_S = 1.0  # longer than it takes to create a database
_FOLDER = re.compile(r"runs/[0-9a-f]{2}/[A-Za-z0-9]{1,40}-[0-9a-f]{10}")
_DAMAGE = {
    "CORRUPT",
    "NOTADB",
    "ERROR",
    "MISMATCH",
    "CONSTRAINT",
    "FORMAT",
    "SCHEMA",
    "TOOBIG",
}  # SQLite's error names

#: Types of the columns of a waiting task and of the times of a finished one; a store may come from others.
_ROW = TypeAdapter(tuple[str, str, str | None, int | None, str], config=ConfigDict(strict=True))
_TIMES = TypeAdapter(tuple[FiniteFloat, FiniteFloat, Json[dict[str, FiniteFloat]]])


def remove_unborn_store(folder: Path) -> None:
    """Delete a store whose process died before it created a table; the caller has locked the folder."""
    path, journal = folder / FILE, folder / f"{FILE}-journal"
    if journal.is_file() and path.is_file() and path.stat().st_size <= _PAGE_BYTES:
        path.unlink()
        journal.unlink()


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of waiting, done and failed tasks of a campaign."""

    waiting: int
    done: int
    failed: int

    @property
    def total(self) -> int:
        """Number of all tasks."""
        return self.waiting + self.done + self.failed


class CampaignStore:
    """Tasks and outcomes of a campaign, in its folder.

    Args:
        folder: Folder of the campaign.
        durable: Whether a commit waits for the disk; without, a power failure (not a kill) may lose the last.

    Raises:
        InputError: The file is damaged, a link, of a newer version, or has other contents than a campaign.
        AlphaCrystalError: It cannot be written.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.path = folder / FILE
        self._counts: Counts | None = None
        self._check_files()
        with self._guarded():
            self._database = sqlite3.connect(self.path, isolation_level=None)
            try:
                self._open(durable=durable)
            except BaseException:
                self._database.close()
                raise

    def _open(self, *, durable: bool) -> None:
        self._database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
        self._database.execute("PRAGMA trusted_schema = OFF")  # no code that the file defines may run
        self._database.execute("PRAGMA cell_size_check = ON")
        schema, version = self._checked_layout()
        use_write_ahead_log(self._database)
        # Each commit reaches the disk: an outcome survives a power failure too.
        self._database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        if not schema or version < FORMAT_VERSION:
            self._convert()

    def _checked_layout(self) -> tuple[frozenset[tuple[Any, ...]], int]:
        """Tables and indices, and the format; an empty file is a store of format 1 without tables.

        Raises:
            InputError: The file is no campaign, or of a newer format.
        """
        rows = self._database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
        schema = frozenset(rows.fetchall())
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        version = max(version, 1)  # stores of format 1 have no version
        if version > FORMAT_VERSION:
            raise NewerFormatError(self.path, version, FORMAT_VERSION)
        if schema and schema != expected_schema(version):
            raise InputError(
                f"{self.path} is damaged or not a campaign: it has other tables, views or triggers. "
                "Start a new campaign with another --out."
            )
        return schema, version

    def _convert(self) -> None:
        """Create the tables, or convert those of an older format, in one transaction."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            schema, version = self._checked_layout()  # another process may have been first
            script = ("" if schema else SCHEMA) + conversion(version, FORMAT_VERSION)
            for statement in script.split(";") if not schema or version < FORMAT_VERSION else ():
                self._database.execute(statement)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _check_files(self) -> None:
        """Refuse files that would make SQLite write to or delete other files.

        A rollback journal can name a further file that SQLite deletes when it opens the database. This class
        has a rollback journal only while it creates the file.
        """
        for suffix in STORE_SUFFIXES:
            path = self.path.with_name(FILE + suffix)
            if path.is_symlink() or (path.exists() and not path.is_file()):
                raise InputError(f"{path} is a link or no regular file: remove it.")
        journal = self.path.with_name(f"{FILE}-journal")
        end = time.monotonic() + _JOURNAL_S
        while journal.exists():
            if time.monotonic() > end:
                raise InputError(
                    f"{journal} does not belong to a campaign: remove it, or start a new campaign with "
                    "another --out."
                )
            time.sleep(0.01)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._database.close()

    def damaged(self) -> str:
        """The sentence on a file that this class cannot have written."""
        return f"{self.path} is damaged: start a new campaign with another --out; finished runs stay."

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            # Python reports text that is not UTF-8, without an SQLite error name.
            undecodable = isinstance(error, sqlite3.OperationalError)
            name: str = getattr(error, "sqlite_errorname", "SQLITE_CORRUPT" if undecodable else "")
            if name in {"SQLITE_FULL", "SQLITE_IOERR_WRITE"}:
                raise AlphaCrystalError(
                    f"Cannot write {self.path}: the disk is full; free some space and resume the campaign."
                ) from error
            if name.partition("_")[2].split("_")[0] in _DAMAGE:
                raise InputError(self.damaged()) from error
            raise AlphaCrystalError(f"{self.path} cannot be used: {error}.") from error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._guarded():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                with contextlib.suppress(sqlite3.DatabaseError):
                    self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def facts(self) -> dict[str, Any]:
        """The list digest and the options of the campaign; empty where it stopped before they were stored.

        Raises:
            InputError: It is damaged.
        """
        with self._guarded():
            rows = self._database.execute("SELECT * FROM facts").fetchall()
        try:
            return {str(name): json.loads(value) for name, value in rows}
        except (ValueError, TypeError, RecursionError) as error:
            raise InputError(self.damaged()) from error

    def fill(
        self,
        requests: Iterable[FormulaRequest],
        facts: Mapping[str, Any],
        on_read: Callable[[int], None] | None = None,
    ) -> None:
        """Store the whole list and the facts, or nothing.

        Equal requests are one task. A formula that cannot be read is a failed task.

        Raises:
            InputError: A line of the list cannot be used.
        """
        with self._transaction():
            for position, request in enumerate(requests):
                self._add(position, request)
                if on_read is not None:
                    on_read(position + 1)
            self._database.executemany(
                "INSERT INTO facts VALUES (?, ?)",
                [(name, json.dumps(value)) for name, value in facts.items()],
            )

    def _add(self, position: int, request: FormulaRequest) -> None:
        reason = ""
        try:
            reduced = parse_formula(request.formula).reduced_formula
        except InputError as error:
            reduced, reason = request.formula.strip(), str(error)
        text = json.dumps([reduced, request.cell, request.space_group])
        key = hashlib.sha256(text.encode()).hexdigest()[:20]
        name = re.sub(r"[^A-Za-z0-9]", "", request.cell or reduced)[:40] or "formula"
        folder = f"runs/{key[:2]}/{name}-{key[:10]}"
        self._database.execute(
            "INSERT OR IGNORE INTO tasks "
            "(key, formula, cell, space_group, folder, status, failure_type, reason) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key,
                request.formula,
                request.cell,
                request.space_group,
                folder,
                FAILED if reason else WAITING,
                "input" if reason else "",
                reason,
            ),
        )
        self._database.execute(
            "INSERT INTO lines SELECT ?, ?, id FROM tasks WHERE key = ?", (position, request.formula, key)
        )

    def counts(self) -> Counts:
        """Numbers of tasks by status; counted once and then updated."""
        if self._counts is None:
            with self._guarded():
                counts = dict(self._database.execute("SELECT status, count(*) FROM tasks GROUP BY status"))
            self._counts = Counts(counts.get(WAITING, 0), counts.get(DONE, 0), counts.get(FAILED, 0))
        return self._counts

    def waiting(self) -> Iterator[CampaignTask]:
        """Unfinished tasks, in the order of the list, read in pages."""
        last = -1
        while True:
            with self._guarded():
                rows = self._database.execute(
                    "SELECT id, key, formula, cell, space_group, folder FROM tasks "
                    "WHERE status = 'waiting' AND id > ? ORDER BY id LIMIT ?",
                    (last, PAGE_SIZE),
                ).fetchall()
            if not rows:
                return
            for row in rows:
                *_, folder = row
                if not _FOLDER.fullmatch(str(folder)):
                    raise InputError(self.damaged())
                try:
                    yield CampaignTask(*_ROW.validate_python(tuple(row[1:])))
                except ValidationError as error:
                    raise InputError(self.damaged()) from error
            last = rows[-1][0]

    def record(self, outcomes: Iterable[TaskOutcome]) -> None:
        """Store outcomes in one transaction; stored ones do not change."""
        done = failed = 0
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._transaction():
            for outcome in outcomes:
                ended = FAILED if outcome.failure is not None else DONE
                values = {
                    "status": ended,
                    "failure_type": outcome.failure_type,
                    "reason": outcome.failure or "",
                    "result": outcome.result,
                    "structures": outcome.structures,
                    **best_values(outcome.best),
                    "seconds": outcome.seconds,
                    "processor_seconds": outcome.processor_seconds,
                    "timings": json.dumps(dict(outcome.timings_s)) if outcome.timings_s else None,
                    "ended": now,
                }
                assignments = ", ".join(f"{name} = ?" for name in values)
                changed = self._database.execute(
                    f"UPDATE tasks SET {assignments} WHERE key = ? AND status = 'waiting'",  # noqa: S608 - names
                    (*values.values(), outcome.key),
                ).rowcount
                done += changed * (ended == DONE)
                failed += changed * (ended == FAILED)
        before = self.counts() if self._counts is not None else None
        if before is not None:
            self._counts = Counts(before.waiting - done - failed, before.done + done, before.failed + failed)

    def retry_failed(self) -> int:
        """Set failed tasks to waiting; returns their number."""
        with self._transaction():
            count = self._database.execute(
                "UPDATE tasks SET status = 'waiting', failure_type = '', reason = '' WHERE status = 'failed'"
            ).rowcount
        self._counts = None
        return count

    def lines(self, *, failed_only: bool = False) -> Iterator[tuple[Any, ...]]:
        """Rows for the tables, one per line of the list, in its order.

        Each has the values of `INDEX_COLUMNS` and `PATTERN_COLUMNS`, then failure type, line number, cell and
        space group.

        Raises:
            InputError: The store is damaged, or names a result outside the folder.
        """
        with self._guarded():
            for row in self._database.execute(
                "SELECT lines.formula, tasks.result, "  # noqa: S608
                f"{', '.join(f'tasks.{name}' for name in (*INDEX_COLUMNS[2:], *PATTERN_COLUMNS))}, "
                "tasks.failure_type, lines.position + 1, tasks.cell, tasks.space_group "
                "FROM lines JOIN tasks ON tasks.id = lines.task "
                "WHERE ? = 0 OR tasks.status = 'failed' ORDER BY lines.position",
                (int(failed_only),),
            ):
                if row[1] != "" and not _stays_inside(row[1]):
                    raise InputError(self.damaged())
                yield row

    def times(self) -> Iterator[tuple[float, float, dict[str, float]]]:
        """Wall and processor time in s of each finished task, and its wall times by stage."""
        with self._guarded():
            for wall, processor, stages in self._database.execute(
                "SELECT COALESCE(seconds, 0.0), COALESCE(processor_seconds, 0.0), timings FROM tasks "
                "WHERE status = 'done' AND timings IS NOT NULL ORDER BY id"
            ):
                try:
                    yield _TIMES.validate_python((wall, processor, stages))
                except ValidationError as error:
                    raise InputError(self.damaged()) from error


def _stays_inside(result: object) -> bool:
    """Whether a result is a relative path without ".."."""
    if not isinstance(result, str) or "\0" in result:
        return False
    return not result.startswith("/") and ".." not in result.split("/")
