"""Figures of training: counts of the known crystals, and losses against the epoch."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.errors import InputError
from alphacrystal.plots.figure import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    new_figure,
    save_figure,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ELEMENTS = 20  # the commonest
_HULL_BINS = 40


def loss_curve(csv_path: Path, out_path: Path, *, title: str = "") -> tuple[Path, Path]:
    """Plot a training log as PNG and SVG.

    Args:
        csv_path: CSV with the columns ``epoch`` and ``train_loss`` and, optionally, ``val_loss``; further
            columns are ignored, empty cells skipped. Losses in the unit the training used.
        out_path: Where to write; the suffix is replaced by .png and .svg.
        title: Text above the plot.

    Returns:
        The two paths written.

    Raises:
        InputError: The log is missing, lacks a column, or holds no finite loss.
        AlphaCrystalError: The disk refused a figure.
    """
    figure = new_figure()
    axes = figure.subplots()
    draw_losses(axes, csv_path)
    axes.legend(fontsize=12, frameon=False)
    if title:
        axes.set_title(title, fontsize=13)
    return save_figure(figure, out_path)


def loss_panels(logs: Sequence[tuple[str, Path]], out_path: Path) -> tuple[Path, Path]:
    """Plot training logs side by side as PNG and SVG.

    Args:
        logs: Title of each panel and its training log, as for ``loss_curve``.
        out_path: Where to write; the suffix is replaced by .png and .svg.

    Returns:
        The two paths written.

    Raises:
        InputError: A log is missing, lacks a column, or holds no finite loss.
        AlphaCrystalError: The disk refused a figure.
    """
    figure = new_figure(4.2)
    for axes, (title, csv_path) in zip(figure.subplots(1, len(logs), squeeze=False)[0], logs, strict=True):
        draw_losses(axes, csv_path)
        axes.legend(fontsize=11, frameon=False)
        axes.set_title(title, fontsize=12)
    return save_figure(figure, out_path)


def draw_losses(axes: Axes, csv_path: Path) -> None:
    """Draw a training log: both losses against the epoch, and where the validation loss is best."""
    train, validation = _read(csv_path)
    axes.plot(*zip(*train, strict=True), color=BLUE, linewidth=2, label="training", marker=_marker(train))
    if validation:
        axes.plot(
            *zip(*validation, strict=True),
            color=VERMILION,
            linewidth=2,
            linestyle="--",  # told apart without colour too
            label="validation",
            marker=_marker(validation),
        )
        epoch, loss = min(validation, key=lambda point: point[1])
        axes.axvline(epoch, color=GREY, linewidth=1, linestyle=":")
        axes.plot(
            [epoch], [loss], "o", color=VERMILION, markersize=8, label=f"best: {loss:.4g} at epoch {epoch:g}"
        )
    losses = [loss for _, loss in train + validation]
    if min(losses) > 0 and max(losses) > 20 * min(losses):
        axes.set_yscale("log")
    style_axes(axes, x_label="epoch", y_label="loss")


def _marker(points: list[tuple[float, float]]) -> str:
    return "." if len(points) <= 30 else ""


def _read(path: Path) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """(epoch, loss) of training and validation."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            for column in ("epoch", "train_loss"):
                if column not in (reader.fieldnames or ()):
                    raise InputError(
                        f"The training log {path} has no column {column}; give a log that train wrote."
                    )
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The training log {path} cannot be read; give a CSV that train wrote.") from error
    train = _points(rows, "train_loss")
    if not train:
        raise InputError(f"The training log {path} holds no finite loss; train for at least one epoch.")
    return train, _points(rows, "val_loss")


def _points(rows: list[dict[str, str]], column: str) -> list[tuple[float, float]]:
    points = []
    for row in rows:
        try:
            point = float(row["epoch"]), float(row[column])
        except (KeyError, TypeError, ValueError):  # an empty cell, or the torn last line of a killed training
            continue
        if all(map(math.isfinite, point)):
            points.append(point)
    return points


def record_counts(
    sizes: Mapping[int, int], elements: Mapping[str, int], above_hull: Sequence[float], out_path: Path
) -> tuple[Path, Path]:
    """Draw how many crystals have each cell size, each element and each energy above hull.

    Args:
        sizes: Crystals by atoms per cell.
        elements: Crystals by element symbol.
        above_hull: Energies above hull in eV/atom; without any that panel is left out.
        out_path: Where to write; the suffix is replaced by .png and .svg.

    Returns:
        The two paths written.

    Raises:
        AlphaCrystalError: The disk refused a figure.
    """
    count = 3 if above_hull else 2
    figure = new_figure(3.0 * count)
    panels = figure.subplots(count, 1, squeeze=False)[:, 0]
    panels[0].bar(list(sizes), list(sizes.values()), color=BLUE)
    style_axes(panels[0], x_label="atoms per cell", y_label="crystals")
    common = sorted(elements.items(), key=lambda item: (-item[1], item[0]))[:_ELEMENTS]
    panels[1].bar([symbol for symbol, _ in common], [number for _, number in common], color=ORANGE)
    style_axes(panels[1], x_label="commonest elements", y_label="crystals with it")
    if above_hull:
        panels[2].hist(list(above_hull), bins=_HULL_BINS, color=GREEN)
        style_axes(panels[2], x_label="energy above hull (eV/atom)", y_label="crystals")
    return save_figure(figure, out_path)
