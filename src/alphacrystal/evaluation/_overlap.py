"""Overlap of the distance maps of two cells, the paper's equation 4."""

from __future__ import annotations

import numpy as np

from alphacrystal.evaluation._atoms import AtomicCell
from alphacrystal.evaluation._metric_value import NotComparableError
from alphacrystal.typing import BoolArray

_CUTOFF = 8.0  # Å; section 2.5 of the paper


def distance_map_overlap(target: AtomicCell, predicted: AtomicCell) -> tuple[float, float]:
    """Share of the target's pairs of atoms below 8 Å that are so in the prediction, and the F1 of both.

    Atoms are compared in the order they are listed, pairs of different atoms only. The share is a recall: a
    prediction that is short everywhere has 1.

    Raises:
        NotComparableError: The numbers of atoms differ, or no pair of the target is below 8 Å.
    """
    n, m = len(target.numbers), len(predicted.numbers)
    if n != m:
        raise NotComparableError(f"it pairs atoms by their order and the cells hold {n} and {m} atoms")
    off: BoolArray = ~np.eye(n, dtype=bool)
    near, said = (off & (cell.distances() < _CUTOFF) for cell in (target, predicted))
    if not near.any():
        raise NotComparableError(f"no two atoms of the target are closer than {_CUTOFF:g} Å")
    both = float((near & said).sum())
    return both / float(near.sum()), 2 * both / float(near.sum() + said.sum())
