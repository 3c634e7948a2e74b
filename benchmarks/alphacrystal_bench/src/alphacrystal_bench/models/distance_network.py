"""Predictions of the networks for the distances of the validation entries, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alphacrystal.composition import parse_formula
from alphacrystal.data import PreparedStructures
from alphacrystal.learn import predict_cell_distogram, predict_hypotheses
from alphacrystal.learn.training import DistanceTask, sorted_rmse
from alphacrystal.typing import FloatArray, IntArray

BATCH = 64
HYPOTHESES = 200  # covers all likely types of a cell content


@dataclass(frozen=True, slots=True, eq=False)
class CellDistances:
    """Predicted and true distances of one cell, pairs i < j row by row.

    Attributes:
        row: Row of the prepared structures.
        probabilities: Probabilities of the distance bins, shape (pairs, bins).
        expected: Expected distances in Å, shape (pairs,).
        true: True distances in Å, shape (pairs,).
        numbers: Atomic numbers, shape (atoms,).
    """

    row: int
    probabilities: FloatArray
    expected: FloatArray
    true: FloatArray
    numbers: IntArray

    @property
    def error(self) -> float:
        """Root mean square error of the expected distances in Å."""
        return float(np.sqrt(np.mean((self.expected - self.true) ** 2)))

    @property
    def sorted_rmse(self) -> float:
        """Error that does not depend on the order of equal atoms, see ``sorted_rmse``."""
        return sorted_rmse(self.numbers, self.expected, self.true)


def network_cells(task: DistanceTask, net: Any, *, given: bool) -> Iterator[CellDistances]:
    """The validation split of a task, smallest cells first; ``given``: given the true structure type."""
    sizes = task.data.sizes[task.validation]
    for size in np.unique(sizes):
        same_size = task.validation[sizes == size]
        for start in range(0, len(same_size), BATCH):
            batch = same_size[start : start + BATCH]
            with torch.no_grad():
                _, log_probabilities, true = task.predict(net, batch, given=given)
                expected = net.expected_distances(log_probabilities).double().numpy()
            probabilities = log_probabilities.double().exp().numpy()
            for index, row in enumerate(batch):
                yield CellDistances(
                    int(row),
                    probabilities[index],
                    expected[index],
                    true[index].double().numpy(),
                    task.data.numbers[task.data.atoms(int(row))],
                )


def content_cells(
    data: PreparedStructures, rows: IntArray, models: Path | None = None
) -> Iterator[CellDistances]:
    """Predictions of all networks together for a cell content: the mean over its likely structure types."""
    known: dict[tuple[str, int], tuple[IntArray, FloatArray, FloatArray]] = {}
    for row in rows:
        key = str(data.formulas[row]), int(data.sizes[row])
        if key not in known:
            formula = parse_formula(key[0])
            units = key[1] // formula.num_atoms
            hypotheses = predict_hypotheses(formula, [units], HYPOTHESES, models=models)
            distogram = predict_cell_distogram(formula.cell(units), hypotheses, models=models)
            known[key] = distogram.numbers, distogram.probabilities.astype(np.float64), distogram.expected
        numbers, probabilities, expected = known[key]
        atoms = data.numbers[data.atoms(int(row))]
        order = np.zeros(len(atoms), dtype=np.int64)
        order[np.argsort(atoms, kind="stable")] = np.argsort(numbers, kind="stable")
        left, right = (order[side] for side in np.triu_indices(len(atoms), 1))
        true = data.distances[data.pairs(row)].astype(np.float64)
        yield CellDistances(int(row), probabilities[left, right], expected[left, right], true, atoms)
