"""The predicted and the actual distances of a structure, by atoms or by orbits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.data import chemical_symbols

from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from alphacrystal.report._prediction import DistogramSummary, OrbitDistanceSummary


@dataclass(frozen=True, slots=True)
class DistancePair:
    """Two distance matrices over the same atoms or orbits.

    Attributes:
        species: Element of each of the n atoms in the network's order, or the labels of the n orbits.
        predicted: Expected distances in Å, shape (n, n).
        actual: Minimum-image distances of the structure in Å, shape (n, n); the shortest ones for orbits. The
            network does not distinguish atoms of one element, or orbits of one element and size; their order
            is the one that agrees best with ``predicted``.
        by_orbits: Whether rows are orbits.
    """

    species: tuple[str, ...]
    predicted: FloatArray
    actual: FloatArray
    by_orbits: bool = False

    @property
    def rmse(self) -> float:
        """Root mean square difference over the pairs in Å; 0 for a single atom or orbit.

        Pairs are those of distinct atoms, or of orbits including each orbit with itself.
        """
        size = len(self.species)
        if size < 2:
            return 0.0
        pairs = np.triu_indices(size, k=0 if self.by_orbits else 1)
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


def orbit_distance_pair(structure: Structure, summary: OrbitDistanceSummary) -> DistancePair | None:
    """Predicted and actual shortest distances between the orbits of a primitive cell.

    None where relaxation changed the orbits, so that they are no longer those of the candidate.
    """
    from alphacrystal.crystal import describe_symmetry, min_image_distances

    numbers = np.array([site.specie.Z for site in structure])
    try:
        found = describe_symmetry(structure.lattice.matrix, structure.frac_coords, numbers)
    except InputError:
        return None
    orbits = np.unique(found.orbits, return_inverse=True)[1].reshape(-1)
    first = np.unique(orbits, return_index=True)[1]
    actual = [
        (chemical_symbols[number], int(size))
        for number, size in zip(found.numbers[first], np.bincount(orbits), strict=True)
    ]
    expected = list(zip(summary.species, summary.sizes, strict=True))
    if sorted(actual) != sorted(expected):
        return None
    waiting: dict[tuple[str, int], list[int]] = {}
    for index, orbit in enumerate(actual):
        waiting.setdefault(orbit, []).append(index)
    start = np.array([waiting[orbit].pop(0) for orbit in expected])
    lengths = min_image_distances(found.primitive_lattice, found.primitive_positions)
    np.fill_diagonal(lengths, np.inf)
    shortest = np.full((len(first), len(first)), np.inf)
    np.minimum.at(shortest, (orbits[:, None], orbits[None, :]), lengths)
    shortest[~np.isfinite(shortest)] = 0.0  # within an orbit of one atom
    classes = [f"{symbol} {size}" for symbol, size in expected]
    off_diagonal = 1 - np.eye(len(first))
    order = best_order(summary.shortest * off_diagonal, shortest * off_diagonal, classes, start)
    return DistancePair(summary.labels, summary.shortest, shortest[np.ix_(order, order)], by_orbits=True)


def best_order(
    predicted: FloatArray, distances: FloatArray, species: Sequence[str], start: IntArray
) -> IntArray:
    """Order of the atoms whose ``distances`` are closest to ``predicted``: steepest descent over swaps.

    Args:
        predicted: Shape (n, n), Å, zero diagonal.
        distances: Shape (n, n), Å, zero diagonal, in the structure's order.
        species: Element of each row of ``predicted``, or another class.
        start: Initial order, shape (n,); only rows of one class are swapped.
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
