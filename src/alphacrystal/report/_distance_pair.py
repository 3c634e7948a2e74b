"""The predicted and the actual distances of a structure, atom for atom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from alphacrystal.report._prediction import DistogramSummary


@dataclass(frozen=True, slots=True)
class DistancePair:
    """Two distance matrices over the same atoms.

    Attributes:
        species: Element of each of the n atoms, in the network's order.
        predicted: Expected distances in Å, shape (n, n).
        actual: Minimum-image distances of the structure in Å, shape (n, n). The network does not distinguish
            atoms of one element; their order is the one that agrees best with ``predicted``.
    """

    species: tuple[str, ...]
    predicted: FloatArray
    actual: FloatArray

    @property
    def rmse(self) -> float:
        """Root mean square difference over the pairs of distinct atoms in Å; 0 for a single atom."""
        size = len(self.species)
        if size < 2:
            return 0.0
        pairs = np.triu_indices(size, k=1)
        return float(np.sqrt(np.mean((self.predicted[pairs] - self.actual[pairs]) ** 2)))


def distance_pair(structure: Structure, distograms: Sequence[DistogramSummary]) -> DistancePair | None:
    """Predicted and actual distances of a primitive cell; None where no distogram has its content."""
    from alphacrystal.crystal import min_image_distances

    symbols = [site.specie.symbol for site in structure]
    for distogram in distograms:
        if sorted(distogram.species) != sorted(symbols):
            continue
        # Start with the elements in the network's order; ``best_order`` then sorts the atoms of each element.
        waiting: dict[str, list[int]] = {}
        for index, symbol in enumerate(symbols):
            waiting.setdefault(symbol, []).append(index)
        start = np.array([waiting[symbol].pop(0) for symbol in distogram.species])
        distances = min_image_distances(structure.lattice.matrix, structure.frac_coords)
        predicted = np.asarray(distogram.expected_distances, dtype=np.float64)
        order = best_order(predicted, distances, distogram.species, start)
        return DistancePair(distogram.species, predicted, distances[np.ix_(order, order)])
    return None


def best_order(
    predicted: FloatArray, distances: FloatArray, species: Sequence[str], start: IntArray
) -> IntArray:
    """Order of the atoms whose ``distances`` are closest to ``predicted``: steepest descent over swaps.

    Args:
        predicted: Shape (n, n), Å, zero diagonal.
        distances: Shape (n, n), Å, zero diagonal, in the structure's order.
        species: Element of each row of ``predicted``.
        start: Initial order, shape (n,); only atoms of one element are swapped.
    """
    elements = np.asarray(species)
    allowed = np.triu(elements[:, None] == elements[None, :], k=1)
    expected = predicted - np.diag(np.diag(predicted))
    order = start.copy()
    for _ in range(len(order) ** 2):
        ordered = distances[np.ix_(order, order)]
        cross = expected @ ordered  # sum over k of predicted[i, k] ordered[k, j]
        keep = np.diag(cross)
        # Growth of sum(predicted * ordered) when atoms i and j swap: half the decrease of the squared error.
        gain = cross + cross.T - keep[:, None] - keep[None, :] + 2 * expected * ordered
        gain = np.where(allowed, gain, -np.inf)
        first, second = np.unravel_index(int(np.argmax(gain)), gain.shape)
        if not gain[first, second] > 1e-9:
            break
        order[[first, second]] = order[[second, first]]
    return order
