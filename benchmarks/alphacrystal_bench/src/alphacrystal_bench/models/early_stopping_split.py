"""The part of the training structures that chooses when to stop, so that no test structure has a say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alphacrystal.data import PreparedStructures

HELD_BACK = 0.05  # share of the training formulas


def held_back(data: PreparedStructures, rows: NDArray[np.int64], seed: int) -> NDArray[np.bool_]:
    """Structures of a twentieth of the formulas, drawn at random, shape (rows,)."""
    formulas = data.formulas[rows]
    names = np.unique(formulas)
    chosen = np.random.default_rng(seed).permutation(names)[: max(1, round(HELD_BACK * len(names)))]
    return np.isin(formulas, chosen)
