"""SG_predict's random forests for the space group, trained on our split.

Features and settings as in Y. Li et al., Comput. Mater. Sci. 198, 110686 (2021),
doi:10.1016/j.commatsci.2021.110686: Magpie and further composition features, and counts of the full formula
of the conventional cell, from which the number of formula units and often the centring follow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphacrystal.typing import Float32Array, FloatArray, IntArray
from alphacrystal_bench.models.forests import ForestRuns

SETTINGS: dict[str, Any] = {
    "criterion": "entropy",
    "max_features": 80,
    "max_depth": None,
    "min_samples_leaf": 1,
    "min_samples_split": 2,
}
# Ten-fold cross-validation that does not separate formulas, true crystal system and full formula given.
PUBLISHED_ACCURACY = {
    "cubic": 0.961,
    "hexagonal": 0.909,
    "trigonal": 0.824,
    "tetragonal": 0.849,
    "orthorhombic": 0.755,
    "monoclinic": 0.712,
    "triclinic": 0.835,
}
GROUPS = 231  # space groups 1 to 230, and the unused index 0


def group_forest(
    features: Float32Array,
    groups: IntArray,
    train: IntArray,
    rows: IntArray,
    runs: ForestRuns,
) -> FloatArray:
    """Probability of each space group for ``rows`` from one forest over all groups, shape (rows, 231).

    Args:
        features: Features of all structures, shape (n, k).
        groups: Space group of all, shape (n,).
        train, rows: Training structures and structures to predict.
        runs: Settings of the forests.
    """
    classes = np.unique(groups[train])
    probabilities = np.zeros((len(rows), GROUPS))
    probabilities[:, classes] = runs.predict(
        "RandomForestClassifier", SETTINGS, features[train], groups[train], features[rows]
    )
    return probabilities


def group_forests_by_system(
    features: Float32Array,
    groups: IntArray,
    systems: NDArray[np.str_],
    train: IntArray,
    rows: IntArray,
    runs: ForestRuns,
) -> FloatArray:
    """As ``group_forest``, given the crystal system, with one forest per system, shape (rows, 231)."""
    probabilities = np.zeros((len(rows), GROUPS))
    for system in np.unique(systems[rows]):
        learned, predicted_rows = train[systems[train] == system], np.flatnonzero(systems[rows] == system)
        if len(learned):
            probabilities[predicted_rows] = group_forest(
                features, groups, learned, rows[predicted_rows], runs
            )
    return probabilities
