"""Distances between the atoms of two cells as bare points: CSPBenchMetrics' Sinkhorn, Chamfer and Hausdorff.

None of them knows elements, periodicity or that a cell may be described with another origin.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist, directed_hausdorff
from scipy.special import logsumexp

from alphacrystal.typing import FloatArray

_EPSILON = 1e-3
_ITERATIONS = 100
_CHANGE = 1e-3


def sinkhorn_distance(target: FloatArray, predicted: FloatArray) -> float:
    """Cost in Å of an entropy-regularised transport with mass 1 on each atom: a sum over the atoms.

    Sinkhorn's iteration in logarithms (Cuturi, doi:10.48550/arXiv.1306.0895), stopped as point-cloud-utils
    stops it: after 100 rounds, or when the potentials change by less than 1e-3. Where the numbers of atoms
    differ no transport exists, and the value is the one after the last step on the predicted side. POT stops
    by other rules, so it does not give the published values; these lines do.

    Args:
        target: Cartesian coordinates in Å, shape (n, 3).
        predicted: Cartesian coordinates in Å, shape (m, 3).
    """
    cost = cdist(target, predicted)
    rows, columns = np.zeros(len(target)), np.zeros(len(predicted))
    for _ in range(_ITERATIONS):
        last_rows, last_columns = rows, columns
        rows = -_EPSILON * logsumexp((columns - cost) / _EPSILON, axis=1)
        columns = -_EPSILON * logsumexp((rows[:, None] - cost) / _EPSILON, axis=0)
        if max(np.abs(rows - last_rows).sum(), np.abs(columns - last_columns).sum()) < _CHANGE:
            break
    plan = np.exp((rows[:, None] + columns - cost) / _EPSILON)
    return float((plan * cost).sum())


def chamfer_distance(target: FloatArray, predicted: FloatArray) -> float:
    """Mean distance to the nearest point of the other cell, summed over both directions, in Å."""
    cost = cdist(target, predicted)
    return float(cost.min(1).mean() + cost.min(0).mean())


def hausdorff_distance(target: FloatArray, predicted: FloatArray) -> float:
    """Largest distance to the nearest point of the other cell, in Å."""
    return float(max(directed_hausdorff(target, predicted)[0], directed_hausdorff(predicted, target)[0]))
