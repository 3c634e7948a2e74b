"""What the networks say about the distances in the validation entries, cell by cell."""

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
HYPOTHESES = 200  # enough for all likely types of a cell content


@dataclass(frozen=True, slots=True, eq=False)
class CellDistances:
    """Predicted and true distances of one cell, pairs i < j row by row.

    Attributes:
        row: Of the prepared structures.
        probabilities: Of the distance bins, shape (pairs, bins).
        expected: Mean distance under them in Å, shape (pairs,).
        true: Å, shape (pairs,).
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
        """The same where equal atoms have no numbers, see ``sorted_rmse``."""
        return sorted_rmse(self.numbers, self.expected, self.true)


def network_cells(task: DistanceTask, net: Any, *, given: bool) -> Iterator[CellDistances]:
    """The validation split of a task, smallest cells first; ``given`` tells the true structure type."""
    sizes = task.data.sizes[task.validation]
    for size in np.unique(sizes):
        own = task.validation[sizes == size]
        for start in range(0, len(own), BATCH):
            batch = own[start : start + BATCH]
            with torch.no_grad():
                _, log_probabilities, true = task.predict(net, batch, given=given)
                expected = net.expected_distances(log_probabilities).double().numpy()
            probabilities = log_probabilities.double().exp().numpy()
            for place, row in enumerate(batch):
                yield CellDistances(
                    int(row),
                    probabilities[place],
                    expected[place],
                    true[place].double().numpy(),
                    task.data.numbers[task.data.atoms(int(row))],
                )


def content_cells(
    data: PreparedStructures, rows: IntArray, models: Path | None = None
) -> Iterator[CellDistances]:
    """What all networks together say of a cell content: the mean over its likely structure types."""
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
        own = data.numbers[data.atoms(int(row))]
        order = np.zeros(len(own), dtype=np.int64)
        order[np.argsort(own, kind="stable")] = np.argsort(numbers, kind="stable")
        left, right = (order[side] for side in np.triu_indices(len(own), 1))
        true = data.distances[data.pairs(row)].astype(np.float64)
        yield CellDistances(int(row), probabilities[left, right], expected[left, right], true, own)
