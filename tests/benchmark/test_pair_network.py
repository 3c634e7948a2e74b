"""Our pair network on rows of Table 5: it knows no test structure, and goes on where it stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.contacts.matrix_labels import matrices
from alphacrystal_bench.paper_tables.pair_network import (
    PairTraining,
    epochs_for,
    predict_with_pair_network,
    train_pair_network,
)

SIZE = 12


@pytest.fixture(scope="module")
def unbroken(
    data: PreparedStructures,
    parts: tuple[np.ndarray, np.ndarray],
    tmp_path_factory: pytest.TempPathFactory,
) -> PairTraining:
    """A training of two epochs."""
    return trained(data, parts[0], tmp_path_factory.mktemp("unbroken"))


def trained(data: PreparedStructures, rows: np.ndarray, folder: Path, **changes: Any) -> PairTraining:
    settings = {"epochs": 2, "time_limit": None, "seed": 0, "threads": 1} | changes
    return train_pair_network(data, rows, folder, **settings)


class StopError(Exception):
    """Raised by a progress callback."""


def test_small_training_sets_are_passed_over_more_often() -> None:
    epochs = [epochs_for(count) for count in (1000, 2638, 4678, 9292, 10_000)]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[-1] >= 10


def test_prediction_is_a_padded_symmetric_matrix_that_sees_the_composition_only(
    data: PreparedStructures, parts: tuple[np.ndarray, np.ndarray], unbroken: PairTraining
) -> None:
    train, test = parts
    found = predict_with_pair_network(unbroken, data, train, test, SIZE)
    _, _, mask = matrices(data, test)
    assert (found == found.swapaxes(1, 2)).all()
    assert (found[~mask] == 0).all()
    assert (found[mask] > 1).all()
    # Stretched crystals of the same composition are predicted alike.
    stretched = replace(data, distances=data.distances * 1.5, volumes=data.volumes * 1.5**3)
    assert predict_with_pair_network(unbroken, stretched, train, test, SIZE) == pytest.approx(found, abs=1e-5)


def test_stopped_training_ends_where_an_unbroken_one_does(
    data: PreparedStructures,
    parts: tuple[np.ndarray, np.ndarray],
    unbroken: PairTraining,
    tmp_path: Path,
) -> None:
    train, test = parts

    def stop(step: int, total: int, loss: float) -> None:
        if 2 * step > total:
            raise StopError

    with pytest.raises(StopError):
        trained(data, train, tmp_path, on_step=stop)
    found = [
        predict_with_pair_network(training, data, train, test, SIZE)
        for training in (trained(data, train, tmp_path), unbroken)
    ]
    assert (found[0] == found[1]).all()


def test_time_limit_plans_fewer_epochs_and_keeps_the_plan(
    data: PreparedStructures, parts: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    train, _ = parts
    short = trained(data, train, tmp_path, epochs=1000, time_limit=0.01)
    assert 1 <= short.notes["epochs"] < 1000
    again = trained(data, train, tmp_path, epochs=1000, time_limit=0.01)
    assert again.notes == short.notes


def test_some_training_structures_choose_the_epoch(unbroken: PairTraining) -> None:
    assert unbroken.notes["early_stopping_split"] == 1
    assert unbroken.notes["epochs"] == 2
    assert unbroken.notes["parameters"] > 10_000
