"""Training of the paper's network: Adam at a constant rate, a log of both losses, checkpoint and resume.

The loop of `alphacrystal.learn.training` would give other weights: it warms the rate up and decays it to
zero, uses AdamW with weight decay, clips gradients, and keeps running means of the weights. The paper trains
with plain Adam and, without ``patience``, keeps the last weights. Both share the log and checkpoints.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from alphacrystal.errors import InputError
from alphacrystal.learn.contacts.matrix_labels import Matrices
from alphacrystal.learn.contacts.paper_network import PaperNet, PaperNetConfig
from alphacrystal.learn.training.loop import check_folder, save_checkpoint, write_log
from alphacrystal.learn.weight_files import not_finite
from alphacrystal.typing import TrainingProgress
from alphacrystal_bench.paper_network.losses import Loss, matrix_loss
from alphacrystal_bench.paper_network.prediction import PREDICT_BATCH, class_labels

Stopped = Literal["epochs", "patience", "time"]


@dataclass(frozen=True, slots=True)
class PaperTrainSettings:
    """How to train; the defaults are those of the paper if it states them.

    Attributes:
        epochs: Passes over the training structures.
        learning_rate: Adam's, constant.
        batch: Structures in a batch; not in the paper.
        loss: "binary" (the paper's) or "categorical".
        masked: Leave the diagonal and the padding out of the loss.
        patience: Stop after so many epochs without a lower validation loss and keep the weights of the
            lowest. None: train to the end and keep the last weights, as the paper seems to do.
        minutes: Begin no epoch that would probably end later; the first is always trained. None: no limit.
        seed: Of weights and batches.
        threads: torch threads.
    """

    epochs: int = 125
    learning_rate: float = 1e-3
    batch: int = 32
    loss: Loss = "binary"
    masked: bool = True
    patience: int | None = None
    minutes: float | None = None
    seed: int = 0
    threads: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class PaperTraining:
    """The result of a training run.

    Attributes:
        net: The trained network, in evaluation mode; its config holds the maximum as a number.
        log: Per epoch "epoch", "train_loss", "val_loss" (mean over structures as the network was then) and
            "seconds".
        epoch: Whose weights ``net`` has, from 1.
        stopped: Why the run ended.
    """

    net: PaperNet
    log: tuple[dict[str, Any], ...]
    epoch: int
    stopped: Stopped


def train_paper_net(
    train: Matrices,
    validation: Matrices,
    config: PaperNetConfig,
    settings: PaperTrainSettings,
    folder: Path | None = None,
    *,
    resume: bool = False,
    on_step: TrainingProgress | None = None,
) -> PaperTraining:
    """Train the paper's network.

    With a folder, ``checkpoint.pt`` and ``log.csv`` there are replaced after every epoch; a stopped run
    continues with ``resume=True`` and gives the result of an uninterrupted one. A finished run is loaded.

    Args:
        train: Structures to train on, from ``matrices``.
        validation: Structures whose loss is logged. Where ``patience`` is set they choose the weights, so
            they should not be the ones that are tested on.
        config: The network.
        settings: How to train.
        folder: For checkpoint and log, or None.
        resume: Continue from the checkpoint.
        on_step: Called with (step, steps in total, running loss).

    Raises:
        InputError: There is nothing to train or validate on; ``resume`` is set without a checkpoint, a
            checkpoint exists without ``resume``, or the checkpoint is damaged or of another run.
    """
    if not train.mask.any() or not validation.mask.any():
        raise InputError("Training needs structures of at least two atoms, to train and to validate on.")
    torch.set_num_threads(settings.threads)
    config = replace(config, maximum=config.maximum or float(train.distances.max()))
    run = _Run(train, validation, config, settings)
    if folder is not None:
        check_folder(folder, resume=resume)
        folder.mkdir(parents=True, exist_ok=True)
        if resume:
            run.load(folder / "checkpoint.pt")
    while (stopped := run.ended()) is None:
        run.epoch(on_step)
        if folder is not None:
            write_log(folder / "log.csv", run.log)
            save_checkpoint(run.state(), folder / "checkpoint.pt")
    return run.result(stopped)


class _Run:
    """A training run between two epochs."""

    def __init__(
        self, train: Matrices, validation: Matrices, config: PaperNetConfig, settings: PaperTrainSettings
    ) -> None:
        self.settings = settings
        self.data = _digest(train, validation)
        self.train, self.validation = _Tensors.of(train, config), _Tensors.of(validation, config)
        torch.manual_seed(settings.seed)
        self.net = PaperNet(config)
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=settings.learning_rate, fused=True)
        self.log: list[dict[str, Any]] = []
        self.best: dict[str, Tensor] | None = None  # only kept with patience
        self.best_epoch = 0

    def ended(self) -> Stopped | None:
        """The reason to stop before the next epoch, or None."""
        done, settings = len(self.log), self.settings
        if done >= settings.epochs:
            return "epochs"
        if settings.patience is not None and done - self.best_epoch >= settings.patience > 0 < done:
            return "patience"
        seconds = sum(row["seconds"] for row in self.log)
        if settings.minutes is not None and done and seconds * (1 + 1 / done) > 60 * settings.minutes:
            return "time"
        return None

    def epoch(self, on_step: TrainingProgress | None) -> None:
        """Train one epoch and validate."""
        begin, done = time.monotonic(), len(self.log)
        order = np.random.default_rng([self.settings.seed, done]).permutation(len(self.train))
        batches = [order[i : i + self.settings.batch] for i in range(0, len(order), self.settings.batch)]
        self.net.train()
        losses: list[float] = []
        for batch in batches:
            loss = self._loss(self.train, torch.as_tensor(batch))
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            losses.append(loss.item())
            if on_step:
                steps = self.settings.epochs * len(batches)
                on_step(done * len(batches) + len(losses), steps, float(np.mean(losses[-50:])))
        self.log.append(
            {
                "epoch": done + 1,
                "train_loss": round(float(np.average(losses, weights=[len(batch) for batch in batches])), 6),
                "val_loss": round(self._validation_loss(), 6),
                "seconds": round(time.monotonic() - begin, 2),
            }
        )
        lowest = min(row["val_loss"] for row in self.log[:-1]) if done else np.inf
        if self.log[-1]["val_loss"] < lowest:
            self.best_epoch = done + 1
            if self.settings.patience is not None:
                self.best = {name: value.clone() for name, value in self.net.state_dict().items()}

    def _loss(self, data: _Tensors, rows: Tensor) -> Tensor:
        return matrix_loss(
            self.net(data.numbers[rows]),
            data.labels[rows],
            data.mask[rows],
            self.settings.loss,
            masked=self.settings.masked,
        )

    def _validation_loss(self) -> float:
        self.net.eval()
        parts = torch.arange(len(self.validation)).split(PREDICT_BATCH)
        with torch.no_grad():
            losses = [float(self._loss(self.validation, rows)) for rows in parts]
        return float(np.average(losses, weights=[len(rows) for rows in parts]))

    def state(self) -> dict[str, Any]:
        """The content of a checkpoint."""
        return {
            "settings": self._all_settings(),
            "data": self.data,
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "log": self.log,
            "best": self.best,
            "best_epoch": self.best_epoch,
        }

    def _all_settings(self) -> dict[str, Any]:
        return asdict(self.net.config) | asdict(self.settings)

    def load(self, path: Path) -> None:
        """Continue from a checkpoint of the same run.

        The end of the run (``epochs``, ``minutes``) may differ: a longer run continues a shorter one.

        Raises:
            InputError: It is damaged, or of another run.
        """
        try:
            state: dict[str, Any] = torch.load(path, weights_only=True)
            stored, data = dict(state["settings"]), state["data"]
        except (OSError, EOFError, RuntimeError, KeyError, TypeError, ValueError, UnpicklingError) as error:
            raise InputError(f"The checkpoint {path} is damaged: remove it and train again.") from error
        may_differ = {"epochs", "minutes", "threads"}
        different = [
            f"{name} {stored.get(name)}"
            for name, value in self._all_settings().items()
            if name not in may_differ and stored.get(name) != value
        ]
        if different or data != self.data:
            made = f"with other settings ({', '.join(different)})" if different else "from other data"
            raise InputError(
                f"The checkpoint in {path.parent} was made {made}: resume with the same, or give another "
                "--out."
            )
        if name := not_finite(state["net"]) or not_finite(state["best"] or {}):
            raise InputError(
                f"The checkpoint {path} is damaged: {name} contains NaN or infinity. Remove it and train "
                "again."
            )
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.log, self.best, self.best_epoch = state["log"], state["best"], state["best_epoch"]

    def result(self, stopped: Stopped) -> PaperTraining:
        """The network with the weights that are kept."""
        epoch = len(self.log)
        if self.best is not None:
            self.net.load_state_dict(self.best)
            epoch = self.best_epoch
        self.net.eval()
        return PaperTraining(self.net, tuple(self.log), epoch, stopped)


@dataclass(frozen=True, slots=True, eq=False)
class _Tensors:
    """Inputs of the loss: atomic numbers, classes and mask of the pairs."""

    numbers: Tensor
    labels: Tensor
    mask: Tensor

    @classmethod
    def of(cls, cells: Matrices, config: PaperNetConfig) -> _Tensors:
        assert config.maximum is not None
        labels = class_labels(cells.distances, config.classes, config.maximum)
        return cls(torch.as_tensor(cells.numbers), torch.as_tensor(labels), torch.as_tensor(cells.mask))

    def __len__(self) -> int:
        return len(self.numbers)


def _digest(*parts: Matrices) -> str:
    """Hash of the training data."""
    digest = hashlib.sha256()
    for cells in parts:
        for array in (cells.numbers, cells.distances):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
