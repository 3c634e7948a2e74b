"""Training and test structures of the rows of Table 5, and facts of the data set."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from alphacrystal.data import PreparedStructures, prepare
from alphacrystal.learn.contacts.matrix_labels import MAX_DISTANCE
from alphacrystal.typing import IntArray
from alphacrystal_bench.harness.row_selection import select, split_rows
from alphacrystal_bench.paper_tables.mp12 import distance_histogram, mp12, mp12_subset
from alphacrystal_bench.paper_tables.table5_results import Cell, DataFacts, Split
from alphacrystal_bench.paper_tables.table5_rows import FIGURE7_COMPOUNDS, Subset, Table5Row

FIGURE3_CLASSES = 10  # classes of 2.33 Å in the paper's Figure 3


@dataclass(frozen=True, slots=True, eq=False)
class RowSplit:
    """The structures of one row.

    Attributes:
        train, test: Rows of the prepared structures.
    """

    train: IntArray
    test: IntArray


def table5_data(source: Path, cache: Path, cell: Cell, *, workers: int = 1) -> PreparedStructures:
    """The structures of Mp_12, with the distance matrices of their conventional or of their primitive cells.

    The paper does not say which of the two it used. Its limit of 12 atoms applies to the conventional cell
    (no larger one has its longest distance); its errors and its Figure 3 were compared with both.

    Args:
        source, cache, workers: As for ``mp12``.
        cell: Cells of the matrices; cells with a single atom have no distance and are left out.

    Raises:
        InputError: As for ``mp12``.
    """
    chosen = mp12(source, cache, workers=workers)
    if cell == "conventional":
        return chosen
    everything = prepare(source, cache, workers=workers)
    places = {name: row for row, name in enumerate(everything.ids.tolist()) if everything.sizes[row] > 1}
    rows = np.array([places[name] for name in chosen.ids.tolist() if name in places], dtype=np.int64)
    return select(everything, rows, rows[:0])


def subset_rows(data: PreparedStructures, subset: Subset) -> IntArray:
    """Structures of a subset of Mp_12."""
    return np.arange(len(data)) if subset == "all" else mp12_subset(data, subset)


def row_split(data: PreparedStructures, row: Table5Row, split: Split, seed: int) -> RowSplit:
    """Training and test structures of a row, drawn at random.

    The compounds of Figure 7 are in neither part, so that every network can predict them. Rows of one subset
    with the same sizes share their structures.

    Raises:
        InputError: The data contain fewer structures than the row requires.
    """
    pool = subset_rows(data, row.subset)
    pool = pool[~np.isin(data.formulas[pool], [formula for formula, _ in FIGURE7_COMPOUNDS])]
    train, test = split_rows(data, pool, row.train, row.test, seed=seed, by_formula=split == "disjoint")
    return RowSplit(train, test)


def example_rows(data: PreparedStructures) -> IntArray:
    """Rows of the compounds of Figure 7 in the data."""
    return np.flatnonzero(np.isin(data.ids, [identifier for _, identifier in FIGURE7_COMPOUNDS]))


def data_facts(data: PreparedStructures, cell: Cell) -> DataFacts:
    """Counts and the distribution of the distances (Figure 3)."""
    edges = np.arange(FIGURE3_CLASSES + 1) * MAX_DISTANCE / FIGURE3_CLASSES
    columns = (data.ids, data.space_groups, data.numbers, data.distances)
    digest = sha256(b"".join(np.ascontiguousarray(column).tobytes() for column in columns))
    subsets: tuple[Subset, ...] = ("all", "cubic", "binary", "ternary")
    histogram = distance_histogram(data, edges)
    return DataFacts(
        digest=digest.hexdigest()[:16],
        cell=cell,
        counts={subset: len(subset_rows(data, subset)) for subset in subsets},
        shortest=histogram.shortest,
        longest=histogram.longest,
        edges=edges.tolist(),
        of_entries=histogram.of_entries.tolist(),
        of_pairs=histogram.of_pairs.tolist(),
        examples={
            formula: sorted(data.ids[data.formulas == formula].tolist()) for formula, _ in FIGURE7_COMPOUNDS
        },
    )
