"""Scores of predicted distance matrices, and the controls, of the rows of Table 5."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.data import chemical_symbols

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.contacts.matrix_labels import MAX_DISTANCE, matrices
from alphacrystal.typing import BoolArray, FloatArray, IntArray
from alphacrystal_bench.paper_network.metrics import matrix_metrics
from alphacrystal_bench.paper_network.prediction import class_labels, decode
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
from alphacrystal_bench.paper_tables.table5_results import Example, Scores


def scores(predictions: Sequence[FloatArray], true: FloatArray, mask: BoolArray) -> Scores:
    """Mean scores of one or several predictions of the same structures.

    Args:
        predictions: Distances in Å, shape (n, atoms, atoms) each.
        true: Distances in Å, shape (n, atoms, atoms).
        mask: Pairs of different atoms, shape (n, atoms, atoms).
    """
    metrics = [matrix_metrics(predicted, true, mask) for predicted in predictions]
    errors = np.mean([values.per_sample_rmse for values in metrics], axis=0)

    def mean(name: str) -> float:
        return round(float(np.mean([getattr(values, name) for values in metrics])), 6)

    return Scores(
        mse=mean("mse"),
        rmse=mean("rmse"),
        rmse_error=round(float(errors.std(ddof=1) / np.sqrt(len(errors))), 6) if len(errors) > 1 else 0.0,
        overlap=mean("overlap"),
        precision=mean("precision"),
        f1=mean("f1"),
    )


def example(
    formula: str, identifier: str, numbers: IntArray, true: FloatArray, predicted: FloatArray, classes: int
) -> Example:
    """One compound of Figure 7.

    Args:
        formula, identifier: Reduced formula and id.
        numbers: Atomic numbers, 0 where padded, shape (atoms,).
        true, predicted: Distances in Å, shape (atoms, atoms).
        classes: N; a pair is right if both distances are in the same class.
    """
    used = int((numbers > 0).sum())
    true, predicted = true[:used, :used], predicted[:used, :used]
    labels = [class_labels(distances, classes, MAX_DISTANCE) for distances in (true, predicted)]
    return Example(
        formula=formula,
        id=identifier,
        species=[chemical_symbols[number] for number in numbers[:used]],
        true=np.round(true, 4).tolist(),
        predicted=np.round(predicted, 4).tolist(),
        matching=(labels[0] == labels[1]).tolist(),
    )


def control_scores(data: PreparedStructures, split: RowSplit, classes: int, seed: int) -> dict[str, Scores]:
    """Scores of all controls and floors on the test structures of a row, by key."""
    numbers, distances, trained = matrices(data, split.train)
    tested, true, mask = matrices(data, split.test)
    labels = class_labels(distances[trained], classes, MAX_DISTANCE)
    modal = np.full(true.shape, np.bincount(labels).argmax())
    orbits = padded_orbits(data, split.test, tested.shape[1])
    predictions = {
        MODAL_CLASS: [decode(modal, classes, MAX_DISTANCE)],
        PAIR_LOOKUP: [ElementPairLookup(numbers, distances).predict(tested)],
        NEAREST_COMPOSITION: [NearestComposition(numbers, distances).predict(tested)],
        PERFECT_CLASSES: [decode(class_labels(true, classes, MAX_DISTANCE), classes, MAX_DISTANCE)],
        BLOCK_MEANS: [block_means(tested, true)],
        SHUFFLED_ORBITS: _shuffled(orbits, true, seed),
        SHUFFLED_ELEMENTS: _shuffled(tested, true, seed),
    }
    return {name: scores(matrices, true, mask) for name, matrices in predictions.items()}


def _shuffled(groups: IntArray, true: FloatArray, seed: int) -> list[FloatArray]:
    rng = np.random.default_rng(seed)  # the same noise if orbits and elements are the same
    return [shuffled_inside(groups, true, rng) for _ in range(SHUFFLES)]


def padded_orbits(data: PreparedStructures, rows: IntArray, size: int) -> IntArray:
    """Orbit of each atom, -1 where padded, shape (rows, size)."""
    orbits = np.full((len(rows), size), -1)
    for index, row in enumerate(rows):
        atoms = data.orbits[data.atoms(int(row))]
        orbits[index, : len(atoms)] = atoms
    return orbits
