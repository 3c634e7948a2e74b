"""The paper's network on the rows of Table 5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.contacts.matrix_labels import matrices
from alphacrystal.learn.contacts.paper_network import (
    PaperNetConfig,
    flop_count,
    parameter_count,
    predict_matrices,
)
from alphacrystal.typing import FloatArray, IntArray
from alphacrystal_bench.models.early_stopping_split import held_back
from alphacrystal_bench.paper_network.training import PaperTrainSettings, train_paper_net


@dataclass(frozen=True, slots=True, eq=False)
class PaperPrediction:
    """What the paper's network says about some structures.

    Attributes:
        distances: Å, shape (structures, 12, 12).
        notes: Parameters, cost, epochs and what ended the training.
    """

    distances: FloatArray
    notes: dict[str, float | int | str | None]


def predict_with_paper_network(
    data: PreparedStructures,
    train: IntArray,
    test: IntArray,
    asked: IntArray,
    folder: Path,
    *,
    config: PaperNetConfig,
    settings: PaperTrainSettings,
    on_step: Callable[[int, int, float], None] | None = None,
) -> PaperPrediction:
    """Train on some structures, going on from a checkpoint where there is one, and predict others.

    With ``settings.patience`` a part of the training formulas is held back to stop at. Without it the last
    weights are taken, and the loss on the test structures is only logged.

    Args:
        data: Prepared structures.
        train, test: Those of the row of the table.
        asked: Those to predict.
        folder: Of checkpoint and log.
        config: The network.
        settings: How to train it.
        on_step: Called with (step, steps in total, running loss).

    Raises:
        InputError: The checkpoint is damaged or of another training.
    """
    if settings.patience is None:
        fitted, watched, what = train, test, "test structures"
    else:
        chosen = held_back(data, train, settings.seed)
        fitted, watched, what = train[~chosen], train[chosen], f"{chosen.sum()} training structures held back"
    training = train_paper_net(
        matrices(data, fitted),
        matrices(data, watched),
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
        "validation_on": what,
        "training_minutes": round(sum(row["seconds"] for row in training.log) / 60, 2),
    }
    return PaperPrediction(predict_matrices(training.net, matrices(data, asked).numbers), notes)
