"""Our three models together on rows of Table 5: no test structure has a say, and a stopped run goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.contacts.matrix_labels import matrices
from alphacrystal_bench.paper_tables.pair_network import PairTraining, train_pair_network
from alphacrystal_bench.paper_tables.type_models import TypeModels, predict_over_types, train_type_models

SIZE = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("types")


@pytest.fixture(scope="module")
def models(data: PreparedStructures, parts: tuple[np.ndarray, np.ndarray], folder: Path) -> TypeModels:
    return train_type_models(data, parts[0], folder, seed=0, threads=1)


@pytest.fixture(scope="module")
def pair(
    data: PreparedStructures,
    parts: tuple[np.ndarray, np.ndarray],
    tmp_path_factory: pytest.TempPathFactory,
) -> PairTraining:
    folder = tmp_path_factory.mktemp("pair")
    settings: dict[str, Any] = {"epochs": 1, "time_limit": None, "seed": 0, "threads": 1}
    return train_pair_network(data, parts[0], folder, **settings, given_types=True)


def test_prediction_is_a_padded_symmetric_matrix_that_sees_the_composition_only(
    data: PreparedStructures,
    parts: tuple[np.ndarray, np.ndarray],
    models: TypeModels,
    pair: PairTraining,
) -> None:
    train, test = parts
    found = predict_over_types(pair, pair, models, data, train, test, SIZE, conventional=True)
    _, _, mask = matrices(data, test)
    assert (found == found.swapaxes(1, 2)).all()
    assert (found[~mask] == 0).all()
    assert (found[mask] > 1).all()
    # Were the test crystals larger and of another symmetry, the answer would be the same.
    other = replace(
        data,
        distances=data.distances.copy(),
        volumes=data.volumes.copy(),
        lattices=data.lattices.copy(),
    )
    other.volumes[test] *= 1.5**3
    other.lattices[test, :3] *= 1.5
    for row in test:
        other.distances[data.pair_offsets[row] : data.pair_offsets[row + 1]] *= 1.5
    again = predict_over_types(pair, pair, models, other, train, test, SIZE, conventional=True)
    assert again == pytest.approx(found, abs=1e-4)


def test_finished_training_is_only_loaded(
    data: PreparedStructures, parts: tuple[np.ndarray, np.ndarray], models: TypeModels, folder: Path
) -> None:
    steps: list[int] = []
    again = train_type_models(
        data, parts[0], folder, seed=0, threads=1, on_step=lambda step, total, loss: steps.append(step)
    )
    assert steps == []
    assert again.notes == models.notes
    for one, other in zip((*models.symmetry, models.lattice), (*again.symmetry, again.lattice), strict=True):
        stored = other.state_dict()
        assert all(bool((value == stored[key]).all()) for key, value in one.state_dict().items())
