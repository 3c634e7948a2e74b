"""Distograms: predicted probabilities of the distances between the atoms of a cell, or between its orbits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphacrystal.crystal._orbit_pairs import OrbitPairs
from alphacrystal.typing import Float32Array, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Distogram:
    """Predicted distances of the atoms of one cell content.

    Attributes:
        numbers: Atomic numbers, shape (atoms,), elements in electronegativity order.
        bin_edges: Å, shape (bins - 1,); the first bin is open below, the last above.
        bin_centres: Å, shape (bins,).
        probabilities: shape (atoms, atoms, bins), symmetric in the atoms.
        classes: Atoms of one class are interchangeable, shape (atoms,); None where all of an element are.
        answer: Distances in Å if one matrix replaces the means, shape (atoms, atoms); else None.
    """

    numbers: IntArray
    bin_edges: FloatArray
    bin_centres: FloatArray
    probabilities: Float32Array
    classes: IntArray | None = None
    answer: FloatArray | None = None

    @property
    def expected(self) -> FloatArray:
        """The answer, or mean distances where there is none; Å, 0 on the diagonal, shape (atoms, atoms)."""
        if self.answer is not None:
            return self.answer
        mean = self.probabilities.astype(np.float64) @ self.bin_centres
        np.fill_diagonal(mean, 0.0)
        return mean

    @property
    def all_edges(self) -> FloatArray:
        """Edges with the two open ends closed symmetrically about their bin centres, Å, shape (bins + 1,)."""
        first = 2 * self.bin_centres[0] - self.bin_edges[0]
        last = 2 * self.bin_centres[-1] - self.bin_edges[-1]
        return np.concatenate([[first], self.bin_edges, [last]])

    @classmethod
    def from_distances(
        cls, numbers: IntArray, distances: FloatArray, edges: FloatArray, spread: float = 0.1
    ) -> Distogram:
        """A distogram of a given matrix with a Gaussian spread.

        Args:
            numbers: Atomic numbers, shape (atoms,).
            distances: Å, shape (atoms, atoms).
            edges: Ascending bin edges in Å, shape (bins - 1,).
            spread: Standard deviation in Å.
        """
        from scipy.special import ndtr

        centres = np.concatenate([[edges[0] - 0.1], (edges[1:] + edges[:-1]) / 2, [edges[-1] + 1]])
        below = ndtr((edges - distances[..., None]) / spread)  # (atoms, atoms, bins - 1)
        probabilities = np.diff(below, axis=-1, prepend=0.0, append=1.0)
        return cls(numbers, edges, centres, probabilities.astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class OrbitDistogram:
    """Predicted distances of the symmetry-distinct pairs of one structure type, sorted within each block.

    Attributes:
        numbers: Atomic numbers, atoms in the order of ``atom_sites``, shape (atoms,).
        pairs: Symmetry-distinct pairs.
        bin_edges: Å, shape (bins - 1,); the first bin is open below, the last above.
        bin_centres: Å, shape (bins,).
        probabilities: Shape (pairs, bins).
        classes: Orbits of one class are interchangeable, shape (orbits,).
    """

    numbers: IntArray
    pairs: OrbitPairs
    bin_edges: FloatArray
    bin_centres: FloatArray
    probabilities: Float32Array
    classes: IntArray

    @property
    def expected(self) -> FloatArray:
        """Mean distances in Å, shape (pairs,)."""
        return self.probabilities.astype(np.float64) @ self.bin_centres

    @property
    def pair_classes(self) -> IntArray:
        """Pairs of one class are interchangeable, shape (pairs,)."""
        return self.pairs.classes(self.classes)

    @property
    def shortest(self) -> FloatArray:
        """Expected shortest distance between two orbits in Å, shape (orbits, orbits).

        0 within an orbit of one atom.
        """
        first = self.pairs.ranks == 0
        rows, columns = self.pairs.orbits
        matrix = np.zeros((len(self.pairs.sizes), len(self.pairs.sizes)))
        matrix[rows[first], columns[first]] = self.expected[first]
        return np.maximum(matrix, matrix.T)
