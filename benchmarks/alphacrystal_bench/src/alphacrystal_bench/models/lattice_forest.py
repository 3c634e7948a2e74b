"""MLatticeABC's random forests for the lengths of the conventional cell, trained on our split.

Features and settings as in Y. Li et al., ACS Omega 6, 11585 (2021), doi:10.1021/acsomega.1c00781 and its
repository: one forest per crystal system and axis, given the full formula of the conventional cell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphacrystal.data import PreparedStructures
from alphacrystal.typing import Float32Array, FloatArray, IntArray
from alphacrystal_bench.models.forests import ForestRuns

SETTINGS: dict[str, Any] = {
    "criterion": "squared_error",
    "max_features": 70,
    "max_depth": 32,
    "min_samples_split": 8,
    "min_samples_leaf": 1,
}
# Free axes and the published R² of each (ten random splits that do not separate formulas).
PUBLISHED_R2: dict[str, dict[str, float]] = {
    "cubic": {"a": 0.979},
    "hexagonal": {"a": 0.892, "c": 0.760},
    "trigonal": {"a": 0.843, "c": 0.705},
    "tetragonal": {"a": 0.846, "c": 0.685},
    "orthorhombic": {"a": 0.770, "b": 0.579, "c": 0.638},
    "monoclinic": {"a": 0.520, "b": 0.507, "c": 0.489},
    "triclinic": {"a": 0.800, "b": 0.771, "c": 0.650},
}
AXES = "abc"
LETTERS = 27


def length_forests(
    features: Float32Array,
    lengths: FloatArray,
    systems: NDArray[np.str_],
    train: IntArray,
    rows: IntArray,
    runs: ForestRuns,
) -> FloatArray:
    """Predicted a, b, c in Å of ``rows``, equal where the crystal system requires it, shape (rows, 3).

    Args:
        features: Features of all structures, shape (n, k).
        lengths: True a, b, c in Å of all, shape (n, 3).
        systems: Crystal system of all, shape (n,).
        train, rows: Training structures and structures to predict.
        runs: Settings of the forests.
    """
    predicted = np.full((len(rows), 3), np.nan)
    for system, axes in PUBLISHED_R2.items():
        learned, predicted_rows = train[systems[train] == system], np.flatnonzero(systems[rows] == system)
        if not len(predicted_rows) or not len(learned):
            continue
        for column, axis in enumerate(AXES):
            if axis not in axes:
                predicted[predicted_rows, column] = predicted[predicted_rows, 0]
                continue
            predicted[predicted_rows, column] = runs.predict(
                "RandomForestRegressor",
                SETTINGS,
                features[learned],
                lengths[learned, column],
                features[rows[predicted_rows]],
            )
    return predicted


def symmetry_features(data: PreparedStructures) -> Float32Array:
    """Space group, functional, number of orbits, and orbits on each Wyckoff letter, shape (n, 30).

    With them a forest has about the same input as the lattice network, which is given the structure type.
    """
    structures = np.repeat(np.arange(len(data)), data.sizes)
    new_orbit = np.ones(len(data.orbits), dtype=bool)  # atoms of one orbit are consecutive
    same = (structures[1:] == structures[:-1]) & (data.orbits[1:] == data.orbits[:-1])
    new_orbit[1:] = ~same
    letters = np.zeros((len(data), LETTERS))
    np.add.at(letters, (structures[new_orbit], data.letters[new_orbit] - 1), 1)
    columns = [data.space_groups, data.functionals, letters.sum(1)]
    return np.concatenate([np.stack(columns, axis=1), letters], axis=1).astype(np.float32)
