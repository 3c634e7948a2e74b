"""Training of the paper's network: learning, exact continuation, and stopping criteria."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from alphacrystal.errors import InputError
from alphacrystal.learn.contacts.matrix_labels import Matrices
from alphacrystal.learn.contacts.paper_network import PaperNetConfig
from alphacrystal_bench.paper_network.losses import Loss
from alphacrystal_bench.paper_network.metrics import matrix_metrics
from alphacrystal_bench.paper_network.prediction import predict_matrices
from alphacrystal_bench.paper_network.training import PaperTrainSettings, train_paper_net

CONFIG = PaperNetConfig(
    width=1 / 32, sequence_width=1 / 4, classes=10, maximum=None, blocks=3, doubled_every=1
)
SETTINGS = PaperTrainSettings(epochs=3, batch=16)


class StoppedError(Exception):
    """Stands for Ctrl-C."""


def weights(net: torch.nn.Module) -> torch.Tensor:
    return torch.cat([value.double().flatten() for value in net.state_dict().values()])


def without_times(log: tuple[dict[str, float], ...]) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in log]


@pytest.mark.parametrize("loss", ["binary", "categorical"])
def test_it_learns_distances_that_follow_from_the_elements(
    loss: Loss, cells: Matrices, other_cells: Matrices
) -> None:
    settings = replace(SETTINGS, epochs=25, loss=loss, learning_rate=3e-3)
    training = train_paper_net(cells, other_cells, CONFIG, settings)
    assert training.stopped == "epochs"
    assert training.epoch == len(training.log) == 25
    assert training.net.config.maximum == cells.distances.max()
    assert training.log[-1]["train_loss"] < 0.5 * training.log[0]["train_loss"]
    found = matrix_metrics(
        predict_matrices(training.net, other_cells.numbers), other_cells.distances, other_cells.mask
    )
    constant = np.full_like(other_cells.distances, np.median(cells.distances[cells.mask]))
    assert found.rmse < 0.5 * matrix_metrics(constant, other_cells.distances, other_cells.mask).rmse


def test_same_seed_same_network(cells: Matrices, other_cells: Matrices) -> None:
    one, other = (train_paper_net(cells, other_cells, CONFIG, replace(SETTINGS, epochs=1)) for _ in range(2))
    assert torch.equal(weights(one.net), weights(other.net))
    third = train_paper_net(cells, other_cells, CONFIG, replace(SETTINGS, epochs=1, seed=1))
    assert not torch.equal(weights(one.net), weights(third.net))


def test_an_interrupted_run_ends_where_an_unbroken_one_does(
    cells: Matrices, other_cells: Matrices, tmp_path: Path
) -> None:
    whole = train_paper_net(cells, other_cells, CONFIG, SETTINGS, tmp_path / "whole")

    def stop(step: int, total: int, loss: float) -> None:
        assert total == 9
        if step == 5:  # in the middle of the second epoch
            raise StoppedError

    folder = tmp_path / "parts"
    with pytest.raises(StoppedError):
        train_paper_net(cells, other_cells, CONFIG, SETTINGS, folder, on_step=stop)
    steps: list[int] = []
    resumed = train_paper_net(
        cells, other_cells, CONFIG, SETTINGS, folder, resume=True, on_step=lambda step, *_: steps.append(step)
    )
    assert steps == [4, 5, 6, 7, 8, 9]
    assert torch.equal(weights(resumed.net), weights(whole.net))
    assert without_times(resumed.log) == without_times(whole.log)
    with (folder / "log.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["val_loss"]) for row in rows] == [row["val_loss"] for row in whole.log]
    assert list(rows[0]) == ["epoch", "train_loss", "val_loss", "seconds"]


def test_a_finished_run_is_loaded_and_can_go_on(
    cells: Matrices, other_cells: Matrices, tmp_path: Path
) -> None:
    short = train_paper_net(cells, other_cells, CONFIG, replace(SETTINGS, epochs=2), tmp_path)
    again = train_paper_net(
        cells, other_cells, CONFIG, replace(SETTINGS, epochs=2), tmp_path, resume=True, on_step=pytest.fail
    )
    assert torch.equal(weights(again.net), weights(short.net))
    longer = train_paper_net(cells, other_cells, CONFIG, SETTINGS, tmp_path, resume=True)
    assert torch.equal(
        weights(longer.net), weights(train_paper_net(cells, other_cells, CONFIG, SETTINGS).net)
    )


def test_patience_keeps_the_weights_of_the_lowest_validation_loss(
    cells: Matrices, other_cells: Matrices, tmp_path: Path
) -> None:
    # Validating on distances that the training contradicts: the loss rises sooner or later.
    wrong = other_cells._replace(distances=np.where(other_cells.mask, 11.0 - other_cells.distances, 0.0))
    settings = replace(SETTINGS, epochs=40, patience=2, learning_rate=3e-3)
    training = train_paper_net(cells, wrong, CONFIG, settings, tmp_path)
    losses = [row["val_loss"] for row in training.log]
    assert training.stopped == "patience"
    assert len(losses) == training.epoch + 2 < 40
    assert losses[training.epoch - 1] == min(losses)
    until = replace(SETTINGS, epochs=training.epoch, learning_rate=3e-3)
    assert torch.equal(weights(training.net), weights(train_paper_net(cells, wrong, CONFIG, until).net))
    resumed = train_paper_net(cells, wrong, CONFIG, settings, tmp_path, resume=True)
    assert (resumed.stopped, resumed.epoch) == ("patience", training.epoch)
    assert torch.equal(weights(resumed.net), weights(training.net))


def test_a_time_limit_ends_the_run_after_a_whole_epoch(cells: Matrices, other_cells: Matrices) -> None:
    training = train_paper_net(cells, other_cells, CONFIG, replace(SETTINGS, minutes=1e-9))
    assert (training.stopped, training.epoch) == ("time", 1)


def test_other_settings_or_data_are_refused(cells: Matrices, other_cells: Matrices, tmp_path: Path) -> None:
    settings = replace(SETTINGS, epochs=1)
    with pytest.raises(InputError, match="no checkpoint"):
        train_paper_net(cells, other_cells, CONFIG, settings, tmp_path, resume=True)
    train_paper_net(cells, other_cells, CONFIG, settings, tmp_path)
    with pytest.raises(InputError, match="already holds a training run"):
        train_paper_net(cells, other_cells, CONFIG, settings, tmp_path)
    with pytest.raises(InputError, match=r"other settings \(batch 16\)"):
        train_paper_net(cells, other_cells, CONFIG, replace(settings, batch=8), tmp_path, resume=True)
    with pytest.raises(InputError, match=r"other settings \(classes 10\)"):
        train_paper_net(cells, other_cells, replace(CONFIG, classes=5), settings, tmp_path, resume=True)
    with pytest.raises(InputError, match="from other data"):
        train_paper_net(cells, cells, CONFIG, settings, tmp_path, resume=True)
    (tmp_path / "checkpoint.pt").write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(InputError, match="damaged"):
        train_paper_net(cells, other_cells, CONFIG, settings, tmp_path, resume=True)


def test_cells_of_single_atoms_are_bad_input(cells: Matrices) -> None:
    alone = Matrices(*(part[:0] for part in cells))
    with pytest.raises(InputError, match="at least two atoms"):
        train_paper_net(alone, cells, CONFIG, SETTINGS)
