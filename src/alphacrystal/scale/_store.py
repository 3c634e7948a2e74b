"""The store of a campaign: one SQLite file that only the client writes.

Each batch of outcomes is one transaction, on disk before the next unit is handed out. Nothing is kept in
memory but a page of waiting units.
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
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ConfigDict, FiniteFloat, Json, TypeAdapter, ValidationError

from alphacrystal.composition import parse_formula
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.pipeline.formula_list import FormulaRequest
from alphacrystal.scale._units import Outcome, Unit

FILE = "campaign.sqlite"
#: Of the files that SQLite keeps for one database.
STORE_SUFFIXES = ("", "-wal", "-shm", "-journal")
WAITING, DONE, FAILED = "waiting", "done", "failed"
PAGE = 1000  # waiting units read at once
LONGEST_VALUE = 10_000_000  # bytes of a text in a store
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
}  # SQLite's kinds

#: Columns of a waiting unit, and the times of one that is done, as a store from a stranger must hold them.
_ROW = TypeAdapter(tuple[str, str, str | None, int | None, str], config=ConfigDict(strict=True))
_TIMES = TypeAdapter(tuple[FiniteFloat, FiniteFloat, Json[dict[str, FiniteFloat]]])

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS units (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, formula TEXT NOT NULL, cell TEXT, space_group INTEGER,
    folder TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'waiting', kind TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '', result TEXT NOT NULL DEFAULT '', structures INTEGER NOT NULL DEFAULT 0,
    space_group_number INTEGER, space_group_symbol TEXT NOT NULL DEFAULT '', energy_per_atom_ev REAL,
    formation_energy_ev_per_atom REAL, e_above_hull_ev_per_atom REAL, seconds REAL, processor_seconds REAL,
    timings TEXT, ended TEXT
);
CREATE INDEX IF NOT EXISTS waiting ON units (id) WHERE status = 'waiting';
CREATE TABLE IF NOT EXISTS lines (position INTEGER PRIMARY KEY, formula TEXT NOT NULL, unit INTEGER NOT NULL);
"""


def remove_unborn_store(folder: Path) -> None:
    """Delete a store that was killed before it had a table; the caller holds the lock of the folder."""
    path, journal = folder / FILE, folder / f"{FILE}-journal"
    if journal.is_file() and path.is_file() and path.stat().st_size <= _PAGE_BYTES:
        path.unlink()
        journal.unlink()


@dataclass(frozen=True, slots=True)
class Counts:
    """How many units of a campaign are waiting, done and failed."""

    waiting: int
    done: int
    failed: int

    @property
    def total(self) -> int:
        """All units."""
        return self.waiting + self.done + self.failed


