"""Formats of the campaign store: the tables, and the conversion of each format to the next."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from functools import cache
from typing import Any

#: SQL that creates a store of format 1, and that converts one of each format to the next.
SCHEMA = """
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
_CONVERSIONS = (
    """
ALTER TABLE units RENAME TO tasks;
ALTER TABLE tasks RENAME COLUMN kind TO failure_type;
ALTER TABLE tasks RENAME COLUMN formation_energy_ev_per_atom TO formation_energy_per_atom_ev;
ALTER TABLE tasks RENAME COLUMN e_above_hull_ev_per_atom TO energy_above_hull_per_atom_ev;
ALTER TABLE tasks ADD COLUMN enthalpy_per_atom_ev REAL;
ALTER TABLE lines RENAME COLUMN unit TO task;
UPDATE tasks SET enthalpy_per_atom_ev = energy_per_atom_ev, energy_per_atom_ev = NULL
    WHERE (SELECT json_extract(value, '$.pressure') FROM facts WHERE name = 'settings') != 0;
""",
    """
ALTER TABLE tasks ADD COLUMN r_wp REAL;
ALTER TABLE tasks ADD COLUMN unexplained_peaks INTEGER;
""",
    """
ALTER TABLE tasks ADD COLUMN probability REAL;
ALTER TABLE tasks ADD COLUMN novelty TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN prototype TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN a REAL;
ALTER TABLE tasks ADD COLUMN b REAL;
ALTER TABLE tasks ADD COLUMN c REAL;
ALTER TABLE tasks ADD COLUMN alpha REAL;
ALTER TABLE tasks ADD COLUMN beta REAL;
ALTER TABLE tasks ADD COLUMN gamma REAL;
ALTER TABLE tasks ADD COLUMN density_g_cm3 REAL;
""",
)
_LOCK_S = 5.0  # for other connections that create the same database
FORMAT_VERSION = 1 + len(_CONVERSIONS)


def conversion(version: int, target: int) -> str:
    """SQL that converts a store from one format to a later one."""
    return "".join(_CONVERSIONS[version - 1 : target - 1]) + f"PRAGMA user_version = {target};"


@cache
def expected_schema(version: int) -> frozenset[tuple[Any, ...]]:
    """Type, name, table and SQL text of everything in a store of a format."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.executescript(SCHEMA + conversion(1, version))
        return frozenset(database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))


def use_write_ahead_log(database: sqlite3.Connection) -> None:
    """Switch a database to a write-ahead log; for this change alone, SQLite does not wait for others.

    Raises:
        sqlite3.OperationalError: Another connection holds the file for more than _LOCK_S seconds.
    """
    end = time.monotonic() + _LOCK_S
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return
