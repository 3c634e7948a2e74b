"""The paper's network on the rows of Table 5."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.contacts.matrix_labels import matrices
from alphacrystal.learn.contacts.paper_network import PaperNetConfig
from alphacrystal.typing import FloatArray, IntArray, TrainingProgress
from alphacrystal_bench.models.subsets import early_stopping_mask
from alphacrystal_bench.paper_network.prediction import flop_count, parameter_count, predict_matrices
from alphacrystal_bench.paper_network.training import PaperTrainSettings, train_paper_net


@dataclass(frozen=True, slots=True, eq=False)
class PaperPrediction:
    """Predictions of the paper's network.

    Attributes:
        distances: Distances in Å, shape (structures, 12, 12).
        notes: Number of parameters, cost, epochs and the reason why the training ended.
    """

    distances: FloatArray
    notes: dict[str, float | int | str | None]


def predict_with_paper_network(
    data: PreparedStructures,
    train: IntArray,
    test: IntArray,
    evaluated: IntArray,
    folder: Path,
    *,
    config: PaperNetConfig,
    settings: PaperTrainSettings,
    on_step: TrainingProgress | None = None,
) -> PaperPrediction:
    """Train on some structures, continuing from a checkpoint if there is one, and predict others.

    With ``settings.patience``, a part of the training formulas forms the early-stopping split. Without it the
    last weights are taken, and the loss on the test structures is only logged.

    Args:
        data: Prepared structures.
        train, test: Training and test structures of the row of the table.
        evaluated: Structures to predict.
        folder: Folder of checkpoint and log.
        config: Configuration of the network.
        settings: Settings of the training.
        on_step: Called with (step, steps in total, running loss).

    Raises:
        InputError: The checkpoint is damaged or of another training.
    """
    if settings.patience is None:
        fitted, validation, description = train, test, "test structures"
    else:
        chosen = early_stopping_mask(data, train, settings.seed)
        fitted, validation = train[~chosen], train[chosen]
        description = f"early-stopping split of {chosen.sum()} training structures"
    training = train_paper_net(
        matrices(data, fitted),
        matrices(data, validation),
        config,
        settings,
        folder,
        resume=(folder / "checkpoint.pt").is_file(),
        on_step=on_step,
    )
    notes: dict[str, float | int | str | None] = {
        "parameters": parameter_count(config),
        "MFLOP_per_structure": round(flop_count(config) / 1e6, 1),
        "epochs": len(training.log),
        "weights_of_epoch": training.epoch,
        "ended_by": training.stopped,
        "train_loss": training.log[training.epoch - 1]["train_loss"],
        "validation_loss": training.log[training.epoch - 1]["val_loss"],
        "validation_on": description,
        "training_minutes": round(sum(row["seconds"] for row in training.log) / 60, 2),
    }
    return PaperPrediction(predict_matrices(training.net, matrices(data, evaluated).numbers), notes)
