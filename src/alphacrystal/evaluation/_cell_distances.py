"""A cell of atoms as plain arrays, and distances between two cells as they are listed.

The distances between bare points (Sinkhorn, Chamfer, Hausdorff) are those of CSPBenchMetrics: they know
neither elements nor periodicity, and depend on the origin of the description.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist, directed_hausdorff
from scipy.special import logsumexp

from alphacrystal.crystal import min_image_distances
from alphacrystal.evaluation._metrics import NotComparableError
from alphacrystal.typing import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


_CUTOFF = 8.0  # Å, of distance maps; section 2.5 of the paper

# The graph edit distance.
_BOND = 2.5  # Å
_NEIGHBOURS = 12
_NODE = 1.0  # cost to insert or delete an atom; to change its element at most both
_EDGE = 1.0

# Sinkhorn's iteration.
_EPSILON = 1e-3
_ITERATIONS = 100
_CHANGE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class AtomicCell:
    """Lattice and atoms of one cell.

    Attributes:
        lattice: Rows are vectors in Å, shape (3, 3).
        positions: Fractional coordinates, shape (atoms, 3).
        numbers: Atomic numbers, shape (atoms,).
    """

    lattice: FloatArray
    positions: FloatArray
    numbers: IntArray

    @classmethod
    def of(cls, structure: Structure) -> AtomicCell:
        """The arrays of an ordered structure, atoms in its order."""
        return cls(
            np.array(structure.lattice.matrix),
            np.array(structure.frac_coords),
            np.array([site.specie.Z for site in structure], dtype=np.int64),
        )

    def distances(self) -> FloatArray:
        """Shortest periodic distance of every two atoms in Å, shape (atoms, atoms)."""
        return min_image_distances(self.lattice, self.positions)


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
    near, near_predicted = (off & (cell.distances() < _CUTOFF) for cell in (target, predicted))
    if not near.any():
        raise NotComparableError(f"no two atoms of the target are closer than {_CUTOFF:g} Å")
    both = float((near & near_predicted).sum())
    return both / float(near.sum()), 2 * both / float(near.sum() + near_predicted.sum())


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
