"""Errors of the models against the size of their training data and of their networks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alphacrystal.data import PreparedStructures, prepare
from alphacrystal.learn.training import (
    DEFAULT_SETTINGS,
    LatticeNetConfig,
    LatticeTask,
    SymmetryNetConfig,
    SymmetryTask,
    train,
)
from alphacrystal.runtime.atomic_write import write_text_atomically
from alphacrystal.typing import IntArray, Progress
from alphacrystal_bench.harness.facts import run_facts
from alphacrystal_bench.harness.row_selection import select

CURVES = ("symmetry", "lattice")
SHARES = (1 / 64, 1 / 16, 1 / 4, 1.0)
WIDTHS = (1 / 4, 1 / 2, 1.0)
PATIENCE = 4  # epochs without a lower validation loss
MORE_EPOCHS = 0.25  # small parts get more epochs: the number grows with share ** -MORE_EPOCHS

Point = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CurveSettings:
    """Settings of the benchmark.

    Attributes:
        curves: "symmetry" and "lattice".
        shares: Shares of the training formulas, at full width; smaller parts are subsets of larger ones.
        widths: Widths of the networks relative to the default, on all formulas.
        seed: Seed of the parts, weights and batches.
        threads: torch threads.
    """

    curves: tuple[str, ...] = CURVES
    shares: tuple[float, ...] = SHARES
    widths: tuple[float, ...] = WIDTHS
    seed: int = 0
    threads: int = 1

    def points(self) -> Iterator[tuple[str, float, float]]:
        """Curve, share and width of each training, each once."""
        for curve in self.curves:
            yield from dict.fromkeys(
                [(curve, share, 1.0) for share in self.shares]
                + [(curve, 1.0, width) for width in self.widths]
            )


def learning_curves(
    settings: CurveSettings,
    folder: Path,
    *,
    source: Path,
    cache: Path | None = None,
    on_progress: Progress = lambda *_: None,
) -> dict[str, Any]:
    """Train the points that are not finished, and return all points.

    Every point is evaluated on the whole validation split. The best epoch is the one with the lowest
    validation loss there, as for the shipped weights, so that all points are equally optimistic.

    Args:
        settings: Settings of the benchmark.
        folder: Folder of results and checkpoints; each point is written as soon as it is trained.
        source: Records, as for ``prepare``.
        cache: Folder of prepared arrays, ``folder/cache`` by default.
        on_progress: Called with (point, steps done, total steps).

    Returns:
        {"points": [{"curve", "share", "width", "structures", "parameters", "best_epoch", "minutes",
        "metrics"}]}.

    Raises:
        InputError: The source cannot be read.
    """
    facts = run_facts(settings.seed)
    done = folder / "points"
    torch.set_num_threads(settings.threads)
    data = prepare(source, cache or folder / "cache")
    points = []
    for curve, share, width in settings.points():
        name = f"{curve}-share{share:g}-width{width:g}-seed{settings.seed}"
        path = done / f"{name}.json"
        if not path.is_file():
            point = _point(data, curve, share, width, settings, folder / "training" / name, on_progress)
            done.mkdir(parents=True, exist_ok=True)
            write_text_atomically(path, json.dumps(point | {"facts": facts}, indent=1) + "\n")
        points.append(json.loads(path.read_text(encoding="utf-8")))
    return {"points": points}


def formula_part(data: PreparedStructures, share: float, seed: int) -> IntArray:
    """Training structures of a share of the training formulas; smaller shares are subsets of larger ones."""
    rows = np.flatnonzero(~data.validation)
    names = np.unique(data.formulas[rows])
    kept = np.random.default_rng(seed).permutation(names)[: max(1, round(share * len(names)))]
    return rows[np.isin(data.formulas[rows], kept)]


def _point(
    data: PreparedStructures,
    curve: str,
    share: float,
    width: float,
    settings: CurveSettings,
    folder: Path,
    on_progress: Progress,
) -> Point:
    begin = time.monotonic()
    rows = formula_part(data, share, settings.seed)
    part = select(data, rows, np.flatnonzero(data.validation))
    task = _task(curve, part, width, settings.seed)
    default = DEFAULT_SETTINGS[curve]
    chosen = replace(
        default,
        epochs=round(default.epochs * share**-MORE_EPOCHS),
        patience=PATIENCE,
        seed=settings.seed,
        threads=settings.threads,
    )
    name = folder.name
    best = train(
        task,
        chosen,
        folder,
        resume=(folder / "checkpoint.pt").is_file(),
        data_hash=sha256(part.ids.tobytes()).hexdigest(),
        on_step=lambda step, total, _: on_progress(name, step, total),
    )
    metrics = {key: value for key, value in best.items() if key not in ("epoch", "seconds")}
    if isinstance(task, SymmetryTask):
        metrics |= _ceilings(task)
    return {
        "curve": curve,
        "share": share,
        "width": width,
        "structures": len(rows),
        "parameters": sum(parameter.numel() for parameter in task.model.parameters()),
        "best_epoch": int(best["epoch"]),
        "minutes": round((time.monotonic() - begin) / 60, 2),
        "metrics": metrics,
    }


def _ceilings(task: SymmetryTask) -> dict[str, float]:
    """Share of validation entries whose type occurs in the training part: an upper limit for known types."""
    known = task.target.numpy()[task.validation] >= 0
    chosen = task.experimental[task.validation] & task.small[task.validation]
    ceilings = {"type_known": float(known.mean())}
    if chosen.any():
        ceilings["type_known_experimental_12"] = float(known[chosen].mean())
    return {key: round(value, 5) for key, value in ceilings.items()}


def _task(curve: str, data: PreparedStructures, width: float, seed: int) -> Any:
    """A task whose hidden layers have ``width`` times their default number of channels."""

    def scaled(channels: int, multiple: int = 1) -> int:
        return max(1, round(width * channels / multiple)) * multiple

    if curve == "symmetry":
        symmetry = SymmetryNetConfig()
        config = replace(
            symmetry,
            width=scaled(symmetry.width, symmetry.heads),
            site_width=scaled(symmetry.site_width),
            type_width=scaled(symmetry.type_width),
            kernel_width=scaled(symmetry.kernel_width),
        )
        return SymmetryTask(data, config, seed=seed)
    lattice = LatticeNetConfig()
    return LatticeTask(
        data,
        replace(
            lattice,
            width=scaled(lattice.width),
            slot_width=scaled(lattice.slot_width),
            element_width=scaled(lattice.element_width),
            features=scaled(lattice.features),
        ),
        seed=seed,
    )


def points_of(points: Sequence[Point], curve: str, *, by: str) -> list[Point]:
    """Points of a curve in ascending order of ``by`` ("share" or "width"); the other is at its full value."""
    other = "width" if by == "share" else "share"
    chosen = [point for point in points if point["curve"] == curve and point[other] == 1]
    return sorted(chosen, key=lambda point: float(point[by]))
