"""The table of known phases: formula, identifier, structure type and energy, without structures.

It gives energies above hull without a network, and tells a known structure from a new one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.errors import InputError, WeightsError

if TYPE_CHECKING:
    from pymatgen.core import Structure

SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE types (id INTEGER PRIMARY KEY, label TEXT NOT NULL);
CREATE TABLE phases (
    elements TEXT NOT NULL, formula TEXT NOT NULL, id TEXT NOT NULL, type INTEGER NOT NULL,
    energy REAL NOT NULL, ground INTEGER NOT NULL, PRIMARY KEY (elements, formula, id)
) WITHOUT ROWID;
"""
FORMAT = "1"
TABLE_FILE = "known_phases.sqlite"
MAX_ELEMENTS = 8
SAME_ENERGY = 0.05  # eV/atom between a relaxed structure and the phase of its type that it is
TWIN_ENERGY = 0.005  # eV/atom; phases of one type with such energies are entries of one structure


@dataclass(frozen=True, slots=True)
class KnownPhase:
    """One phase of the table.

    Attributes:
        id: Identifier in its source, e.g. an mp-id.
        formula: pymatgen's reduced formula.
        label: Structure type, see `type_label`.
        energy: Of the potential at the structure of the source, eV/atom.
        ground: Whether it is the ground state of its formula, see `ground_state`.
    """

    id: str
    formula: str
    label: str
    energy: float
    ground: bool


def type_label(structure: Structure) -> str | None:
    """Structure type of a crystal at 0.1 Å, e.g. "225:Cl=b;Na=a"; None without symmetry.

    Space group and Wyckoff letters by element in the canonical setting of the Euclidean normaliser.
    """
    from alphacrystal.crystal import describe_symmetry

    numbers = np.array(structure.atomic_numbers, dtype=np.int64)
    try:
        found = describe_symmetry(structure.lattice.matrix, structure.frac_coords, numbers)
    except InputError:
        return None
    letters = ";".join(f"{symbol}={text}" for symbol, text in sorted(found.occupation().items()))
    return f"{found.space_group}:{letters}"


def write_phase_table(path: Path, phases: Iterable[KnownPhase], facts: Mapping[str, str]) -> None:
    """Write a new table.

    Args:
        path: A file that does not exist yet.
        phases: Phases in any order.
        facts: Facts about the data, by name; "potential" names the potential.
    """
    from pymatgen.core import Composition

    types: dict[str, int] = {}
    rows = sorted(
        (
            "-".join(sorted(map(str, Composition(phase.formula).elements))),
            phase.formula,
            phase.id,
            types.setdefault(phase.label, len(types)),
            round(phase.energy, 4),
            int(phase.ground),
        )
        for phase in phases
    )
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SCHEMA)
        connection.executemany("INSERT INTO facts VALUES (?, ?)", {"format": FORMAT, **facts}.items())
        connection.executemany("INSERT INTO types VALUES (?, ?)", [(n, t) for t, n in types.items()])
        connection.executemany("INSERT INTO phases VALUES (?, ?, ?, ?, ?, ?)", rows)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")


def phase_table(potential: str) -> Path | None:
    """The shipped table if it has energies of this potential, else None."""
    try:
        path = Path(str(files("alphacrystal_weights"))) / TABLE_FILE
    except ModuleNotFoundError:
        return None
    return path if path.is_file() and table_facts(path)["potential"] == potential else None


@lru_cache(4)
def table_facts(path: Path) -> dict[str, str]:
    """Facts about the data of a table.

    Raises:
        WeightsError: The file is no such table.
    """
    facts = {str(name): str(value) for name, value in _read(path, "SELECT name, value FROM facts", ())}
    if facts.get("format") != FORMAT:
        raise WeightsError(f"The table of known phases {path} has another format: reinstall alphacrystal.")
    return facts


@lru_cache(16)
def known_phases(path: Path, elements: frozenset[str]) -> tuple[KnownPhase, ...]:
    """The phases that contain no other than the given elements.

    Args:
        path: The table.
        elements: Symbols, at most MAX_ELEMENTS.

    Raises:
        WeightsError: The file is no such table.
    """
    symbols = sorted(elements)[:MAX_ELEMENTS]
    systems = [
        "-".join(chosen) for size in range(1, len(symbols) + 1) for chosen in combinations(symbols, size)
    ]
    query = (
        "SELECT phases.id, formula, label, energy, ground FROM phases JOIN types ON types.id = phases.type "
        "WHERE elements = ? ORDER BY formula, energy, phases.id"
    )
    return tuple(
        KnownPhase(str(name), str(formula), str(label), float(energy), bool(ground))
        for system in systems
        for name, formula, label, energy, ground in _read(path, query, (system,))
    )


def _read(path: Path, query: str, values: tuple[str, ...]) -> list[tuple[str, ...]]:
    address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return connection.execute(query, values).fetchall()
    except sqlite3.Error as error:
        raise WeightsError(
            f"The table of known phases {path} cannot be read ({error}): reinstall alphacrystal."
        ) from error


def matching_phase(
    structure: Structure, energy: float | None, phases: Iterable[KnownPhase]
) -> KnownPhase | None:
    """The known phase that a structure is: of its formula and type, the one nearest in energy.

    Sources have several entries of one structure. Of those, the ground state is chosen.

    Args:
        structure: A crystal.
        energy: eV/atom with the potential of the table; None if unknown, then the type alone decides.
        phases: Known phases of this formula.
    """
    label = type_label(structure)
    same = [phase for phase in phases if phase.label == label]
    if energy is not None:
        same = [phase for phase in same if abs(phase.energy - energy) < SAME_ENERGY]
        nearest = min(same, key=lambda phase: (abs(phase.energy - energy), phase.id), default=None)
        twins = (phase for phase in same if nearest and abs(phase.energy - nearest.energy) < TWIN_ENERGY)
        return next((phase for phase in twins if phase.ground), nearest)
    return min(same, key=lambda phase: (not phase.ground, phase.id), default=None)
