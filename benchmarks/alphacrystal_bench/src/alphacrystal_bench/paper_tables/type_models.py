"""All three of our models on the rows of Table 5: distances as the answer over likely structure types."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alphacrystal.data import PreparedStructures, select
from alphacrystal.learn.training import (
    DEFAULT_SETTINGS,
    DistanceTask,
    LatticeTask,
    SymmetryTask,
)
from alphacrystal.typing import FloatArray, IntArray
from alphacrystal_bench.models.early_stopping_split import held_back
from alphacrystal_bench.paper_tables.pair_network import OnStep, PairTraining, train_task
from alphacrystal_bench.paper_tables.type_mixture import TypeMixture

EPOCHS = 40  # more than on all data, whose epochs are longer
JUDGES = 2  # symmetry networks, whose probabilities are averaged
PATIENCE = 6


@dataclass(frozen=True, slots=True, eq=False)
class TypeModels:
    """A trained symmetry prior and lattice model.

    Attributes:
        symmetry: Networks of several seeds, with the weights of their best epochs.
        lattice: Network, likewise.
        notes: Those epochs.
    """

    symmetry: tuple[Any, ...]
    lattice: Any
    notes: dict[str, float | int | str | None]


def train_type_models(
    data: PreparedStructures,
    rows: IntArray,
    folder: Path,
    *,
    seed: int,
    threads: int,
    on_step: OnStep | None = None,
) -> TypeModels:
    """Train both on the structures that the pair network trains on, going on from checkpoints.

    Args:
        data: Prepared structures.
        rows: Those to train on; a part is held back to choose the best epochs.
        folder: Of checkpoints and logs, a folder each.
        seed: Of weights, batches, and which formulas are held back.
        threads: torch threads.
        on_step: Called with (step, steps in total, running loss).

    Raises:
        InputError: A checkpoint is damaged or of another training.
    """
    torch.set_num_threads(threads)
    own = select(data, rows, rows[held_back(data, rows, seed)])
    notes: dict[str, float | int | str | None] = {}

    def trained(task: Any, kind: str, name: str, own_seed: int) -> Any:
        settings = replace(
            DEFAULT_SETTINGS[kind], epochs=EPOCHS, patience=PATIENCE, seed=own_seed, threads=threads
        )
        best = train_task(task, own, settings, folder / name, on_step)
        notes[f"{name}_best_epoch"] = int(best["epoch"])
        return task.model

    lattice = trained(LatticeTask(own, seed=seed), "lattice", "lattice", seed)
    judges = [
        trained(SymmetryTask(own, seed=seed + judge), "symmetry", f"symmetry-{judge}", seed + judge)
        for judge in range(JUDGES)
    ]
    return TypeModels(tuple(judges), lattice, notes)


def predict_over_types(
    pair: PairTraining,
    alone: PairTraining,
    models: TypeModels,
    data: PreparedStructures,
    train_rows: IntArray,
    rows: IntArray,
    size: int,
    *,
    seed: int = 0,
    conventional: bool = False,
) -> FloatArray:
    """Distances from the composition alone, padded with zeros, shape (rows, size, size).

    Args:
        pair: Trained on ``train_rows``, mostly told the structure types.
        alone: Trained on compositions alone, which is one more opinion.
        models: Trained on the same.
        data: Prepared structures.
        train_rows: What they were trained on.
        rows: What to predict.
        size: Atoms of the padded matrices.
        seed: Of the training, which chose what was held back.
        conventional: The data hold conventional cells instead of primitive ones.
    """
    # The vocabulary of the symmetry prior is that of the structures it was trained on, without those held
    # back, which now tell how far its probabilities can be trusted; the same structures give the templates.
    chosen = held_back(data, train_rows, seed)
    watched = train_rows[chosen]
    own = select(data, train_rows[~chosen], np.concatenate([watched, rows]))
    symmetry, lattice, distance = SymmetryTask(own), LatticeTask(own), DistanceTask(own)
    lattice.model, distance.model = models.lattice, pair.model
    asked = np.arange(len(own) - len(rows), len(own))
    matrices = np.zeros((len(rows), size, size))
    mixture = TypeMixture(symmetry, lattice, distance, models.symmetry, alone.model, conventional)
    sharpness = mixture.best_sharpness(np.arange(asked[0] - len(watched), asked[0]))
    found = mixture.expected_distances(asked, sharpness)
    for place, (row, pairs) in enumerate(zip(asked, found, strict=True)):
        left, right = np.triu_indices(int(own.sizes[row]), 1)
        matrices[place, left, right] = matrices[place, right, left] = pairs
    return matrices
