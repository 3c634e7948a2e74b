"""Edit distance between the neighbour graphs of two cells."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from alphacrystal.evaluation._atoms import AtomicCell
from alphacrystal.typing import BoolArray

_BOND = 2.5  # Å
_NEIGHBOURS = 12
_NODE = 1.0  # cost to insert or delete an atom; to change its element at most both
_EDGE = 1.0


def neighbour_graph(cell: AtomicCell) -> BoolArray:
    """Atoms joined where some image lies within 2.5 Å, at most the nearest twelve of each, shape (n, n)."""
    distances = cell.distances()
    rank = distances.argsort(1, kind="stable").argsort(1)
    joined = (distances > 0) & (distances <= _BOND) & (rank <= _NEIGHBOURS)
    return np.asarray(joined | joined.T)


def edit_distance(target: AtomicCell, predicted: AtomicCell) -> float:
    """Upper bound of the graph edit distance by an assignment.

    Riesen & Bunke (doi:10.1016/j.imavis.2008.04.004).

    Inserting or deleting an atom or a bond costs 1, another element min(|ΔZ|, 2), another bond length
    nothing. The values of cyged, which does not install on today's Python.
    """
    a, b = neighbour_graph(target), neighbour_graph(predicted)
    n, m = len(a), len(b)
    difference = np.abs(target.numbers[:, None] - predicted.numbers[None]).astype(float)
    change = np.zeros((n + m, n + m))
    change[:n, :m] = np.minimum(difference, 2 * _NODE)
    change[:n, m:] = np.where(np.eye(n, dtype=bool), _NODE, np.inf)
    change[n:, :m] = np.where(np.eye(m, dtype=bool), _NODE, np.inf)
    degrees_a, degrees_b = a.sum(1), b.sum(1)
    guess = change.copy()
    guess[:n, :m] += _EDGE * np.abs(degrees_a[:, None] - degrees_b[None])
    guess[np.arange(n), m + np.arange(n)] += _EDGE * degrees_a
    guess[n + np.arange(m), np.arange(m)] += _EDGE * degrees_b
    rows, columns = linear_sum_assignment(guess)
    whole_a, whole_b = np.zeros((n + m, n + m), dtype=bool), np.zeros((n + m, n + m), dtype=bool)
    whole_a[:n, :n], whole_b[:m, :m] = a, b
    bonds = np.triu(whole_a != whole_b[np.ix_(columns, columns)]).sum()
    return float(change[rows, columns].sum() + _EDGE * bonds)


def changed_bonds(target: AtomicCell, predicted: AtomicCell) -> float:
    """Bonds that only one of two cells has whose atoms correspond to each other in their order."""
    return _EDGE * float(np.triu(neighbour_graph(target) != neighbour_graph(predicted)).sum())
