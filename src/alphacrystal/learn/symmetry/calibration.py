"""Calibration of structure types the symmetry prior has never seen."""

from __future__ import annotations

import numpy as np
import torch

from alphacrystal.learn.hypotheses import unseen_types
from alphacrystal.learn.symmetry.derivative_types import related_types
from alphacrystal.learn.symmetry.training import SymmetryTask

COMPOUNDS = 300
MAX_ATOMS = 20


def unseen_offset(task: SymmetryTask) -> float:
    """What to add to the part scores of unseen types to make validation compounds most probable.

    Seen types, those related to seen ones and unseen types compete in one softmax. Scores of types that never
    occurred in 77,000 crystals are too high, since never occurring is itself evidence; one constant, fitted
    on experimental compounds where they are known, corrects it.
    """
    net = task.model.eval()
    asked = task.validation[task.experimental[task.validation]]
    rows = np.random.default_rng(0).permutation(asked if len(asked) else task.validation)[:COMPOUNDS]
    cases: list[tuple[float, float, float | None, float | None]] = []
    for row in rows:
        kind, numbers, counts = task.kinds[row], task.numbers[row : row + 1], task.counts[row : row + 1]
        slots = int((numbers > 0).sum())
        numbers, counts = numbers[:, :slots], counts[:, :slots]
        reduced = [int(c) for c in counts[0]]
        units = list(range(1, MAX_ATOMS // sum(reduced) + 1))
        if not units:
            continue
        known = net.known_rows(reduced, units)
        with torch.no_grad():
            hearing = net.hear(numbers, counts)
            seen = net.scores_of_rows(hearing, known)[0].double().numpy()
            related = related_types(net, numbers[0], reduced, units)
            fresh = unseen_types(net, reduced, units, None, [net.types[i] for i in known], seen)
            fresh = [own for own in fresh if own not in related]
            open_scores = net.unseen_scores(hearing, fresh)[0].double().numpy() if fresh else np.zeros(0)
        scores = dict(zip([net.types[i] for i in known], seen.tolist(), strict=True)) | related
        seen = np.array(list(scores.values()))
        own_seen = scores.get(kind)
        own_open = float(open_scores[fresh.index(kind)]) if kind in fresh else None
        total_seen = float(np.logaddexp.reduce(seen)) if len(seen) else -np.inf
        total_open = float(np.logaddexp.reduce(open_scores)) if len(open_scores) else -np.inf
        cases.append((total_seen, total_open, own_seen, own_open))

    def likelihood(offset: float) -> float:
        total = 0.0
        for seen_sum, open_sum, own_seen, own_open in cases:
            own = own_seen if own_seen is not None else (None if own_open is None else own_open + offset)
            if own is not None:
                total += own - float(np.logaddexp(seen_sum, open_sum + offset))
        return total

    grid = np.arange(-14.0, 4.01, 0.25)
    return float(grid[int(np.argmax([likelihood(float(offset)) for offset in grid]))])
