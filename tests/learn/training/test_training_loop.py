"""The training loop: interrupted runs end where unbroken ones do, and the best epoch is kept."""

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from alphacrystal.data import PreparedStructures
from alphacrystal.errors import InputError
from alphacrystal.learn.distances.network import DistanceNetConfig
from alphacrystal.learn.lattice.network import LatticeNetConfig
from alphacrystal.learn.space_groups import SpaceGroupNetConfig
from alphacrystal.learn.symmetry.network import SymmetryNetConfig
from alphacrystal.learn.training import DistanceTask, LatticeTask, SpaceGroupTask, SymmetryTask, TrainSettings
from alphacrystal.learn.training.loop import TrainingTask, train
from alphacrystal.typing import IntArray

SETTINGS = TrainSettings(epochs=4, learning_rate=3e-3)


class StoppedError(Exception):
    """Stands for Ctrl-C."""


class LineFit:
    """Straight line through noisy points; its validation loss can rise on request at the end."""

    def __init__(self, rising_from: int = 1000) -> None:
        torch.manual_seed(0)
        self.model: nn.Module = nn.Linear(1, 1)
        self.x = torch.linspace(-1, 1, 32)[:, None]
        self.y = 2 * self.x + 0.5
        self.rising_from = rising_from
        self.seen: list[dict[str, Tensor]] = []

    def batches(self, rng: np.random.Generator) -> Sequence[IntArray]:
        return list(rng.permutation(32).reshape(4, 8))

    def loss(self, batch: IntArray, rng: np.random.Generator) -> Tensor:
        noise = torch.as_tensor(rng.normal(0, 0.01, (len(batch), 1)), dtype=torch.float32)
        return ((self.model(self.x[batch]) - self.y[batch] + noise) ** 2).mean()

    def validate(self, model: nn.Module) -> dict[str, float]:
        self.seen.append({name: value.clone() for name, value in model.state_dict().items()})
        loss = ((model(self.x) - self.y) ** 2).mean().item()
        return {"val_loss": loss + 10 * max(0, len(self.seen) - self.rising_from)}


def small_task(name: str, data: PreparedStructures) -> TrainingTask:
    if name == "symmetry":
        return SymmetryTask(data, SymmetryNetConfig(width=16, layers=1, heads=2, site_width=8))
    if name == "group":
        return SpaceGroupTask(data, SpaceGroupNetConfig(width=16))
    if name == "lattice":
        return LatticeTask(
            data, LatticeNetConfig(width=16, slot_width=8, element_width=4, layers=1, features=6)
        )
    return DistanceTask(data, DistanceNetConfig(width=16, pair_width=8, layers=1, heads=2))


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open(newline="", encoding="utf-8") as stream:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(stream)]


def stop_after(steps: int) -> Callable[[int, int, float], None]:
    def on_step(step: int, total: int, loss: float) -> None:
        if step >= steps:
            raise StoppedError

    return on_step


@pytest.mark.parametrize("name", ["symmetry", "group", "lattice", "distance"])
def test_a_resumed_run_ends_exactly_where_an_unbroken_one_does(
    name: str, prepared: PreparedStructures, tmp_path: Path
) -> None:
    settings = replace(SETTINGS, epochs=3)
    unbroken = small_task(name, prepared)
    best = train(unbroken, settings, tmp_path / "unbroken")

    steps = len(unbroken.batches(np.random.default_rng([0, 0])))
    with pytest.raises(StoppedError):  # in the middle of the third epoch
        train(small_task(name, prepared), settings, tmp_path / "broken", on_step=stop_after(2 * steps + 1))
    assert 1 <= len(rows(tmp_path / "broken")) <= 3
    resumed = small_task(name, prepared)
    best_resumed = train(resumed, settings, tmp_path / "broken", resume=True)

    assert {**best, "seconds": 0} == {**best_resumed, "seconds": 0}
    assert rows(tmp_path / "unbroken") == rows(tmp_path / "broken")
    for key, value in unbroken.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[key]), key


def test_a_finished_run_resumes_to_the_same_weights(tmp_path: Path) -> None:
    first, again = LineFit(), LineFit()
    best = train(first, SETTINGS, tmp_path)
    assert train(again, SETTINGS, tmp_path, resume=True) == best
    assert again.seen == []
    assert torch.equal(first.model.weight, again.model.weight)  # type: ignore[arg-type]


