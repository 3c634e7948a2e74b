"""Calibrate the scores of structure types outside the vocabulary of the symmetry network."""

from __future__ import annotations

import numpy as np

from alphacrystal.learn.symmetry.candidate_types import candidate_types
from alphacrystal.learn.symmetry.training import SymmetryTask
from alphacrystal.typing import FloatArray

MAX_COMPOUNDS = 300
MAX_ATOMS = 80


def calibrated_offsets(task: SymmetryTask) -> dict[str, float]:
    """Offsets of the scores of related and enumerated types, fitted to validation compounds.

    Known, derivative, related and enumerated types compete in one softmax. Absence from the training crystals
    is evidence against a type that the network does not see, so its scores for such types are too high. One
    constant for related types and one for enumerated types correct them. They maximise the likelihood of
    experimental compounds if there are any.

    Returns:
        "related_offset" and "unseen_offset".
    """
    net = task.model.eval()
    experimental = task.validation[task.experimental[task.validation]]
    pool = experimental if len(experimental) else task.validation
    rows = np.random.default_rng(0).permutation(pool)[:MAX_COMPOUNDS]
    # Total of each of the three lists of types, list of the true type (-1: in none) and its score.
    totals: list[list[float]] = []
    true_lists: list[int] = []
    true_scores: list[float] = []
    for row in rows:
        true = task.structure_types[row]
        numbers, counts = task.numbers[row : row + 1], task.counts[row : row + 1]
        slots = int((numbers > 0).sum())
        numbers, counts = numbers[:, :slots], counts[:, :slots]
        units = list(range(1, MAX_ATOMS // int(counts.sum()) + 1))
        if not units:
            continue
        candidates = candidate_types(net, numbers, counts, units)
        lists = (
            (candidates.types, candidates.scores),
            (candidates.related, candidates.related_scores),
            (candidates.unseen, candidates.unseen_scores),
        )
        totals.append([float(np.logaddexp.reduce(scores)) if len(scores) else -np.inf for _, scores in lists])
        place = next((k for k, (types, _) in enumerate(lists) if true in types), -1)
        true_lists.append(place)
        true_scores.append(float(lists[place][1][lists[place][0].index(true)]) if place >= 0 else 0.0)
    total, list_of, score = np.array(totals), np.array(true_lists), np.array(true_scores)

    def likelihood(offsets: FloatArray) -> float:
        """Sum over the compounds whose true type is in a list; ``offsets`` of the three lists."""
        listed = list_of >= 0
        normaliser = np.logaddexp.reduce(total[listed] + offsets, axis=1)
        return float((score[listed] + offsets[list_of[listed]] - normaliser).sum())

    grid = np.arange(-20.0, 4.01, 0.25)
    offsets = np.array([0.0, grid[0], grid[0]])
    if len(total):
        for _ in range(3):  # coordinate ascent
            for place in (1, 2):
                trials = np.tile(offsets, (len(grid), 1))
                trials[:, place] = grid
                offsets = trials[int(np.argmax([likelihood(trial) for trial in trials]))]
    return {"related_offset": float(offsets[1]), "unseen_offset": float(offsets[2])}
