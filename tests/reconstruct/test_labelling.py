"""Exchanging the names of two atoms: the foreseen change of the cost is the real one."""

from dataclasses import replace

import numpy as np
import pytest

from alphacrystal.reconstruct._labelling import _cost_changes, _exchanged, exchange_labels
from alphacrystal.reconstruct._partial import PartialCrystals, Target, measure
from alphacrystal.reconstruct._periodic import Periodic

CLASSES = np.array([0, 0, 0, 0, 0, 1, 1])
INTERCHANGEABLE = (CLASSES[:, None] == CLASSES) & ~np.eye(7, dtype=bool)
PLACED = np.array([[1, 1, 1, 1, 0, 0, 1], [1] * 7, [1, 0, 0, 1, 1, 0, 0]], dtype=bool)


def symmetric(rng: np.random.Generator, low: float) -> np.ndarray:
    upper = np.triu(low + 3 * rng.random((7, 7)), 1)
    return upper + upper.T


@pytest.fixture
def crystals() -> tuple[PartialCrystals, Target]:
    rng = np.random.default_rng(0)
    periodic = Periodic.of(6 * np.eye(3))
    target = Target(
        symmetric(rng, 2), symmetric(rng, 0.5), periodic, np.eye(3), np.zeros(6), np.zeros(6), 0.0
    )
    empty = PartialCrystals.join([PartialCrystals.empty(7)] * 3)
    return replace(empty, constant=rng.random((3, 7, 3)), placed=PLACED), target


def test_the_foreseen_change_of_the_cost_is_the_real_one(crystals: tuple[PartialCrystals, Target]) -> None:
    partials, target = crystals
    before, foreseen = measure(partials, target), _cost_changes(partials, target, INTERCHANGEABLE)
    for row, first, second in np.argwhere(INTERCHANGEABLE[None] & (PLACED[:, :, None] | PLACED[:, None])):
        other = _exchanged(partials, np.array([row]), np.array([first]), np.array([second]))
        assert measure(other, target)[row] - before[row] == pytest.approx(foreseen[row, first, second])


def test_renaming_never_raises_the_cost(crystals: tuple[PartialCrystals, Target]) -> None:
    partials, target = crystals
    partials = replace(partials, cost=measure(partials, target))
    after = exchange_labels(partials, target, CLASSES, 3, strain=False)
    assert np.sort(after.cost).sum() <= partials.cost.sum()
