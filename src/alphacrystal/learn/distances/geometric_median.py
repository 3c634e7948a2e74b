"""The point that is nearest to several at once."""

from __future__ import annotations

import numpy as np

from alphacrystal.typing import FloatArray

STEPS = 60
SMALLEST = 1e-6  # Å: keeps weights finite where the median lies on a point


def geometric_median(points: FloatArray, weights: FloatArray) -> FloatArray:
    """The point whose weighted mean Euclidean distance to the given ones is least.

    Of several possible distance matrices it is the answer with the least expected root mean square error,
    as the mean is the one with the least expected squared error: it leans to the likely ones instead of
    lying between them. Found by Weiszfeld's iteration (doi:10.1007/s10479-008-0352-z).

    Args:
        points: Shape (n, dimensions).
        weights: Positive, shape (n,).

    Returns:
        Shape (dimensions,).
    """
    median = np.average(points, axis=0, weights=weights)
    if len(points) == 1:
        return np.asarray(median, dtype=np.float64)
    for _ in range(STEPS):
        pull = weights / np.maximum(np.linalg.norm(points - median, axis=1), SMALLEST)
        median = pull @ points / pull.sum()
    # Where the median is one of the points the iteration only creeps towards it.
    candidates = np.vstack([points, median])
    costs = np.linalg.norm(points[:, None] - candidates, axis=2).T @ weights
    return np.asarray(candidates[int(costs.argmin())], dtype=np.float64)
