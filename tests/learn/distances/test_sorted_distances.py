"""Distances between atoms without numbers: exchanging equal atoms changes nothing."""

import numpy as np
import pytest
import torch

from alphacrystal.learn.distances.sorted_distances import (
    geometric_median,
    length_order,
    median_distances,
    sorted_rmse,
)
from alphacrystal.learn.distances.training import rank_matched

NUMBERS = np.array([8, 8, 8, 26, 26, 12])
PAIRS = np.triu_indices(len(NUMBERS), 1)


def matrix(rng: np.random.Generator) -> np.ndarray:
    points = rng.random((len(NUMBERS), 3)) * 6
    return np.linalg.norm(points[:, None] - points, axis=-1)


def test_exchanging_equal_atoms_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        own, other = matrix(rng), matrix(rng)
        order = np.concatenate([rng.permutation(3), 3 + rng.permutation(2), [5]])
        moved = own[np.ix_(order, order)]
        assert sorted_rmse(NUMBERS, own[PAIRS], moved[PAIRS]) == pytest.approx(0, abs=1e-12)
        assert sorted_rmse(NUMBERS, own[PAIRS], other[PAIRS]) == pytest.approx(
            sorted_rmse(NUMBERS, moved[PAIRS], other[PAIRS])
        )


def test_it_is_never_more_than_the_error_in_order() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        own, other = matrix(rng)[PAIRS], matrix(rng)[PAIRS]
        assert sorted_rmse(NUMBERS, own, other) <= np.sqrt(np.mean((own - other) ** 2)) + 1e-12


def test_one_distance_for_each_pair_of_elements_gains_nothing() -> None:
    true = matrix(np.random.default_rng(2))[PAIRS]
    left, right = NUMBERS[PAIRS[0]], NUMBERS[PAIRS[1]]
    lookup = (left + right).astype(float) / 10
    assert sorted_rmse(NUMBERS, lookup, true) == pytest.approx(np.sqrt(np.mean((lookup - true) ** 2)))


def test_different_elements_are_kept_apart() -> None:
    own = np.arange(float(len(PAIRS[0])))
    order = length_order(NUMBERS, own)
    kinds = np.sort(np.stack([NUMBERS[PAIRS[0]], NUMBERS[PAIRS[1]]]), axis=0)[:, order]
    changes = (np.diff(kinds, axis=1) != 0).any(0).sum()
    assert changes == len({*zip(*kinds.tolist(), strict=True)}) - 1
    assert length_order(NUMBERS, np.stack([own, own[::-1]])).shape == (2, len(own))


def test_the_answer_to_one_possibility_is_that() -> None:
    only = matrix(np.random.default_rng(3))[PAIRS]
    assert median_distances(NUMBERS, only[None], np.ones(1)) == pytest.approx(only)


def test_other_numbers_for_equal_atoms_do_not_blur_the_answer() -> None:
    rng = np.random.default_rng(4)
    own = matrix(rng)
    orders = [[0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 3, 5], [2, 1, 0, 3, 4, 5]]
    possible = np.stack([own[np.ix_(order, order)][PAIRS] for order in orders])
    shares = np.full(3, 1 / 3)
    answer = median_distances(NUMBERS, possible, shares)
    assert sorted_rmse(NUMBERS, answer, own[PAIRS]) == pytest.approx(0, abs=1e-6)
    assert sorted_rmse(NUMBERS, geometric_median(possible, shares), own[PAIRS]) > 0.01


def test_it_is_the_error_that_the_loss_sees() -> None:
    rng = np.random.default_rng(5)
    own, other = matrix(rng)[PAIRS], matrix(rng)[PAIRS]
    blocks = np.unique(
        np.sort(np.stack([NUMBERS[PAIRS[0]], NUMBERS[PAIRS[1]]]), 0), axis=1, return_inverse=True
    )[1]
    moved = rank_matched(
        torch.as_tensor(own)[None], torch.as_tensor(other)[None], torch.as_tensor(blocks.reshape(1, -1))
    )[0].numpy()
    assert sorted_rmse(NUMBERS, own, other) == pytest.approx(np.sqrt(np.mean((own - moved) ** 2)))
