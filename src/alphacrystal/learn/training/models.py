"""Training a model from a record source to shipped weights with their card."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
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
from alphacrystal.learn.cells import predicted_shapes
from alphacrystal.learn.contacts.training import ContactTask
from alphacrystal.learn.coordinates.fitting import fit_coordinates, measure_coordinates
from alphacrystal.learn.distances.training import DistanceTask
from alphacrystal.learn.lattice.network import LatticeNet
from alphacrystal.learn.lattice.training import LatticeTask
from alphacrystal.learn.space_groups.training import GroupTask
from alphacrystal.learn.structure_types import MAX_ELEMENTS
from alphacrystal.learn.symmetry.calibration import unseen_offset
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
from alphacrystal.typing import FloatArray

DEFAULT_SETTINGS: dict[str, TrainSettings] = {
    "symmetry": TrainSettings(epochs=16, learning_rate=1.5e-3, weight_decay=0.05, patience=4),
    "group": TrainSettings(epochs=30, learning_rate=2e-3, weight_decay=0.05, average=0.995),
    "lattice": TrainSettings(epochs=11, learning_rate=2e-3, weight_decay=0.03),
    "distance": TrainSettings(epochs=12, learning_rate=1.3e-3, weight_decay=0.03),
    "contact": TrainSettings(epochs=10, learning_rate=2e-3, weight_decay=0.02),
}

DESCRIPTIONS = {
    "coordinates": "Where the atoms of known structure types sit: mean free coordinates in a few clusters.",
    "symmetry": "Scores structure types (space group and Wyckoff letters of each element) of a composition.",
    "group": "Scores the space groups of a composition, whatever is known of its stoichiometry.",
    "lattice": "Conventional cell with its spread, given composition and structure type.",
    "distance": "Probabilities of all distances in a cell content, with or without its symmetry given.",
    "contact": "Probabilities that the atoms of a cell content of at most 12 atoms touch (AlphaCrystal-I).",
}

LIMITS = (
    "Ordered crystals of elements 1-103 with at most 20 atoms in the primitive cell, mostly inorganic; "
    "no molecules, surfaces, pressure or temperature. Metrics are on compounds whose formula was held out."
)


@dataclass(frozen=True, slots=True)
class TrainResult:
    """Where the weights are and how good they are on the validation split."""

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
    on_step: Callable[[int, int, float], None] | None = None,
) -> TrainResult:
    """Train one model on the training split of a record source (benchmark compounds dropped).

    Writes ``checkpoint.pt``, ``log.csv``, ``loss.png`` and ``loss.svg``, ``NAME.safetensors`` and
    ``NAME.json`` into ``out``; of FITTED_MODELS, for which ``settings`` mean nothing, the last two.

    Raises:
        InputError: Unknown model, unreadable source, nothing to validate on, a checkpoint that does not fit;
            of FITTED_MODELS also weights that are there already, without ``resume``.
    """
    _check_name(name)
    if name in FITTED_MODELS:
        if (out / f"{name}.safetensors").exists() and not resume:
            raise InputError(
                f"{out} already holds a model {name}: give --resume to fit it anew, or another --out."
            )
        out.mkdir(parents=True, exist_ok=True)
        return _fit_model(name, source, out, cache or out / "cache", command, on_step)
    settings = settings or DEFAULT_SETTINGS[name]
    torch.set_num_threads(settings.threads)
    check_folder(out, resume=resume)
    data = prepare(source, cache or out / "cache")
    task = _task(name, data, source, settings.seed)
    best = train(task, settings, out, resume=resume, data_hash=_data_hash(data), on_step=on_step)
    with torch.no_grad():
        metrics = task.validate(task.model)
    extra = {"unseen_offset": unseen_offset(task)} if isinstance(task, SymmetryTask) else {}
    result = _shipped(
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
    source: Path,
    out: Path,
    cache: Path,
    command: str,
    on_step: Callable[[int, int, float], None] | None,
) -> TrainResult:
    """A model without epochs: one pass over the structures, the same each time."""
    began = time.monotonic()
    data = prepare(source, cache)
    if not _has_both_splits(data):
        raise _too_small(data, source)
    model = fit_coordinates(data, on_progress=on_step and (lambda done, total: on_step(done, total, 0.0)))
    return _shipped(
        name,
        model,
        data,
        out,
        seed=0,
        settings=asdict(model.config),
        metrics=measure_coordinates(model, data),
        command=command,
        trained={
            "hours": round((time.monotonic() - began) / 3600, 2),
            "machine": f"{platform.machine()}, 1 thread",
        },
    )


def _shipped(
    name: str,
    model: nn.Module,
    data: PreparedStructures,
    out: Path,
    *,
    seed: int,
    settings: dict[str, Any],
    metrics: Mapping[str, float],
    command: str,
    trained: dict[str, Any],
) -> TrainResult:
    """Weights and card, written."""
    weights = out / f"{name}.safetensors"
    digest = save_weights(model, weights)
    card = ModelCard(
        name=name,
        description=DESCRIPTIONS[name],
        sha256=digest,
        parameters=state_size(model),
        data=(
            f"{int((~data.validation).sum())} training structures, {int(data.validation.sum())} validation "
            "structures; benchmark formulas removed (CSPBench-180, Tables 3 and 4 of the paper)"
        ),
        split="by reduced formula; the validation formulas are in no training structure",
        seed=seed,
        settings=settings,
        # What the validation structures cannot tell is left out: JSON knows no NaN.
        metrics={key: round(float(value), 5) for key, value in metrics.items() if np.isfinite(value)},
        command=command,
        licence=LICENCE,
        trained={"date": datetime.now(UTC).date().isoformat(), **trained, "torch": torch.__version__},
        limits=LIMITS,
    )
    (out / f"{name}.json").write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return TrainResult(weights, card)


def _task(name: str, data: PreparedStructures, source: Path, seed: int) -> Any:
    """The training task, once the source is known to hold something to train and something to validate on."""
    kinds: dict[str, Any] = {
        "symmetry": SymmetryTask,
        "group": GroupTask,
        "lattice": LatticeTask,
        "distance": DistanceTask,
        "contact": ContactTask,
    }
    if _has_both_splits(data):
        task = kinds[name](data, seed=seed)
        if name == "distance":
            task.shapes = predicted_cells(task)
        measured = task.validation
        if name == "symmetry":
            measured = measured[task.target.numpy()[measured] >= 0]  # types never seen have no rank
        if len(task.train) and len(measured):
            return task
    raise _too_small(data, source)


def _has_both_splits(data: PreparedStructures) -> bool:
    return bool(data.validation.any() and not data.validation.all())


def _too_small(data: PreparedStructures, source: Path) -> InputError:
    return InputError(
        f"{source} gives no compounds for training or none for validation ({len(data)} structures read): "
        "use a larger source."
    )


def predicted_cells(task: DistanceTask) -> FloatArray:
    """Lattice targets of the validation structures as the lattice model in use predicts them, shape (n, 6).

    The others keep their blurred true ones; nothing is trained on either.
    """
    net = load_model("lattice", models_folder())
    assert isinstance(net, LatticeNet)
    rows = task.validation
    known = [(kind, elements) for kind, elements in (task.occupations[row] for row in rows)]
    few = np.array([len(elements) <= MAX_ELEMENTS for _, elements in known])
    chosen = [pair for pair, small in zip(known, few, strict=True) if small]
    centres, _ = predicted_shapes(
        net,
        [kind for kind, _ in chosen],
        [elements for _, elements in chosen],
        task.data.functionals[rows[few]].tolist(),
    )
    shapes = task.shapes.copy()
    shapes[rows[few]] = np.where(task.free_shapes[rows[few]] > 0, centres, task.true_shapes[rows[few]])
    return shapes


def _data_hash(data: PreparedStructures) -> str:
    columns = (data.ids, data.validation, data.space_groups, data.numbers, data.distances)
    return sha256(b"".join(np.ascontiguousarray(column).tobytes() for column in columns)).hexdigest()


def _seconds(log: Path) -> float:
    table = np.genfromtxt(log, delimiter=",", names=True)
    return float(np.sum(np.atleast_1d(table["seconds"])))


def with_overrides(name: str, **values: Any) -> TrainSettings | None:
    """Default settings of a model with some replaced; None leaves the default.

    Raises:
        InputError: No model has this name, or the model has no such settings.
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