def test_the_log_has_a_row_per_epoch(tmp_path: Path) -> None:
    calls: list[tuple[int, int, float]] = []
    train(LineFit(), SETTINGS, tmp_path, on_step=lambda *step: calls.append(step))
    with (tmp_path / "log.csv").open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        assert reader.fieldnames == ["epoch", "train_loss", "val_loss", "seconds"]
        table = list(reader)
    assert [row["epoch"] for row in table] == ["1", "2", "3", "4"]
    assert all(math.isfinite(float(value)) for row in table for value in row.values())
    assert [step for step, _, _ in calls] == list(range(1, 17))
    assert {total for _, total, _ in calls} == {16}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.pt", "log.csv"]


def test_the_best_epoch_is_kept_not_the_last(tmp_path: Path) -> None:
    task = LineFit(rising_from=2)
    best = train(task, SETTINGS, tmp_path)
    assert best["epoch"] == 2
    assert len(task.seen) == 4
    for key, value in task.model.state_dict().items():
        assert torch.equal(value, task.seen[1][key])
        assert not torch.equal(value, task.seen[3][key])


def test_averaged_weights_lag_behind_the_trained_ones(tmp_path: Path) -> None:
    task = LineFit()
    trained: list[float] = []
    train(
        task,
        replace(SETTINGS, epochs=2, average=0.5),
        tmp_path,
        on_step=lambda *_: trained.append(task.model.weight.item()),  # type: ignore[operator,union-attr]
    )
    torch.manual_seed(0)
    mean = nn.Linear(1, 1).weight.item()
    for step, value in enumerate(trained, start=1):
        mean += (value - mean) * (1 - min(0.5, (1 + step) / (10 + step)))
    assert float(task.seen[-1]["weight"]) == pytest.approx(mean, rel=1e-5)
    assert float(task.seen[-1]["weight"]) != pytest.approx(trained[-1], rel=1e-5)


def test_resuming_needs_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no checkpoint in .*train without --resume"):
        train(LineFit(), SETTINGS, tmp_path / "new", resume=True)
    assert not (tmp_path / "new").exists()


def test_a_run_is_not_overwritten(tmp_path: Path) -> None:
    train(LineFit(), SETTINGS, tmp_path)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(InputError, match="already holds a training run: use --resume"):
        train(LineFit(), SETTINGS, tmp_path)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_other_settings_are_refused(tmp_path: Path) -> None:
    train(LineFit(), SETTINGS, tmp_path)
    with pytest.raises(InputError, match=r"has other settings \(epochs 4\)"):
        train(LineFit(), replace(SETTINGS, epochs=5), tmp_path, resume=True)


def test_other_data_are_refused(tmp_path: Path) -> None:
    train(LineFit(), SETTINGS, tmp_path, data_hash="one")
    with pytest.raises(InputError, match="belongs to other data"):
        train(LineFit(), SETTINGS, tmp_path, resume=True, data_hash="two")


def test_another_network_is_refused(tmp_path: Path) -> None:
    train(LineFit(), SETTINGS, tmp_path)
    other = LineFit()
    other.model = nn.Linear(2, 1)
    with pytest.raises(InputError, match="belongs to another network"):
        train(other, SETTINGS, tmp_path, resume=True)


@pytest.mark.parametrize("keep", [0, 100, -200])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, keep: int) -> None:
    train(LineFit(), SETTINGS, tmp_path)
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:keep])
    with pytest.raises(InputError, match="is damaged: remove it and train again"):
        train(LineFit(), SETTINGS, tmp_path, resume=True)


@pytest.mark.parametrize("part", ["model", "average"])
def test_checkpoint_that_is_not_finite_is_refused(tmp_path: Path, part: str) -> None:
    train(LineFit(), SETTINGS, tmp_path)
    checkpoint = tmp_path / "checkpoint.pt"
    state = torch.load(checkpoint, weights_only=True)
    state[part]["weight"][0, 0] = torch.inf
    torch.save(state, checkpoint)
    with pytest.raises(InputError, match="weight contains NaN or infinity"):
        train(LineFit(), SETTINGS, tmp_path, resume=True)


def test_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    train(LineFit(), SETTINGS, tmp_path)
    target = tmp_path / "written"

    class Attack:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (target,)

    torch.save({"settings": Attack()}, tmp_path / "checkpoint.pt")
    with pytest.raises(InputError, match="is damaged: remove it and train again"):
        train(LineFit(), SETTINGS, tmp_path, resume=True)
    assert not target.exists()
