"""Ranks of the true space group and structure type, beside ranking by frequency."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphacrystal.learn import StructureType
from alphacrystal.typing import BoolArray, FloatArray, IntArray
from alphacrystal_bench.models.symmetry_forest import GROUPS

GROUP_PLACES, TYPE_PLACES = (1, 5), (1, 5, 20)


def true_ranks(chances: FloatArray, truth: IntArray) -> FloatArray:
    """How many classes are more probable than the true one; infinite where that has no chance, shape (n,).

    Args:
        chances: Of each class, shape (n, classes).
        truth: Class of each row, shape (n,).
    """
    own = chances[np.arange(len(truth)), truth]
    return np.where(own > 0, (chances > own[:, None]).sum(1), np.inf)


def frequencies(
    types: Sequence[StructureType], train: IntArray, rows: IntArray
) -> tuple[FloatArray, FloatArray]:
    """What the training compounds of the same stoichiometry suggest, most frequent first.

    Returns:
        Counts of the space groups among them, shape (rows, 231); ranks of the true types, shape (rows,).
    """
    groups: dict[tuple[int, ...], FloatArray] = defaultdict(lambda: np.zeros(GROUPS))
    known: dict[tuple[int, ...], Counter[StructureType]] = defaultdict(Counter)
    for row in train:
        stoichiometry = types[row].stoichiometry()
        groups[stoichiometry][types[row].space_group] += 1
        known[stoichiometry][types[row]] += 1
    ranks = []
    for row in rows:
        counts = known.get(types[row].stoichiometry(), Counter())
        own = counts[types[row]]
        ranks.append(sum(count > own for count in counts.values()) if own else np.inf)
    return np.array([groups[types[row].stoichiometry()] for row in rows]), np.array(ranks, dtype=float)


def symmetry_table(
    groups: Mapping[str, FloatArray], types: Mapping[str, FloatArray], subsets: Mapping[str, BoolArray]
) -> dict[str, Any]:
    """Share of entries whose true space group is first or in five, and whose type is first, in 5, in 20.

    Args:
        groups: Ranks of the true space group by who predicts, shape (n,) each.
        types: Ranks of the true structure type by who predicts, shape (n,) each.
        subsets: Masks by name, shape (n,) each.
    """
    return {
        name: {
            "n": int(mask.sum()),
            "space group": {who: _shares(ranks[mask], GROUP_PLACES) for who, ranks in groups.items()},
            "type": {who: _shares(ranks[mask], TYPE_PLACES) for who, ranks in types.items()},
        }
        for name, mask in subsets.items()
        if mask.any()
    }


def _shares(ranks: FloatArray, places: Sequence[int]) -> dict[str, float]:
    return {f"top-{place}": round(float((ranks < place).mean()), 4) for place in places}


def group_table_by_system(
    groups: Mapping[str, FloatArray], systems: NDArray[np.str_], published: Mapping[str, float]
) -> dict[str, Any]:
    """Share of entries whose space group is first, told the crystal system, beside published accuracies.

    Args:
        groups: Ranks of the true space group by who predicts, shape (n,) each.
        systems: True crystal systems, shape (n,).
        published: Accuracy in each crystal system.
    """
    return {
        system: {
            "n": int((systems == system).sum()),
            "published": accuracy,
            **{who: round(float((ranks[systems == system] < 1).mean()), 4) for who, ranks in groups.items()},
        }
        for system, accuracy in published.items()
        if (systems == system).any()
    }
