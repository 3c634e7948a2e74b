"""The answer with the least expected error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphacrystal.learn.distances.sorted_distances import geometric_median


def test_of_two_points_the_heavier_wins() -> None:
    points = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert geometric_median(points, np.array([0.6, 0.4])) == pytest.approx([0, 0], abs=1e-3)
    assert geometric_median(points, np.array([0.4, 0.6])) == pytest.approx([3, 4], abs=1e-3)


def test_fermat_point_of_a_triangle() -> None:
    """All angles at the Fermat point of the corners (0,0), (4,0), (1,3) are 120° (Torricelli)."""
    corners = np.array([[0.0, 0.0], [4.0, 0.0], [1.0, 3.0]])
    arms = corners - geometric_median(corners, np.ones(3))
    arms /= np.linalg.norm(arms, axis=1, keepdims=True)
    cosines = [arms[i] @ arms[j] for i, j in ((0, 1), (1, 2), (0, 2))]
    assert cosines == pytest.approx([-0.5] * 3, abs=1e-3)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 8), dimensions=st.integers(1, 12))
def test_no_other_point_is_nearer(seed: int, count: int, dimensions: int) -> None:
    rng = np.random.default_rng(seed)
    points, weights = rng.normal(size=(count, dimensions)), rng.uniform(0.05, 1, count)

    def cost(point: np.ndarray) -> float:
        return float(weights @ np.linalg.norm(points - point, axis=1))

    found = cost(geometric_median(points, weights))
    others = [np.average(points, axis=0, weights=weights), *points, rng.normal(size=dimensions)]
    assert all(found <= cost(other) + 1e-3 for other in others)
