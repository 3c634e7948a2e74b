"""Predictions of the lattice network for the validation entries, given their true structure type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from alphacrystal.crystal import lattice_parameters, shape_to_cell, space_group
from alphacrystal.errors import InputError
from alphacrystal.learn.training import LatticeTask
from alphacrystal.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class LatticePredictions:
    """Predictions for the validation rows of a LatticeTask.

    Attributes:
        rows: Rows of the prepared structures, shape (n,).
        shapes: Predicted log volume per atom (Å³), log b/a, log c/a and cosines, shape (n, 6).
        cells: The same cells as conventional a, b, c (Å), alpha, beta, gamma (degrees), shape (n, 6).
        residuals: True minus predicted shapes, shape (n, 6).
        scales: Predicted Laplace scales, shape (n, 6).
        free: Quantities that the crystal system does not fix, shape (n, 6).
    """

    rows: IntArray
    shapes: FloatArray
    cells: FloatArray
    residuals: FloatArray
    scales: FloatArray
    free: BoolArray


def predict_lattices(task: LatticeTask, net: Any) -> LatticePredictions:
    """Evaluate a LatticeNet ``net`` on the validation split of a task.

    Raises:
        InputError: The network was trained on other records.
    """
    if net.types != task.model.types:
        raise InputError(
            "The lattice model was trained on other records: name its training records with --data."
        )
    data, rows = task.data, task.validation
    shapes, scales = task.predictions(net, rows)
    groups = [space_group(int(number)) for number in data.space_groups[rows]]
    atoms = data.sizes[rows] * np.array([len(group.centring) for group in groups])
    conventional = shapes.copy()
    conventional[:, 0] += np.log(atoms)
    cells = [list(lattice_parameters(cell).as_dict().values()) for cell in shape_to_cell(conventional)]
    return LatticePredictions(
        rows=rows,
        shapes=shapes,
        cells=np.array(cells),
        residuals=task.targets[rows].double().numpy() - shapes,
        scales=scales,
        free=task.mask[rows].numpy() > 0,
    )
