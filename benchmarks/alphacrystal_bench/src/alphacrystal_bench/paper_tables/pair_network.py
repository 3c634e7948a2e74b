"""Training and predictions of our pair network on the rows of Table 5."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.training import (
    COMPOSITION_ONLY_SHARE,
    DEFAULT_SETTINGS,
    DistanceTask,
    TrainSettings,
    train,
)
from alphacrystal.typing import FloatArray, IntArray, TrainingProgress
from alphacrystal_bench.harness.row_selection import select
from alphacrystal_bench.models.subsets import early_stopping_mask

# (largest number of training structures, epochs): small data sets need more epochs.
EPOCHS = ((1_500, 200), (3_500, 90), (6_500, 50))
EPOCHS_BEYOND = 30
TRIAL_BATCHES = 12  # timed to estimate how many epochs fit into a time limit
VALIDATION_COST = 1.25  # time of an epoch with validation relative to one without
PREDICT_BATCH = 128


@dataclass(frozen=True, slots=True, eq=False)
class PairTraining:
    """A trained pair network.

    Attributes:
        model: The network with the weights of its best epoch.
        notes: Number of parameters, epochs, best epoch, size of the early-stopping split.
    """

    model: Any
    notes: dict[str, float | int | str | None]


def epochs_for(structures: int) -> int:
    """Epochs for a number of training structures."""
    return next((epochs for most, epochs in EPOCHS if structures <= most), EPOCHS_BEYOND)


def train_pair_network(
    data: PreparedStructures,
    rows: IntArray,
    folder: Path,
    *,
    epochs: int | None,
    time_limit: float | None,
    seed: int,
    threads: int,
    given_types: bool = False,
    on_step: TrainingProgress | None = None,
) -> PairTraining:
    """Train on some structures, continuing from a checkpoint in ``folder`` if there is one.

    The early-stopping split, a part of the formulas of the rows, chooses the best epoch, so that no test
    structure affects it.

    Args:
        data: Prepared structures.
        rows: Training structures.
        folder: Folder of checkpoint and log.
        epochs: Epochs; by the number of rows by default.
        time_limit: Minutes; fewer epochs are planned if they would take longer on this machine.
        seed: Seed of weights, batches and the early-stopping split.
        threads: torch threads.
        given_types: Give the structure type for most samples, as for the shipped weights, so that the network
            can predict distances of a type; otherwise it is trained on compositions alone.
        on_step: Called with (step, steps in total, running loss).

    Raises:
        InputError: The checkpoint is damaged or of another training.
    """
    torch.set_num_threads(threads)
    validation = rows[early_stopping_mask(data, rows, seed)]
    chosen = select(data, rows, validation)
    share = COMPOSITION_ONLY_SHARE if given_types else 1.0
    # Its model has a narrower type than that of the TrainingTask protocol.
    task: Any = DistanceTask(chosen, seed=seed, composition_only=share)
    settings = replace(
        DEFAULT_SETTINGS["distance"], epochs=epochs or epochs_for(len(rows)), seed=seed, threads=threads
    )
    folder.mkdir(parents=True, exist_ok=True)
    if time_limit is not None:
        settings = replace(settings, epochs=_planned_epochs(task, settings, 60 * time_limit, folder))
    best = train_task(task, chosen, settings, folder, on_step)
    return PairTraining(
        task.model,
        {
            "parameters": sum(p.numel() for p in task.model.parameters()),
            "epochs": settings.epochs,
            "best_epoch": int(best["epoch"]),
            "early_stopping_split": len(validation),
        },
    )


def train_task(
    task: Any,
    data: PreparedStructures,
    settings: TrainSettings,
    folder: Path,
    on_step: TrainingProgress | None,
) -> dict[str, Any]:
    """Train a task on its data, continuing from a checkpoint in ``folder`` if there is one.

    Returns:
        The log row of the best epoch; ``task.model`` has its weights.
    """
    content = sha256(b"".join([data.ids.tobytes(), data.validation.tobytes(), data.distances.tobytes()]))
    resume = (folder / "checkpoint.pt").is_file()
    return train(task, settings, folder, resume=resume, data_hash=content.hexdigest(), on_step=on_step)


def _planned_epochs(task: Any, settings: TrainSettings, seconds: float, folder: Path) -> int:
    """The epochs of the settings, or as many as fit into the time; stored for a continued run.

    The learning rate falls to zero at the last epoch, so the number of epochs must be known at the start.
    """
    plan = folder / "epochs.txt"
    if plan.is_file():
        return int(plan.read_text(encoding="utf-8"))
    rng = np.random.default_rng(settings.seed)
    batches = task.batches(rng)
    trial = batches[:TRIAL_BATCHES]
    task.loss(trial[0], rng).backward()  # warms up
    begin = time.monotonic()
    for batch in trial:
        task.loss(batch, rng).backward()
    epoch = (time.monotonic() - begin) / len(trial) * len(batches) * VALIDATION_COST
    task.model.zero_grad(set_to_none=True)
    epochs = max(1, min(settings.epochs, int(seconds / epoch)))
    plan.write_text(f"{epochs}\n", encoding="utf-8")
    return epochs


def predict_with_pair_network(
    training: PairTraining, data: PreparedStructures, train_rows: IntArray, rows: IntArray, size: int
) -> FloatArray:
    """Expected distances given the composition alone, padded with zeros, shape (rows, size, size).

    Args:
        training: The trained network.
        data: Prepared structures.
        train_rows: Its training structures.
        rows: Structures to predict.
        size: Atoms of the padded matrices.
    """
    task = DistanceTask(select(data, train_rows, rows))  # the rows to predict are its validation split
    matrices = np.zeros((len(task.data), size, size))
    sizes = task.data.sizes
    with torch.no_grad():
        for atoms in np.unique(sizes[task.validation]).tolist():
            same_size = task.validation[sizes[task.validation] == atoms]
            left, right = np.triu_indices(atoms, 1)
            for start in range(0, len(same_size), PREDICT_BATCH):
                batch = same_size[start : start + PREDICT_BATCH]
                _, log_probabilities, _ = task.predict(training.model, batch, given=False)
                expected = training.model.expected_distances(log_probabilities).double().numpy()
                matrices[batch[:, None], left, right] = expected
                matrices[batch[:, None], right, left] = expected
    return matrices[len(task.data) - len(rows) :]
