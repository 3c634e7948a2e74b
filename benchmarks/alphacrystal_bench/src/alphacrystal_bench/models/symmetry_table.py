"""Ranks of the true space group and structure type, and the control that ranks by frequency."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphacrystal.learn import StructureType
from alphacrystal.typing import BoolArray, FloatArray, IntArray
from alphacrystal_bench.models.symmetry_forest import GROUPS

GROUP_TOPS, TYPE_TOPS = (1, 5), (1, 5, 20)


def true_ranks(probabilities: FloatArray, truth: IntArray) -> FloatArray:
    """Number of classes more probable than the true one; infinite where its probability is 0, shape (n,).

    Args:
        probabilities: Probabilities of the classes, shape (n, classes).
        truth: True class of each row, shape (n,).
    """
    true = probabilities[np.arange(len(truth)), truth]
    return np.where(true > 0, (probabilities > true[:, None]).sum(1), np.inf)


def frequencies(
    types: Sequence[StructureType], train: IntArray, rows: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Control: frequencies among the training compounds of the same stoichiometry.

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
        true = counts[types[row]]
        ranks.append(sum(count > true for count in counts.values()) if true else np.inf)
    return np.array([groups[types[row].stoichiometry()] for row in rows]), np.array(ranks, dtype=float)


def symmetry_table(
    groups: Mapping[str, FloatArray], types: Mapping[str, FloatArray], subsets: Mapping[str, BoolArray]
) -> dict[str, Any]:
    """Share of entries whose true space group is first or in 5, and whose type is first, in 5, in 20.

    Args:
        groups: Ranks of the true space group by predictor, shape (n,) each.
        types: Ranks of the true structure type by predictor, shape (n,) each.
        subsets: Masks by name, shape (n,) each.
    """
    return {
        name: {
            "n": int(mask.sum()),
            "space_group": {
                predictor: _shares(ranks[mask], GROUP_TOPS) for predictor, ranks in groups.items()
            },
            "type": {predictor: _shares(ranks[mask], TYPE_TOPS) for predictor, ranks in types.items()},
        }
        for name, mask in subsets.items()
        if mask.any()
    }


def _shares(ranks: FloatArray, tops: Sequence[int]) -> dict[str, float]:
    return {f"top_{top}": round(float((ranks < top).mean()), 4) for top in tops}


def group_table_by_system(
    groups: Mapping[str, FloatArray], systems: NDArray[np.str_], published: Mapping[str, float]
) -> dict[str, Any]:
    """Share of entries whose space group is first, given the crystal system, and published accuracies.

    Args:
        groups: Ranks of the true space group by predictor, shape (n,) each.
        systems: True crystal systems, shape (n,).
        published: Accuracy in each crystal system.
    """
    return {
        system: {
            "n": int((systems == system).sum()),
            "published": accuracy,
            **{
                name: round(float((ranks[systems == system] < 1).mean()), 4) for name, ranks in groups.items()
            },
        }
        for system, accuracy in published.items()
        if (systems == system).any()
    }
