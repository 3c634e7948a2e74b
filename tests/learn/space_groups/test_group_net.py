"""Space groups straight from the composition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.model_inputs import composition_arrays
from alphacrystal.learn.space_groups import SpaceGroupNet, SpaceGroupNetConfig, composition_statistics
from alphacrystal.learn.training import SpaceGroupTask

COMPOUNDS = [(["Sr", "Ti", "O"], [1, 1, 3]), (["Al", "O"], [2, 3]), (["Cu"], [1])]


def statistics(compounds: list[tuple[list[str], list[int]]]) -> np.ndarray:
    elements, counts = zip(*compounds, strict=True)
    return composition_statistics(*composition_arrays(elements, counts))


def test_the_order_of_the_elements_does_not_matter() -> None:
    turned = [(elements[::-1], counts[::-1]) for elements, counts in COMPOUNDS]
    assert statistics(turned) == pytest.approx(statistics(COMPOUNDS), abs=1e-6)


def test_statistics_tell_fractions_and_elements_apart() -> None:
    known = statistics([*COMPOUNDS, (["Al", "O"], [1, 1]), (["Ga", "O"], [2, 3])])
    assert np.isfinite(known).all()
    distances = np.abs(known[:, None] - known[None]).max(-1)
    assert (distances[~np.eye(len(known), dtype=bool)] > 0.05).all()


def test_probabilities_are_of_the_230_groups() -> None:
    net = SpaceGroupNet(SpaceGroupNetConfig(width=8)).eval()
    found = net(torch.as_tensor(statistics(COMPOUNDS)), torch.ones(3)).exp()
    assert found.shape == (3, 231)
    assert found[:, 0].tolist() == [0, 0, 0]
    assert found.sum(1).detach().numpy() == pytest.approx(np.ones(3), abs=1e-5)


def test_training_learns_the_groups_it_is_shown(prepared: PreparedStructures) -> None:
    task = SpaceGroupTask(prepared, SpaceGroupNetConfig(width=32, dropout=0.0))
    optimiser = torch.optim.Adam(task.model.parameters(), lr=0.01)
    rng = np.random.default_rng(0)
    first = task.loss(task.train, rng).item()
    for _ in range(60):
        loss = task.loss(task.train, rng)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.5 * first
    metrics = task.validate(task.model.eval())
    assert 0 <= metrics["group_top1"] <= metrics["group_top5"] <= 1
