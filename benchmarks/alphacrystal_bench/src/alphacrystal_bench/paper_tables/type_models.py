"""Our three models on the rows of Table 5: distances averaged over likely structure types."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.training import (
    DEFAULT_SETTINGS,
    DistanceTask,
    LatticeTask,
    SymmetryTask,
)
from alphacrystal.typing import FloatArray, IntArray, TrainingProgress
from alphacrystal_bench.harness.row_selection import select
from alphacrystal_bench.models.subsets import early_stopping_mask
from alphacrystal_bench.paper_tables.pair_network import PairTraining, train_task
from alphacrystal_bench.paper_tables.type_mixture import TypeMixture

EPOCHS = 40  # more than on all data, whose epochs are longer
ENSEMBLE = 2  # symmetry networks, whose probabilities are averaged
PATIENCE = 6


@dataclass(frozen=True, slots=True, eq=False)
class TypeModels:
    """A trained symmetry prior and lattice model.

    Attributes:
        symmetry: Networks of several seeds, with the weights of their best epochs.
        lattice: Network with the weights of its best epoch.
        notes: The best epochs.
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
    on_step: TrainingProgress | None = None,
) -> TypeModels:
    """Train both on the training structures of the pair network, continuing from checkpoints.

    Args:
        data: Prepared structures.
        rows: Training structures; a part, the early-stopping split, chooses the best epochs.
        folder: Folder with one folder of checkpoint and log per network.
        seed: Seed of weights, batches and the early-stopping split.
        threads: torch threads.
        on_step: Called with (step, steps in total, running loss).

    Raises:
        InputError: A checkpoint is damaged or of another training.
    """
    torch.set_num_threads(threads)
    chosen = select(data, rows, rows[early_stopping_mask(data, rows, seed)])
    notes: dict[str, float | int | str | None] = {}

    def trained(task: Any, model: str, name: str, model_seed: int) -> Any:
        settings = replace(
            DEFAULT_SETTINGS[model], epochs=EPOCHS, patience=PATIENCE, seed=model_seed, threads=threads
        )
        best = train_task(task, chosen, settings, folder / name, on_step)
        notes[f"{name.replace('-', '_')}_best_epoch"] = int(best["epoch"])
        return task.model

    lattice = trained(LatticeTask(chosen, seed=seed), "lattice", "lattice", seed)
    networks = [
        trained(SymmetryTask(chosen, seed=seed + member), "symmetry", f"symmetry-{member}", seed + member)
        for member in range(ENSEMBLE)
    ]
    return TypeModels(tuple(networks), lattice, notes)


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
        pair: Network trained on ``train_rows``, for most samples given the structure types.
        alone: Network trained on compositions alone; its prediction is one more member of the average.
        models: Symmetry and lattice models trained on the same structures.
        data: Prepared structures.
        train_rows: Training structures.
        rows: Structures to predict.
        size: Atoms of the padded matrices.
        seed: Seed of the training, which determines the early-stopping split.
        conventional: The data hold conventional cells instead of primitive ones.
    """
    # The vocabulary of the symmetry prior and the templates come from its training structures. The
    # early-stopping split calibrates its probabilities.
    mask = early_stopping_mask(data, train_rows, seed)
    calibration = train_rows[mask]
    chosen = select(data, train_rows[~mask], np.concatenate([calibration, rows]))
    symmetry, lattice, distance = SymmetryTask(chosen), LatticeTask(chosen), DistanceTask(chosen)
    lattice.model, distance.model = models.lattice, pair.model
    evaluated = np.arange(len(chosen) - len(rows), len(chosen))
    matrices = np.zeros((len(rows), size, size))
    mixture = TypeMixture(symmetry, lattice, distance, models.symmetry, alone.model, conventional)
    sharpness = mixture.best_sharpness(np.arange(evaluated[0] - len(calibration), evaluated[0]))
    distances = mixture.expected_distances(evaluated, sharpness)
    for index, (row, pairs) in enumerate(zip(evaluated, distances, strict=True)):
        left, right = np.triu_indices(int(chosen.sizes[row]), 1)
        matrices[index, left, right] = matrices[index, right, left] = pairs
    return matrices
