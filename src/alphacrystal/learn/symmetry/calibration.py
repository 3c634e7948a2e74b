"""Calibrate the scores of structure types outside the vocabulary of the symmetry network."""

from __future__ import annotations

import numpy as np

from alphacrystal.learn.symmetry.candidate_types import candidate_types
from alphacrystal.learn.symmetry.training import SymmetryTask

MAX_COMPOUNDS = 300
MAX_ATOMS = 20


def unseen_offset(task: SymmetryTask) -> float:
    """Offset of the scores of enumerated types that maximises the likelihood of validation compounds.

    Known, derivative and enumerated types compete in one softmax. Absence from the 77,000 training crystals
    is evidence against a type that the network does not see, so its scores for enumerated types are too high.
    One constant corrects them. It is fitted on experimental compounds if there are any.
    """
    net = task.model.eval()
    experimental = task.validation[task.experimental[task.validation]]
    pool = experimental if len(experimental) else task.validation
    rows = np.random.default_rng(0).permutation(pool)[:MAX_COMPOUNDS]
    cases: list[tuple[float, float, float | None, float | None]] = []
    for row in rows:
        true = task.structure_types[row]
        numbers, counts = task.numbers[row : row + 1], task.counts[row : row + 1]
        slots = int((numbers > 0).sum())
        numbers, counts = numbers[:, :slots], counts[:, :slots]
        units = list(range(1, MAX_ATOMS // int(counts.sum()) + 1))
        if not units:
            continue
        candidates = candidate_types(net, numbers, counts, units)
        seen, unseen = candidates.scores, candidates.unseen_scores
        true_seen = float(seen[candidates.types.index(true)]) if true in candidates.types else None
        true_unseen = float(unseen[candidates.unseen.index(true)]) if true in candidates.unseen else None
        total_seen = float(np.logaddexp.reduce(seen)) if len(seen) else -np.inf
        total_unseen = float(np.logaddexp.reduce(unseen)) if len(unseen) else -np.inf
        cases.append((total_seen, total_unseen, true_seen, true_unseen))

    def likelihood(offset: float) -> float:
        total = 0.0
        for total_seen, total_unseen, true_seen, true_unseen in cases:
            score = true_seen
            if score is None and true_unseen is not None:
                score = true_unseen + offset
            if score is not None:
                total += score - float(np.logaddexp(total_seen, total_unseen + offset))
        return total

    grid = np.arange(-14.0, 4.01, 0.25)
    return float(grid[int(np.argmax([likelihood(float(offset)) for offset in grid]))])