class CampaignStore:
    """Units and outcomes of a campaign below its folder.

    Args:
        folder: Of the campaign.
        durable: Whether a commit waits for the disk; without, a power cut (no kill) may cost the last ones.

    Raises:
        InputError: The file is damaged, a link, or holds anything but the tables of a campaign.
        AlphaCrystalError: The disk refused it.
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
        self._database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
        # Nothing that the file itself defines may run.
        self._database.execute("PRAGMA trusted_schema = OFF")
        self._database.execute("PRAGMA cell_size_check = ON")
        schema = self._database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        if schema and set(schema) != _expected_schema():
            raise InputError(
                f"{self.path} is damaged or no campaign: it holds other tables, views or triggers: "
                "start the campaign anew with another --out."
            )
        self._database.execute("PRAGMA journal_mode = WAL")
        # Each commit reaches the disk: an outcome survives a power cut too.
        self._database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        if not schema:
            self._database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")

    def _check_files(self) -> None:
        """Refuse files that would make SQLite write to or delete others.

        A rollback journal names a further file that SQLite deletes when it opens the database. This class
        has one only while it creates the file.
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
                    f"{journal} does not belong to a campaign: remove it, or start the campaign anew with "
                    "another --out."
                )
            time.sleep(0.01)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def damaged(self) -> str:
        """The sentence for a file that cannot be what this class wrote."""
        return f"{self.path} is damaged: start the campaign anew with another --out; finished runs are kept."

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            # Text that is no UTF-8 is found by Python, not by SQLite, and has no such name.
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
        """What was written down when the campaign began; empty where it was stopped before.

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
        """Take in the whole list and the facts, or nothing at all.

        Formulas that mean the same are one unit. One that cannot be read is a failure from the start.

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
            "INSERT OR IGNORE INTO units (key, formula, cell, space_group, folder, status, kind, reason) "
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
            "INSERT INTO lines SELECT ?, ?, id FROM units WHERE key = ?", (position, request.formula, key)
        )

    def counts(self) -> Counts:
        """Units by status; counted once and then kept up to date."""
        if self._counts is None:
            with self._guarded():
                counts = dict(self._database.execute("SELECT status, count(*) FROM units GROUP BY status"))
            self._counts = Counts(counts.get(WAITING, 0), counts.get(DONE, 0), counts.get(FAILED, 0))
        return self._counts

    def waiting(self) -> Iterator[Unit]:
        """Units that nobody has finished, in the order of the list, a page at a time."""
        last = -1
        while True:
            with self._guarded():
                rows = self._database.execute(
                    "SELECT id, key, formula, cell, space_group, folder FROM units "
                    "WHERE status = 'waiting' AND id > ? ORDER BY id LIMIT ?",
                    (last, PAGE),
                ).fetchall()
            if not rows:
                return
            for row in rows:
                *_, folder = row
                if not _FOLDER.fullmatch(str(folder)):
                    raise InputError(self.damaged())
                try:
                    yield Unit(*_ROW.validate_python(tuple(row[1:])))
                except ValidationError as error:
                    raise InputError(self.damaged()) from error
            last = rows[-1][0]

    def record(self, outcomes: Iterable[Outcome]) -> None:
        """Write outcomes in one transaction; one that is written already stays as it is."""
        done = failed = 0
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._transaction():
            for outcome in outcomes:
                ended = FAILED if outcome.failure is not None else DONE
                changed = self._database.execute(
                    "UPDATE units SET status = ?, kind = ?, reason = ?, result = ?, structures = ?, "
                    "space_group_number = ?, space_group_symbol = ?, energy_per_atom_ev = ?, "
                    "formation_energy_ev_per_atom = ?, e_above_hull_ev_per_atom = ?, seconds = ?, "
                    "processor_seconds = ?, timings = ?, ended = ? WHERE key = ? AND status = 'waiting'",
                    (
                        ended,
                        outcome.kind,
                        outcome.failure or "",
                        outcome.result,
                        outcome.structures,
                        outcome.space_group_number,
                        outcome.space_group_symbol,
                        outcome.energy_per_atom_ev,
                        outcome.formation_energy_ev_per_atom,
                        outcome.e_above_hull_ev_per_atom,
                        outcome.seconds,
                        outcome.processor_seconds,
                        json.dumps(dict(outcome.timings)) if outcome.timings else None,
                        now,
                        outcome.key,
                    ),
                ).rowcount
                done += changed * (ended == DONE)
                failed += changed * (ended == FAILED)
        before = self.counts() if self._counts is not None else None
        if before is not None:
            self._counts = Counts(before.waiting - done - failed, before.done + done, before.failed + failed)

    def retry_failed(self) -> int:
        """Let what failed wait again; returns how many there are."""
        with self._transaction():
            count = self._database.execute(
                "UPDATE units SET status = 'waiting', kind = '', reason = '' WHERE status = 'failed'"
            ).rowcount
        self._counts = None
        return count

    def lines(self, *, failed_only: bool = False) -> Iterator[tuple[Any, ...]]:
        """Rows for the tables, one per line of the list, in its order; see `INDEX_COLUMNS`.

        Raises:
            InputError: The store is damaged, or names a result outside the folder.
        """
        with self._guarded():
            for row in self._database.execute(
                "SELECT lines.formula, units.result, units.status, units.reason, units.structures, "
                "units.space_group_number, units.space_group_symbol, units.energy_per_atom_ev, "
                "units.seconds, units.formation_energy_ev_per_atom, units.e_above_hull_ev_per_atom, "
                "units.kind, lines.position + 1, units.cell, units.space_group "
                "FROM lines JOIN units ON units.id = lines.unit "
                "WHERE ? = 0 OR units.status = 'failed' ORDER BY lines.position",
                (int(failed_only),),
            ):
                if row[1] != "" and not _stays_inside(row[1]):
                    raise InputError(self.damaged())
                yield row

    def failure_kinds(self) -> dict[str, int]:
        """How many units failed, by kind."""
        with self._guarded():
            return dict(
                self._database.execute(
                    "SELECT kind, count(*) FROM units WHERE status = 'failed' GROUP BY kind ORDER BY 2 DESC"
                )
            )

    def times(self) -> Iterator[tuple[float, float, dict[str, float]]]:
        """Wall time and processor time in s of each unit that is done, and its wall times by stage."""
        with self._guarded():
            for wall, processor, stages in self._database.execute(
                "SELECT COALESCE(seconds, 0.0), COALESCE(processor_seconds, 0.0), timings FROM units "
                "WHERE status = 'done' AND timings IS NOT NULL ORDER BY id"
            ):
                try:
                    yield _TIMES.validate_python((wall, processor, stages))
                except ValidationError as error:
                    raise InputError(self.damaged()) from error


def _stays_inside(result: object) -> bool:
    """Whether a result is a relative path without "..": of this version's units or of another work."""
    return (
        isinstance(result, str)
        and not result.startswith("/")
        and ".." not in result.split("/")
        and "\0" not in result
    )


@cache
def _expected_schema() -> frozenset[tuple[Any, ...]]:
    """Type, name, table and text of everything in a store."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.executescript(_SCHEMA)
        return frozenset(database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))
