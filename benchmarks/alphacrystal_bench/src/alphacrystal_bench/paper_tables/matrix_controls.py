"""Controls and lower limits of the error of padded distance matrices, without a network.

Atomic numbers have shape (n, atoms), 0 where padded, atoms in canonical order; distances in Å have shape
(n, atoms, atoms), with arbitrary values where padded.
"""

from __future__ import annotations

import numpy as np

from alphacrystal.composition import element_features
from alphacrystal.learn.contacts.matrix_labels import pair_mask
from alphacrystal.typing import FloatArray, IntArray


class ElementPairLookup:
    """Mean distance of an element pair in cells with the same number of atoms.

    An element pair unseen in cells of that size gets its mean over all cells; an unseen pair gets the mean of
    all pairs in cells of that size, or of all pairs.
    """

    def __init__(self, numbers: IntArray, distances: FloatArray) -> None:
        mask = pair_mask(numbers)
        values = distances[mask]
        self._tables = [_means(key[mask], values) for key in _pair_keys(numbers)]
        self._overall = float(values.mean())

    def predict(self, numbers: IntArray) -> FloatArray:
        """Distances in Å, shape (n, atoms, atoms); 0 outside the pairs."""
        distances = np.full((*numbers.shape, numbers.shape[1]), self._overall)
        missing = np.ones(distances.shape, dtype=bool)
        for key, (known, means) in zip(_pair_keys(numbers), self._tables, strict=True):
            index = np.searchsorted(known, key).clip(max=len(known) - 1)
            here = missing & (known[index] == key)
            distances[here] = means[index][here]
            missing &= ~here
        return np.where(pair_mask(numbers), distances, 0.0)


def _pair_keys(numbers: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Element pair and cell size, element pair, cell size of each pair of atoms, (n, atoms, atoms) each."""
    low = np.minimum(numbers[:, :, None], numbers[:, None, :])
    high = np.maximum(numbers[:, :, None], numbers[:, None, :])
    pair = low * 128 + high
    size = (numbers > 0).sum(1)[:, None, None] + np.zeros_like(pair)
    return pair * 1024 + size, pair, size


def _means(keys: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """Sorted distinct keys and the mean of the values of each."""
    known, index = np.unique(keys, return_inverse=True)
    return known, np.bincount(index, values) / np.bincount(index)


class NearestComposition:
    """The matrix of the most similar composition with the same numbers of atoms.

    Cells are compared if they have the same numbers of atoms of their elements in order of electronegativity
    (Na2Cl2 with Ca2O2, not with CaO). The most similar one has the smallest sum over the atoms of the
    distances between the elements in the 11 standardised features of the paper's Table 1. A cell content
    without such a neighbour gets the element-pair lookup.
    """

    def __init__(self, numbers: IntArray, distances: FloatArray) -> None:
        self._lookup = ElementPairLookup(numbers, distances)
        self._numbers, self._distances = numbers, distances
        self._rows: dict[tuple[int, ...], list[int]] = {}
        for row, counts in enumerate(map(element_counts, numbers)):
            self._rows.setdefault(counts, []).append(row)
        features = element_features()
        self._dissimilarity = np.sqrt(((features[:, None] - features[None]) ** 2).sum(-1))  # (104, 104)

    def nearest(self, numbers: IntArray) -> IntArray:
        """Row of the most similar composition of each, -1 without one, shape (n,)."""
        nearest = np.full(len(numbers), -1)
        for index, cell in enumerate(numbers):
            rows = self._rows.get(element_counts(cell))
            if rows is not None:
                dissimilarity = self._dissimilarity[self._numbers[rows], cell].sum(1)  # 0 for padding
                nearest[index] = rows[int(dissimilarity.argmin())]
        return nearest

    def predict(self, numbers: IntArray) -> FloatArray:
        """Distances in Å, shape (n, atoms, atoms)."""
        nearest = self.nearest(numbers)
        copied = (nearest >= 0)[:, None, None]
        return np.where(copied, self._distances[nearest], self._lookup.predict(numbers))


def element_counts(numbers: IntArray) -> tuple[int, ...]:
    """Atoms of each element of one cell in the order of its atoms, from shape (atoms,)."""
    atoms = numbers[numbers > 0]
    starts = np.flatnonzero(np.diff(atoms, prepend=0))
    return tuple(np.diff(np.append(starts, len(atoms))).tolist())


def shuffled_inside(groups: IntArray, distances: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The same crystals with the atoms of each group in random order.

    Args:
        groups: Group of each atom (its element or its orbit), another number where padded, shape (n, atoms).
        distances: Distances in Å, shape (n, atoms, atoms).
        rng: Generator of the orders.
    """
    # The positions of a group, in ascending order, are assigned to its atoms in random order.
    positions = np.argsort(groups, axis=1, kind="stable")
    atoms = np.lexsort((rng.random(groups.shape), groups), axis=1)
    order = np.empty_like(positions)
    np.put_along_axis(order, positions, atoms, axis=1)
    crystals = np.arange(len(groups))[:, None, None]
    return distances[crystals, order[:, :, None], order[:, None, :]]


def block_means(numbers: IntArray, distances: FloatArray) -> FloatArray:
    """Each distance replaced by the mean over all pairs of the same two elements in the same crystal.

    The smallest error of a prediction that does not distinguish atoms of one element.
    """
    mask = pair_mask(numbers)
    keys = (_pair_keys(numbers)[1] + np.arange(len(numbers))[:, None, None] * 128**2)[mask]
    known, means = _means(keys, distances[mask])
    averaged = np.zeros_like(distances)
    averaged[mask] = means[np.searchsorted(known, keys)]
    return averaged
