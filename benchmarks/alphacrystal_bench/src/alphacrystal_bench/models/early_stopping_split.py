"""The part of the training structures that chooses when to stop, so that no test structure has a say."""

from __future__ import annotations

import numpy as np

from alphacrystal.data import PreparedStructures
from alphacrystal.typing import BoolArray, IntArray

HELD_BACK = 0.05  # share of the training formulas


def held_back(data: PreparedStructures, rows: IntArray, seed: int) -> BoolArray:
    """Structures of a twentieth of the formulas, drawn at random, shape (rows,)."""
    formulas = data.formulas[rows]
    names = np.unique(formulas)
    chosen = np.random.default_rng(seed).permutation(names)[: max(1, round(HELD_BACK * len(names)))]
    return np.isin(formulas, chosen)
