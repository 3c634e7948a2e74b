"""The controls of one row of Table 5."""

from __future__ import annotations

import numpy as np

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.contacts.matrix_labels import MAX_DISTANCE, class_labels, decode, matrices
from alphacrystal.typing import FloatArray, IntArray
from alphacrystal_bench.paper_tables.matrix_controls import (
    ElementPairLookup,
    NearestComposition,
    block_means,
    shuffled_inside,
)
from alphacrystal_bench.paper_tables.table5_data import RowSplit
from alphacrystal_bench.paper_tables.table5_predictors import (
    BLOCK_MEANS,
    MODAL_CLASS,
    NEAREST_COMPOSITION,
    PAIR_LOOKUP,
    PERFECT_CLASSES,
    SHUFFLED_ELEMENTS,
    SHUFFLED_ORBITS,
    SHUFFLES,
)
from alphacrystal_bench.paper_tables.table5_results import Scores
from alphacrystal_bench.paper_tables.table5_scores import scores


def control_scores(data: PreparedStructures, split: RowSplit, classes: int, seed: int) -> dict[str, Scores]:
    """Scores of all controls and floors on the test structures of a row, by name."""
    numbers, distances, trained = matrices(data, split.train)
    asked, true, mask = matrices(data, split.test)
    labels = class_labels(distances[trained], classes, MAX_DISTANCE)
    modal = np.full(true.shape, np.bincount(labels).argmax())
    orbits = padded_orbits(data, split.test, asked.shape[1])
    predictions = {
        MODAL_CLASS: [decode(modal, classes, MAX_DISTANCE)],
        PAIR_LOOKUP: [ElementPairLookup(numbers, distances).predict(asked)],
        NEAREST_COMPOSITION: [NearestComposition(numbers, distances).predict(asked)],
        PERFECT_CLASSES: [decode(class_labels(true, classes, MAX_DISTANCE), classes, MAX_DISTANCE)],
        BLOCK_MEANS: [block_means(asked, true)],
        SHUFFLED_ORBITS: _shuffled(orbits, true, seed),
        SHUFFLED_ELEMENTS: _shuffled(asked, true, seed),
    }
    return {name: scores(own, true, mask) for name, own in predictions.items()}


def _shuffled(groups: IntArray, true: FloatArray, seed: int) -> list[FloatArray]:
    rng = np.random.default_rng(seed)  # afresh: where orbits and elements are the same, so is the noise
    return [shuffled_inside(groups, true, rng) for _ in range(SHUFFLES)]


def padded_orbits(data: PreparedStructures, rows: IntArray, size: int) -> IntArray:
    """Orbit of each atom, -1 where padded, shape (rows, size)."""
    orbits = np.full((len(rows), size), -1)
    for place, row in enumerate(rows):
        own = data.orbits[data.atoms(int(row))]
        orbits[place, : len(own)] = own
    return orbits
