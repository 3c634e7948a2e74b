"""Nearest images from the few cells that can hold them: the same lengths as from all of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alphacrystal.crystal import min_image_distances, minkowski_reduced
from alphacrystal.reconstruct._periodic import Periodic


@given(st.integers(0, 2**32 - 1))
def test_lengths_are_the_minimum_over_all_images(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lattice, _ = minkowski_reduced(rng.normal(0, 3, (3, 3)) + 4 * np.eye(3))
    points = rng.random((6, 3))
    periodic = Periodic.of(lattice)
    difference = points[:, None] - points[None]
    expected = min_image_distances(lattice, points)
    vectors, lengths = periodic.nearest(difference)
    off = ~np.eye(6, dtype=bool)
    assert np.allclose(lengths[off], expected[off], atol=1e-6)
    assert np.allclose(periodic.lengths(difference)[off], expected[off], atol=1e-6)
    assert np.allclose(np.linalg.norm(vectors @ lattice, axis=-1)[off], expected[off], atol=1e-6)


def test_an_orthogonal_cell_needs_only_the_home_cell() -> None:
    assert len(Periodic.of(np.diag([3.0, 4.0, 5.0])).images) == 1
