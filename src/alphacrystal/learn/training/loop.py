"""Training loop of all networks: checkpoints, averaged weights, CSV log."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.learn.weight_files import not_finite
from alphacrystal.runtime.atomic_write import replacing
from alphacrystal.runtime.csv_cells import write_csv
from alphacrystal.typing import IntArray, TrainingProgress


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """Settings of a training run.

    Attributes:
        epochs: Passes over the training data; the learning rate decays to zero over all of them.
        learning_rate: Peak of the cosine schedule.
        weight_decay: Weight decay of AdamW.
        average: Decay of the exponential moving average of the weights, which is validated and saved.
        seed: Seed of all random numbers.
        threads: Number of torch threads.
        patience: Stop after this many epochs without a lower validation loss; 0 means never.
    """

    epochs: int = 6
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    average: float = 0.998
    seed: int = 0
    threads: int = 1
    patience: int = 0


class TrainingTask(Protocol):
    """A network with its training data, as the loop needs it."""

    model: nn.Module

    def batches(self, rng: np.random.Generator) -> Sequence[IntArray]:
        """Index batches of one epoch."""
        ...

    def loss(self, batch: IntArray, rng: np.random.Generator) -> Tensor:
        """Mean loss of a batch."""
        ...

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Metrics on the validation split; "val_loss" chooses the best epoch."""
        ...


def train(
    task: TrainingTask,
    settings: TrainSettings,
    folder: Path,
    *,
    resume: bool = False,
    data_hash: str = "",
    on_step: TrainingProgress | None = None,
) -> dict[str, Any]:
    """Train until the last epoch and load the best averaged weights into ``task.model``.

    Every epoch replaces ``checkpoint.pt`` and ``log.csv`` in ``folder``. A stopped run continues with
    ``resume=True`` and gives the same result as an uninterrupted run.

    Args:
        task: Network and data.
        settings: Settings of the run.
        folder: Output folder.
        resume: Continue from the checkpoint in ``folder``.
        data_hash: Hash of the training data; a run only resumes with the same data.
        on_step: Called with the step, the total number of steps and the running loss.

    Returns:
        The log row of the best epoch.

    Raises:
        InputError: ``resume`` is set without a checkpoint, a checkpoint exists without ``resume``, or the
            checkpoint is damaged or belongs to other settings or data.
    """
    torch.set_num_threads(settings.threads)
    check_folder(folder, resume=resume)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.pt"
    average = copy.deepcopy(task.model)
    decay = [p for p in task.model.parameters() if p.ndim > 1]
    plain = [p for p in task.model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decay, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=settings.learning_rate,
    )
    rows: list[dict[str, Any]] = []
    best: dict[str, Tensor] | None = None
    best_row: dict[str, Any] = {}
    started, steps_done = 0, 0
    if resume:
        state = _read_checkpoint(checkpoint, settings, data_hash)
        try:
            task.model.load_state_dict(state["model"])
            average.load_state_dict(state["average"])
            optimiser.load_state_dict(state["optimiser"])
        except (RuntimeError, ValueError) as error:
            raise InputError(
                f"The checkpoint in {folder} belongs to another network or other data: use the same --data, "
                "or another --out."
            ) from error
        rows, best, best_row = state["rows"], state["best"], state["best_row"]
        started, steps_done = state["epoch"], state["steps"]
    for epoch in range(started, settings.epochs):
        if settings.patience and rows and rows[-1]["epoch"] - best_row["epoch"] >= settings.patience:
            break
        begin = time.monotonic()
        rng = np.random.default_rng([settings.seed, epoch])
        torch.manual_seed(settings.seed * 100_003 + epoch)
        task.model.train()
        batches = task.batches(rng)
        total = settings.epochs * len(batches)
        losses: list[float] = []
        for batch in batches:
            progress = steps_done / max(total, 1)
            warm = min(1.0, (steps_done + 1) / max(0.03 * total, 1))
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * min(progress, 1)))
            loss = task.loss(batch, rng)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(task.model.parameters(), 1.0)
            optimiser.step()
            steps_done += 1
            _update_average(average, task.model, min(settings.average, (1 + steps_done) / (10 + steps_done)))
            losses.append(loss.item())
            if on_step:
                on_step(steps_done, total, float(np.mean(losses[-50:])))
        average.eval()
        with torch.no_grad():
            metrics = task.validate(average)
        row = {
            "epoch": epoch + 1,
            "train_loss": round(float(np.mean(losses)), 5),
            **{key: round(value, 5) for key, value in metrics.items()},
            "seconds": round(time.monotonic() - begin, 1),
        }
        rows.append(row)
        if best is None or metrics["val_loss"] < best_row["val_loss"]:
            best, best_row = {k: v.clone() for k, v in average.state_dict().items()}, row
        write_log(folder / "log.csv", rows)
        state = {
            "settings": asdict(settings),
            "data": data_hash,
            "model": task.model.state_dict(),
            "average": average.state_dict(),
            "optimiser": optimiser.state_dict(),
            "rows": rows,
            "best": best,
            "best_row": best_row,
            "epoch": epoch + 1,
            "steps": steps_done,
        }
        save_checkpoint(state, checkpoint)
    if best is not None:
        task.model.load_state_dict(best)
    task.model.eval()
    return best_row


