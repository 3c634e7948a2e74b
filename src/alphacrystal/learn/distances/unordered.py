"""Distances between atoms of which equal ones have no numbers: compared in order of length."""

from __future__ import annotations

import numpy as np

from alphacrystal.learn.distances.geometric_median import geometric_median
from alphacrystal.typing import FloatArray, IntArray


def length_order(numbers: IntArray, distances: FloatArray) -> IntArray:
    """The pairs i < j of a cell by their two elements, and within those by length.

    Two matrices of one cell content, each in its own order, stand with the k-th shortest distance between two
    elements beside the k-th shortest, whatever numbers equal atoms have. The loss of the distance network
    does the same with batches (``rank_matched``).

    Args:
        numbers: Atomic numbers, shape (atoms,).
        distances: Å, shape (..., pairs).

    Returns:
        Indices of the pairs, shape as ``distances``.
    """
    rows, columns = np.triu_indices(len(numbers), 1)
    low, high = np.sort(np.stack([numbers[rows], numbers[columns]]), axis=0)
    kinds = np.broadcast_to(low * 128 + high, distances.shape)
    return np.asarray(np.lexsort((distances, kinds), axis=-1), dtype=np.int64)


def unordered_error(numbers: IntArray, predicted: FloatArray, true: FloatArray) -> float:
    """Root mean square error in Å of distances (pairs,) compared in ``length_order``."""
    own = predicted[length_order(numbers, predicted)]
    return float(np.sqrt(np.mean((own - true[length_order(numbers, true)]) ** 2)))


def likely_distances(numbers: IntArray, possible: FloatArray, shares: FloatArray) -> FloatArray:
    """One answer for several possible matrices of a cell.

    How long the distances between two elements are is the ``geometric_median`` of the possible matrices in
    order of length: the least expected error where equal atoms have no numbers. Which pair has which of these
    lengths says the geometric median of the matrices as they stand.

    Args:
        numbers: Atomic numbers, shape (atoms,).
        possible: Å, shape (matrices, pairs).
        shares: How likely each is, shape (matrices,).

    Returns:
        Å, shape (pairs,).
    """
    answer = np.zeros(possible.shape[1])
    lengths = np.take_along_axis(possible, length_order(numbers, possible), axis=1)
    answer[length_order(numbers, geometric_median(possible, shares))] = geometric_median(lengths, shares)
    return answer
