"""Train a model from a record source, and write its weights and card."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from alphacrystal.data import PreparedStructures, prepare
from alphacrystal.errors import InputError
from alphacrystal.learn.contacts.training import ContactTask
from alphacrystal.learn.coordinates.fitting import fit_prototype_coordinates, measure_prototype_coordinates
from alphacrystal.learn.distances.training import DistanceTask
from alphacrystal.learn.existence.network import MAX_FORMULA_ATOMS
from alphacrystal.learn.existence.training import ExistenceTask, KnownFormulas, read_formulas
from alphacrystal.learn.lattice.network import LatticeNet
from alphacrystal.learn.lattice.prediction import predicted_shapes
from alphacrystal.learn.lattice.training import LatticeTask
from alphacrystal.learn.orbit_distances.training import OrbitDistanceTask
from alphacrystal.learn.space_groups import SpaceGroupTask
from alphacrystal.learn.structure_types import MAX_ELEMENTS
from alphacrystal.learn.symmetry.calibration import calibrated_offsets
from alphacrystal.learn.symmetry.training import SymmetryTask
from alphacrystal.learn.training.loop import TrainSettings, check_folder, train
from alphacrystal.learn.weight_files import (
    FITTED_MODELS,
    LICENCE,
    MODEL_NAMES,
    ModelCard,
    load_model,
    models_folder,
    save_weights,
    state_size,
)
from alphacrystal.runtime.atomic_write import write_text_atomically
from alphacrystal.typing import CountProgress, FloatArray, TrainingProgress

DEFAULT_SETTINGS: dict[str, TrainSettings] = {
    "symmetry": TrainSettings(epochs=6, learning_rate=1.5e-3, weight_decay=0.05),
    "group": TrainSettings(epochs=30, learning_rate=2e-3, weight_decay=0.05, average=0.995),
    "lattice": TrainSettings(epochs=11, learning_rate=2e-3, weight_decay=0.03),
    "distance": TrainSettings(epochs=12, learning_rate=1.3e-3, weight_decay=0.03),
    "orbit_distance": TrainSettings(epochs=8, learning_rate=1.5e-3, weight_decay=0.03),
    "contact": TrainSettings(epochs=10, learning_rate=2e-3, weight_decay=0.02),
    "existence": TrainSettings(epochs=8, learning_rate=2e-3, weight_decay=0.05, average=0.995),
}

DESCRIPTIONS = {
    "coordinates": "Prototype coordinates: mean free coordinates of known structure types, in clusters.",
    "symmetry": "Scores structure types (space group and Wyckoff letters of each element) of a composition.",
    "group": "Probabilities of the space groups of a composition, from its elements and counts alone.",
    "lattice": "Conventional cell with its uncertainty for a composition and structure type.",
    "distance": "Probabilities of all distances in a cell content, with or without its symmetry.",
    "orbit_distance": "Probabilities of the distances between the orbits of a structure type in its cell.",
    "contact": "Contact probabilities of the atoms of a cell content of at most 12 atoms (AlphaCrystal-I).",
    "existence": "Probability that a compound exists at a composition of a chemical system.",
}

LIMITS = (
    "Ordered crystals of elements 1-103 with at most 80 atoms in the primitive cell, mostly inorganic; "
    "no molecules, surfaces, pressure or temperature. Metrics are for compounds with validation formulas."
)

EXISTENCE_LIMITS = (
    f"Compounds of two to four elements with at most {MAX_FORMULA_ATOMS} atoms in the formula unit, in "
    "chemical systems with a known compound. A compound that nobody has reported counts as one that does not "
    "exist. Metrics are for compounds with validation formulas."
)


@dataclass(frozen=True, slots=True)
class TrainResult:
    """Path of the weights, and their card with validation metrics."""

    weights: Path
    card: ModelCard


def train_model(
    name: str,
    source: Path,
    out: Path,
    *,
    settings: TrainSettings | None = None,
    cache: Path | None = None,
    resume: bool = False,
    command: str = "",
    on_prepared: CountProgress | None = None,
    on_step: TrainingProgress | None = None,
) -> TrainResult:
    """Train one model on the training split of a record source (benchmark compounds are removed).

    Writes ``checkpoint.pt``, ``log.csv``, ``loss.png`` and ``loss.svg``, ``NAME.safetensors`` and
    ``NAME.json`` into ``out``; for FITTED_MODELS, which ignore ``settings``, only the last two.

    Args:
        name: One of MODEL_NAMES.
        source: As for ``prepare``.
        out: Output folder.
        settings: Settings of the training; those of the model by default.
        cache: Folder of prepared arrays; ``out/cache`` by default.
        resume: Continue from the checkpoint in ``out``.
        command: Command that reproduces the file, for the card.
        on_prepared: Called with the number of prepared structures.
        on_step: Called with the step, the total number of steps and the running loss.

    Raises:
        InputError: The model is unknown, the source is unreadable or has no validation structures, or the
            checkpoint does not fit. For FITTED_MODELS also: weights exist and ``resume`` is not set.
    """
    _check_name(name)
    if name in FITTED_MODELS:
        if (out / f"{name}.safetensors").exists() and not resume:
            raise InputError(
                f"{out} already holds a model {name}: use --resume to fit it again, or another --out."
            )
        out.mkdir(parents=True, exist_ok=True)
        prepared = prepare(source, cache or out / "cache", on_progress=on_prepared)
        return _fit_model(name, prepared, source, out, command, on_step)
    settings = settings or DEFAULT_SETTINGS[name]
    torch.set_num_threads(settings.threads)
    check_folder(out, resume=resume)
    data: PreparedStructures | KnownFormulas
    if name == "existence":
        data = read_formulas(source)
    else:
        data = prepare(source, cache or out / "cache", on_progress=on_prepared)
    task = _task(name, data, source, settings.seed)
    best = train(task, settings, out, resume=resume, data_hash=_data_hash(data), on_step=on_step)
    with torch.no_grad():
        metrics = task.validate(task.model)
    extra = calibrated_offsets(task) if isinstance(task, SymmetryTask) else {}
    result = _write_model(
        name,
        task.model,
        data,
        out,
        seed=settings.seed,
        settings={
            **asdict(settings),
            **{f"net_{k}": v for k, v in asdict(task.model.config).items()},
            **extra,
        },
        metrics=metrics,
        command=command,
        trained={
            "best_epoch": int(best["epoch"]),
            "hours": round(_seconds(out / "log.csv") / 3600, 2),
            "machine": f"{platform.machine()}, {settings.threads} torch thread(s)",
        },
    )
    from alphacrystal.plots import loss_curve

    loss_curve(out / "log.csv", out / "loss", title=f"{name} model")
    return result


def _fit_model(
    name: str,
    data: PreparedStructures,
    source: Path,
    out: Path,
    command: str,
    on_step: TrainingProgress | None,
) -> TrainResult:
    """Fit a model without epochs, in one deterministic pass over the structures."""
    began = time.monotonic()
    if not _has_both_splits(data):
        raise _too_small(data, source)
    model = fit_prototype_coordinates(
        data, on_progress=on_step and (lambda done, total: on_step(done, total, 0.0))
    )
    return _write_model(
        name,
        model,
        data,
        out,
        seed=0,
        settings=asdict(model.config),
        metrics=measure_prototype_coordinates(model, data),
        command=command,
        trained={
            "hours": round((time.monotonic() - began) / 3600, 2),
            "machine": f"{platform.machine()}, 1 thread",
        },
    )


def _write_model(
    name: str,
    model: nn.Module,
    data: PreparedStructures | KnownFormulas,
    out: Path,
    *,
    seed: int,
    settings: dict[str, Any],
    metrics: Mapping[str, float],
    command: str,
    trained: dict[str, Any],
) -> TrainResult:
    """Write the weights and the card."""
    weights = out / f"{name}.safetensors"
    digest = save_weights(model, weights)
    of_formulas = isinstance(data, KnownFormulas)
    counted = "compounds" if of_formulas else "structures"
    card = ModelCard(
        name=name,
        description=DESCRIPTIONS[name],
        sha256=digest,
        parameters=state_size(model),
        data=(
            f"{int((~data.validation).sum())} training {counted}, {int(data.validation.sum())} validation "
            f"{counted}; benchmark formulas removed (CSPBench-180, Tables 3 and 4 of the paper, samples of "
            "MP-20 and MPTS-52)"
        ),
        split="by reduced formula; the validation formulas are in no training structure",
        seed=seed,
        settings=settings,
        # JSON has no NaN: undefined metrics are left out.
        metrics={key: round(float(value), 5) for key, value in metrics.items() if np.isfinite(value)},
        command=command,
        licence=LICENCE,
        trained={"date": datetime.now(UTC).date().isoformat(), **trained, "torch": torch.__version__},
        limits=EXISTENCE_LIMITS if of_formulas else LIMITS,
    )
    write_text_atomically(out / f"{name}.json", card.model_dump_json(indent=1) + "\n")
    return TrainResult(weights, card)


def _task(name: str, data: PreparedStructures | KnownFormulas, source: Path, seed: int) -> Any:
    """The training task, if the source has training and validation structures for it."""
    if isinstance(data, KnownFormulas):
        if _has_both_splits(data):
            return ExistenceTask(data, seed=seed)
        raise _too_small(data, source)
    tasks: dict[str, Any] = {
        "symmetry": SymmetryTask,
        "group": SpaceGroupTask,
        "lattice": LatticeTask,
        "distance": DistanceTask,
        "orbit_distance": OrbitDistanceTask,
        "contact": ContactTask,
    }
    if _has_both_splits(data):
        task = tasks[name](data, seed=seed)
        if isinstance(task, DistanceTask | OrbitDistanceTask):
            task.shapes = predicted_cells(task)
        evaluated = task.validation
        if name == "symmetry":
            evaluated = evaluated[task.target.numpy()[evaluated] >= 0]  # unseen types have no rank
        if len(task.train) and len(evaluated):
            return task
    raise _too_small(data, source)


def _has_both_splits(data: PreparedStructures | KnownFormulas) -> bool:
    return bool(data.validation.any() and not data.validation.all())


def _too_small(data: PreparedStructures | KnownFormulas, source: Path) -> InputError:
    return InputError(
        f"{source} has no compounds for training or none for validation ({len(data)} structures read): "
        "use a larger source."
    )


def predicted_cells(task: DistanceTask | OrbitDistanceTask) -> FloatArray:
    """Lattice targets, predicted by the shipped lattice model for the validation structures, shape (n, 6).

    Other structures keep their true targets with noise. No model trains on these targets.
    """
    net = load_model("lattice", models_folder())
    assert isinstance(net, LatticeNet)
    rows = task.validation
    known = [task.occupations[row] for row in rows]
    supported = np.array([len(elements) <= MAX_ELEMENTS for _, elements in known])
    chosen = [pair for pair, keep in zip(known, supported, strict=True) if keep]
    centres, _ = predicted_shapes(
        net,
        [structure_type for structure_type, _ in chosen],
        [elements for _, elements in chosen],
        task.data.functionals[rows[supported]].tolist(),
    )
    shapes = task.shapes.copy()
    shapes[rows[supported]] = np.where(
        task.free_shapes[rows[supported]] > 0, centres, task.true_shapes[rows[supported]]
    )
    return shapes


def _data_hash(data: PreparedStructures | KnownFormulas) -> str:
    if isinstance(data, KnownFormulas):
        return data.digest()
    columns = (data.ids, data.validation, data.space_groups, data.numbers, data.distances)
    return sha256(b"".join(np.ascontiguousarray(column).tobytes() for column in columns)).hexdigest()


def _seconds(log: Path) -> float:
    table = np.genfromtxt(log, delimiter=",", names=True)
    return float(np.sum(np.atleast_1d(table["seconds"])))


def with_overrides(name: str, **values: Any) -> TrainSettings | None:
    """Default settings of a model with overrides; None keeps a default.

    Raises:
        InputError: The model is unknown, or has no such settings.
    """
    _check_name(name)
    if name in FITTED_MODELS:
        if given := [key for key, value in values.items() if value is not None]:
            raise InputError(f"The model {name} is fitted in one pass: leave out --{given[0]}.")
        return None
    return replace(
        DEFAULT_SETTINGS[name], **{key: value for key, value in values.items() if value is not None}
    )


def _check_name(name: str) -> None:
    if name not in MODEL_NAMES:
        raise InputError(f"There is no model {name!r} to train: choose one of {', '.join(MODEL_NAMES)}.")
