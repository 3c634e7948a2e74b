"""Errors and overlap of distance matrices."""

import numpy as np
import pytest

from alphacrystal.learn.contacts.matrix_labels import Matrices
from alphacrystal_bench.paper_network.metrics import matrix_metrics


def symmetric(*pairs: float) -> np.ndarray:  # type: ignore[type-arg]
    """Matrix of three atoms from its distances 0-1, 0-2, 1-2."""
    first, second, third = pairs
    return np.array([[0, first, second], [first, 0, third], [second, third, 0]])


MASK = ~np.eye(3, dtype=bool)


def test_errors_are_means_over_structures_and_not_over_pairs() -> None:
    small = np.zeros((3, 3), dtype=bool)
    small[0, 1] = small[1, 0] = True
    true = np.array([symmetric(3, 4, 5), symmetric(3, 0, 0)])
    predicted = true + np.array([symmetric(1, 1, 1), symmetric(4, 0, 0)])
    found = matrix_metrics(predicted, true, np.array([MASK, small]))
    assert found.per_sample_rmse == pytest.approx([1, 4])
    assert found.rmse == pytest.approx(2.5)
    assert found.mse == pytest.approx((1 + 16) / 2)


def test_diagonal_and_padding_do_not_count(cells: Matrices) -> None:
    anything = np.where(cells.mask, cells.distances, 99.0)
    found = matrix_metrics(anything, cells.distances, cells.mask)
    assert (found.mse, found.rmse) == (0, 0)
    assert (found.overlap, found.precision, found.f1) == (1, 1, 1)


def test_overlap_is_the_share_of_true_short_pairs() -> None:
    true = symmetric(3, 7, 9)[None]
    found = matrix_metrics(symmetric(4, 8.5, 7.5)[None], true, MASK[None])
    assert (found.overlap, found.precision, found.f1) == (0.5, 0.5, 0.5)


def test_a_short_answer_always_overlaps_fully() -> None:
    true = symmetric(3, 7, 9)[None]
    found = matrix_metrics(np.full((1, 3, 3), 3.5), true, MASK[None])
    assert found.overlap == 1
    assert found.precision == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(0.8)


def test_structures_without_short_pairs_do_not_count_in_the_overlap() -> None:
    true = np.array([symmetric(9, 9, 9), symmetric(3, 9, 9)])
    found = matrix_metrics(true, true, np.array([MASK, MASK]))
    assert (found.overlap, found.precision, found.f1) == (1, 1, 1)
    nothing = matrix_metrics(true[:1], true[:1], MASK[None])
    assert (nothing.overlap, nothing.precision, nothing.f1) == (0, 0, 0)


def test_rmse_is_never_above_the_root_of_mse(cells: Matrices) -> None:
    predicted = cells.distances + np.random.default_rng(0).normal(0, 1, cells.distances.shape)
    found = matrix_metrics(predicted, cells.distances, cells.mask)
    assert found.rmse <= np.sqrt(found.mse)
