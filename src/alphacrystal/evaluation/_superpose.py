"""The superpose distance as CSPBenchMetrics computes it now, and as it did before March 2024."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from alphacrystal.evaluation._metrics import NotComparableError
from alphacrystal.typing import BoolArray, FloatArray, IntArray

_REACH = 5.0  # Å
_ITERATIONS = 1000
_CHANGE = 1e-6
_TIE_DIGITS = 9


def superpose_rmsd(target: FloatArray, predicted: FloatArray) -> float:
    """Root mean square distance in Å after iterative closest points from the target to the prediction.

    The value of Open3D's point-to-point registration (Besl & McKay, doi:10.1109/34.121791) started from the
    identity, as the CSPBenchMetrics revision c5f7c38 calls it. Several atoms may share a partner, of any
    element; the start decides which local minimum is found. Where points are equally near, the last
    bit of a coordinate decides in Open3D; here the first is taken, so such pairs may differ from it.

    Args:
        target: Cartesian coordinates in Å, shape (n, 3).
        predicted: Cartesian coordinates in Å, shape (m, 3).

    Raises:
        NotComparableError: Atoms have no partner within 5 Å and the numbers of atoms differ.
    """
    points = target.copy()
    distances, partners = _nearest(points, predicted)
    for _ in range(_ITERATIONS):
        near = distances <= _REACH
        if not near.any():
            break
        rotation, shift = _rigid_motion(points[near], predicted[partners[near]])
        points = points @ rotation.T + shift
        before = near.mean(), _rms(distances[near])
        distances, partners = _nearest(points, predicted)
        now = distances <= _REACH
        if abs(now.mean() - before[0]) < _CHANGE and abs(_rms(distances[now]) - before[1]) < _CHANGE:
            break
    near = distances <= _REACH
    if near.all():
        return _rms(distances)
    return _with_left_overs(points, predicted, near, partners)


def _nearest(points: FloatArray, predicted: FloatArray) -> tuple[FloatArray, IntArray]:
    """Distance and index of the nearest point; of equally near ones the first, for any rounding."""
    distances = cdist(points, predicted)
    partners = np.round(distances, _TIE_DIGITS).argmin(1)
    return distances[np.arange(len(points)), partners], partners


def _with_left_overs(points: FloatArray, predicted: FloatArray, near: BoolArray, partners: IntArray) -> float:
    """Atoms without a partner are paired with points that nobody chose, both in their order."""
    free = np.setdiff1d(np.arange(len(predicted)), partners[near])
    if len(points) != len(predicted) or len(free) != (~near).sum():
        raise NotComparableError(
            "atoms lie more than 5 Å from all points of the other cell and cannot be paired one to one"
        )
    chosen = partners.copy()
    chosen[~near] = free
    return _rms(np.linalg.norm(points - predicted[chosen], axis=1))


def _rms(distances: FloatArray) -> float:
    return float(np.sqrt(np.mean(distances**2))) if len(distances) else 0.0


def _rigid_motion(source: FloatArray, goal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Proper rotation and shift that lay ``source`` on ``goal`` best (Umeyama, doi:10.1109/34.88573)."""
    centre, aim = source.mean(0), goal.mean(0)
    covariance = (goal - aim).T @ (source - centre) / len(source)
    left, values, right = np.linalg.svd(covariance)
    if values[0] < 1e-12:  # all partners are one point: every rotation is as good, so none
        return np.eye(3), aim - centre
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = (left * signs) @ right
    return rotation, aim - rotation @ centre


def superpose_old(target: FloatArray, predicted: FloatArray) -> float:
    """Root mean square distance in Å after the best rotation, shift and scaling of the prediction.

    CSPBenchMetrics until March 2024 (superpose3d): atoms are paired in the order they are listed, and the
    prediction may be scaled, so that cells of two atoms always give 0.

    Raises:
        NotComparableError: The numbers of atoms differ.
    """
    if len(target) != len(predicted):
        raise NotComparableError(
            f"it pairs atoms by their order and the cells hold {len(target)} and {len(predicted)} atoms"
        )
    one, other = target - target.mean(0), predicted - predicted.mean(0)
    left, values, right = np.linalg.svd(one.T @ other)
    values[2] *= np.sign(np.linalg.det(left) * np.linalg.det(right)) or 1.0
    spread = float((other**2).sum())
    gain = float(values.sum()) ** 2 / spread if spread > 0 else 0.0
    return float(np.sqrt(max(0.0, float((one**2).sum()) - gain) / len(target)))
