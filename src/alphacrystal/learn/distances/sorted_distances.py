"""Average and compare distance matrices up to permutations of equal atoms, by sorting."""

from __future__ import annotations

import numpy as np

from alphacrystal.typing import FloatArray, IntArray

MEDIAN_STEPS = 60
MIN_DISTANCE = 1e-6  # Å: keeps the weights finite if the median coincides with a point


def geometric_median(points: FloatArray, weights: FloatArray) -> FloatArray:
    """The point with the smallest weighted mean Euclidean distance to the given points.

    Of several possible distance matrices it has the smallest expected root mean square error, as the mean has
    the smallest expected squared error. Computed by Weiszfeld's iteration (doi:10.1007/s10479-008-0352-z).

    Args:
        points: Shape (n, dimensions).
        weights: Positive, shape (n,).

    Returns:
        Shape (dimensions,).
    """
    median = np.average(points, axis=0, weights=weights)
    if len(points) == 1:
        return np.asarray(median, dtype=np.float64)
    for _ in range(MEDIAN_STEPS):
        pull = weights / np.maximum(np.linalg.norm(points - median, axis=1), MIN_DISTANCE)
        median = pull @ points / pull.sum()
    # The iteration converges slowly if the median is one of the points, so these are candidates too.
    candidates = np.vstack([points, median])
    costs = np.linalg.norm(points[:, None] - candidates, axis=2).T @ weights
    return np.asarray(candidates[int(costs.argmin())], dtype=np.float64)


def length_order(numbers: IntArray, distances: FloatArray) -> IntArray:
    """Order of the pairs i < j by their two elements, and by length within these.

    Two sorted matrices of one cell content align the k-th shortest distances between each pair of elements,
    independent of the numbering of equal atoms. ``rank_matched`` does the same for batches in the training of
    the distance network.

    Args:
        numbers: Atomic numbers, shape (atoms,).
        distances: Å, shape (..., pairs).

    Returns:
        Indices of the pairs, shape as ``distances``.
    """
    rows, columns = np.triu_indices(len(numbers), 1)
    low, high = np.sort(np.stack([numbers[rows], numbers[columns]]), axis=0)
    element_pairs = np.broadcast_to(low * 128 + high, distances.shape)
    return np.asarray(np.lexsort((distances, element_pairs), axis=-1), dtype=np.int64)


def sorted_rmse(numbers: IntArray, predicted: FloatArray, true: FloatArray) -> float:
    """Root mean square error in Å of distances, shape (pairs,), compared in ``length_order``."""
    difference = predicted[length_order(numbers, predicted)] - true[length_order(numbers, true)]
    return float(np.sqrt(np.mean(difference**2)))


def median_distances(numbers: IntArray, possible: FloatArray, probabilities: FloatArray) -> FloatArray:
    """One distance matrix for several possible matrices of a cell.

    The sorted distances between two elements are the ``geometric_median`` of the sorted possible matrices,
    which has the smallest expected error up to permutations of equal atoms. The geometric median of the
    unsorted matrices assigns them to the pairs.

    Args:
        numbers: Atomic numbers, shape (atoms,).
        possible: Å, shape (matrices, pairs).
        probabilities: Of the matrices, shape (matrices,).

    Returns:
        Å, shape (pairs,).
    """
    result = np.zeros(possible.shape[1])
    lengths = np.take_along_axis(possible, length_order(numbers, possible), axis=1)
    order = length_order(numbers, geometric_median(possible, probabilities))
    result[order] = geometric_median(lengths, probabilities)
    return result