def check_folder(folder: Path, *, resume: bool) -> None:
    """Check that a checkpoint exists exactly if the run resumes.

    Raises:
        InputError: It is missing, or would be overwritten.
    """
    exists = (folder / "checkpoint.pt").is_file()
    if resume and not exists:
        raise InputError(f"There is no checkpoint in {folder}: train without --resume first.")
    if exists and not resume:
        raise InputError(
            f"{folder} already holds a training run: use --resume to continue it, or another --out."
        )


def _read_checkpoint(path: Path, settings: TrainSettings, data_hash: str) -> dict[str, Any]:
    """Read the state of a run with the same settings and data.

    Raises:
        InputError: It is damaged, or belongs to another run.
    """
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
        stored_settings = dict(state["settings"])
        stored_hash = state.get("data", data_hash)
        tensors = {
            f"{part} {name}": tensor for part in ("model", "average") for name, tensor in state[part].items()
        }
    except (
        OSError,
        EOFError,
        RuntimeError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        UnpicklingError,
    ) as error:
        raise InputError(f"The checkpoint {path} is damaged: remove it and train again.") from error
    differences = [
        f"{name} {value}" for name, value in stored_settings.items() if value != asdict(settings).get(name)
    ]
    if differences:
        raise InputError(
            f"The checkpoint in {path.parent} has other settings ({', '.join(differences)}): "
            "resume with the same settings, or use another --out."
        )
    if name := not_finite(tensors):
        raise InputError(
            f"The checkpoint {path} is damaged: {name} contains NaN or infinity. Remove it and train again."
        )
    if stored_hash != data_hash:
        raise InputError(
            f"The checkpoint in {path.parent} belongs to other data: resume with the same --data, or use "
            "another --out."
        )
    return state


@torch.no_grad()
def _update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    # Running means of batch norms are buffers and must be averaged with the weights.
    targets, sources = (
        [value for value in (*net.parameters(), *net.buffers()) if value.is_floating_point()]
        for net in (average, model)
    )
    torch._foreach_lerp_(targets, sources, 1 - decay)


def write_log(path: Path, rows: list[dict[str, Any]]) -> None:
    """Replace the CSV log; the columns are the keys of the last row."""
    with replacing(path) as unfinished, unfinished.open("x", newline="", encoding="utf-8") as stream:
        columns = list(rows[-1])
        write_csv(stream, columns, ([row.get(name) for name in columns] for row in rows), number="")


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Replace the checkpoint atomically.

    Raises:
        AlphaCrystalError: The write failed; the previous checkpoint remains.
    """
    try:
        with replacing(path) as unfinished:
            torch.save(state, unfinished)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        raise AlphaCrystalError(
            f"The checkpoint {path} could not be written ({error}): free some space, then run again "
            "with --resume."
        ) from error
