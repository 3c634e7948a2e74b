"""Mp_12, the paper's data set, from any source of records; its families, counts and distances."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from alphacrystal.data import StructureRecord
from alphacrystal.data.prepared import (
    PreparedStructures,
    Row,
    assemble,
    chosen_rows,
    prepare_record,
    prepare_rows,
)
from alphacrystal.errors import InputError
from alphacrystal.learn.contacts.matrix_labels import MAX_ATOMS
from alphacrystal.typing import CountProgress, FloatArray, IntArray

Family = Literal["cubic", "binary", "ternary"]

FIRST_CUBIC_GROUP = 195

# AlphaCrystal-II, Table 2 and section 3.1 ("Distance discretization").
PAPER_COUNTS = {"mp_12": 18_776, "mp_12_cubic": 3_298, "mp_12_binary": 5_848, "mp_12_ternary": 11_615}
PAPER_MIN_DISTANCE = 0.9488  # Å

_mp12_record = partial(prepare_record, cell="conventional", most_atoms=MAX_ATOMS)


def mp12(
    source: Path, cache: Path, *, workers: int = 1, on_progress: CountProgress | None = None
) -> PreparedStructures:
    """Mp_12: conventional cells of 2 to 12 atoms, one entry per cell formula, no benchmark compound.

    Atoms and distances are those of the conventional standard cell (symprec 0.1 Å) in our canonical order. Of
    several entries with one cell formula (Ti2O4 and Ti4O8 are two) the one with the lowest energy above hull
    stays, known energies first, then the lowest number in the identifier. Single-atom cells have no distance
    and are left out. Cached like ``prepare``.

    Args:
        source: As for ``read_records``.
        cache: Folder, made if need be.
        workers: Processes.
        on_progress: Called with the number of structures that fit so far.

    Raises:
        InputError: The source cannot be read, or holds no structure that may be used.
    """
    return prepare_rows(
        source, cache, "mp12", _mp12_record, _one_per_formula, workers=workers, on_progress=on_progress
    )


def mp12_of_records(records: Iterable[StructureRecord]) -> PreparedStructures:
    """Mp_12 of records at hand; see ``mp12``.

    Raises:
        InputError: None of them may be used.
    """
    rows = chosen_rows(records, _mp12_record, _one_per_formula)
    if not rows:
        raise InputError("None of the records fits into Mp_12: all are benchmark compounds or too large.")
    return assemble(rows)


def _one_per_formula(rows: list[Row]) -> list[Row]:
    """The preferred row of each cell formula, in the order of the formulas' first appearance."""
    best: dict[tuple[tuple[int, int], ...], Row] = {}
    for row in rows:
        values, counts = np.unique(np.asarray(row["numbers"]), return_counts=True)
        if counts.sum() > 1:
            formula = tuple(zip(values.tolist(), counts.tolist(), strict=True))
            best[formula] = min(best.get(formula, row), row, key=_preference)
    return list(best.values())


def _preference(row: Row) -> tuple[float, float, str]:
    """Sort key of entries of one formula: energy above hull, number of the identifier, identifier."""
    hull, identifier = float(row["above_hull"]), str(row["ids"])  # type: ignore[arg-type]
    digits = re.search(r"\d+", identifier)
    return math.inf if math.isnan(hull) else hull, int(digits[0]) if digits else math.inf, identifier


def mp12_subset(data: PreparedStructures, family: Family) -> IntArray:
    """Rows of one of the paper's families: "cubic" by crystal system, "binary", "ternary" by elements.

    Raises:
        InputError: There is no such family.
    """
    if family == "cubic":
        return np.flatnonzero(data.space_groups >= FIRST_CUBIC_GROUP)
    if family not in get_args(Family):
        raise InputError(f"There is no family {family!r} of Mp_12: choose cubic, binary or ternary.")
    return np.flatnonzero(data.elements_per_structure == {"binary": 2, "ternary": 3}[family])


def mp12_counts(data: PreparedStructures) -> dict[str, int]:
    """Entries of the data set and of its families by the paper's names, as ``PAPER_COUNTS``."""
    families = {f"mp_12_{family}": len(mp12_subset(data, family)) for family in get_args(Family)}
    return {"mp_12": len(data), **families}


@dataclass(frozen=True, slots=True, eq=False)
class DistanceHistogram:
    """How often distances fall between edges (Figure 3).

    Attributes:
        edges: Å, ascending, shape (classes + 1,).
        pairs: Pairs of two atoms in each class, shape (classes,).
        of_pairs: Their share in all pairs, shape (classes,).
        of_entries: Their share in all entries of the padded 12 x 12 matrices, in which each pair occurs
            twice, with the zeros of the diagonal and the padding, shape (classes,).
        shortest, longest: Å, over all pairs.
    """

    edges: FloatArray
    pairs: IntArray
    of_pairs: FloatArray
    of_entries: FloatArray
    shortest: float
    longest: float


def distance_histogram(
    data: PreparedStructures, edges: FloatArray, rows: IntArray | None = None
) -> DistanceHistogram:
    """Count the distances between atoms of a cell; the last class includes its upper edge.

    Args:
        data: Structures, e.g. ``mp12``.
        edges: Å, ascending, shape (classes + 1,).
        rows: Structures to count; all without it.
    """
    if rows is None:
        rows, distances = np.arange(len(data)), data.distances
    else:
        parts = [data.distances[data.pairs(row)] for row in rows.tolist()]
        distances = np.concatenate([np.zeros(0, dtype=np.float32), *parts])
    pairs = np.histogram(distances, edges)[0]
    return DistanceHistogram(
        edges=np.asarray(edges, dtype=np.float64),
        pairs=pairs,
        of_pairs=pairs / max(len(distances), 1),
        of_entries=2 * pairs / max(len(rows) * MAX_ATOMS**2, 1),
        shortest=float(distances.min(initial=np.inf)),
        longest=float(distances.max(initial=0.0)),
    )
