"""The contact map network: one probability for each pair, and what it is trained and measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from alphacrystal.crystal import contact_limits
from alphacrystal.data import PreparedStructures
from alphacrystal.learn import ContactNet, contact_probabilities, load_model, models_folder
from alphacrystal.learn.training import ContactNetConfig, ContactTask, TrainSettings, train

ROCK_SALT = np.array([11, 11, 17, 17])


def test_the_map_has_one_probability_for_each_pair() -> None:
    net = ContactNet(ContactNetConfig())
    assert net(torch.zeros(2, 12, dtype=torch.int64)).shape == (2, 66)
    found = contact_probabilities(load_shipped(), ROCK_SALT)
    assert found.shape == (4, 4)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(np.diag(found), 0)
    assert ((found >= 0) & (found <= 1)).all()


def load_shipped() -> ContactNet:
    net = load_model("contact", models_folder())
    assert isinstance(net, ContactNet)
    return net


def test_it_knows_that_cations_touch_anions() -> None:
    found = contact_probabilities(load_shipped(), np.array([11, 17]))
    assert found[0, 1] > 0.5
    apart = contact_probabilities(load_shipped(), np.array([38, 22, 8, 8, 8]))
    assert apart[1, 2:].min() > 0.5  # Ti-O
    assert apart[2:, 2:].max() < 0.5  # O-O


def test_limits_are_sums_of_radii() -> None:
    limits = contact_limits(np.array([11, 17]))
    assert limits[0, 1] == pytest.approx(1.25 * (1.66 + 1.02))
    np.testing.assert_array_equal(limits, limits.T)


def test_contacts_and_control_are_those_of_the_records(prepared: PreparedStructures) -> None:
    data = prepared
    task = ContactTask(data)
    for index in task.train[:5]:
        place = task.cell_of[index]
        numbers = data.numbers[data.atoms(index)]
        own = data.matrix(index) <= contact_limits(numbers)
        lower = np.tril_indices(12, -1)
        inside = (lower[0] < len(numbers)) & (lower[1] < len(numbers))
        np.testing.assert_array_equal(task.mask[place].numpy(), inside)
        expected = own[lower[0][inside], lower[1][inside]]
        np.testing.assert_array_equal(task.contacts[place].numpy()[inside], expected)
    with torch.no_grad():
        metrics = task.validate(task.model.eval())
    assert {"val_loss", "contact_f1", "contact_f1_pair_table"} <= set(metrics)
    assert all(0 <= value <= 1 for key, value in metrics.items() if key != "val_loss")


def test_the_averaged_network_has_running_means_too(prepared: PreparedStructures, tmp_path: Path) -> None:
    task = ContactTask(prepared)
    train(task, TrainSettings(epochs=2, learning_rate=1e-3), tmp_path / "out")
    norms = [value for name, value in task.model.named_buffers() if name.endswith("running_mean")]
    assert norms
    assert all(bool((value != 0).any()) for value in norms)
