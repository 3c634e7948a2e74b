"""Distograms: predicted probabilities of the distances between the atoms of a cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
