"""Predicted and final distances of a structure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alphacrystal.plots.figure import DISTANCE_COLOURS, atom_labels, new_figure, save_figure, text_on
from alphacrystal.typing import FloatArray


def distance_matrices(
    predicted: FloatArray,
    actual: FloatArray,
    species: Sequence[str],
    out_path: Path,
    *,
    titles: tuple[str, str] = ("Predicted", "In the structure"),
    by_orbits: bool = False,
) -> tuple[Path, Path]:
    """Draw two distance matrices as heat maps on one colour scale, as PNG and SVG.

    Args:
        predicted: Distances in Å, shape (n, n).
        actual: Distances in Å over the same atoms in the same order, shape (n, n).
        species: Element of each atom, or label of each orbit, length n.
        out_path: Where to write; the suffix is replaced by .png and .svg.
        titles: Above the left and the right map.
        by_orbits: Whether rows are orbits, with their labels in ``species`` and their shortest distances.

    Returns:
        The two paths written.

    Raises:
        ValueError: The shapes do not fit.
        AlphaCrystalError: The disk refused a figure.
    """
    size = len(species)
    if predicted.shape != (size, size) or actual.shape != (size, size):
        raise ValueError(f"expected two ({size}, {size}) matrices, got {predicted.shape} and {actual.shape}")
    longest = max(float(predicted.max(initial=0.0)), float(actual.max(initial=0.0)), 0.1)
    labels, unit = (list(species), "orbit") if by_orbits else (atom_labels(species), "atom")
    figure = new_figure(4.4)
    panels = figure.subplots(1, 2, squeeze=False)[0]
    for axes, matrix, title in zip(panels, (predicted, actual), titles, strict=True):
        image = axes.imshow(matrix, cmap=DISTANCE_COLOURS, vmin=0.0, vmax=longest, interpolation="nearest")
        font = max(6.0, min(11.0, 120 / size))
        axes.set_xticks(range(size), labels, fontsize=font, rotation=90 if size > 6 else 0)
        axes.set_yticks(range(size), labels, fontsize=font)
        axes.set_title(title, fontsize=12)
        axes.set_xlabel(unit, fontsize=12)
        if size <= 8:
            for (row, column), distance in np.ndenumerate(matrix):
                colour = text_on(distance / longest)
                axes.text(column, row, f"{distance:.2f}", ha="center", va="center", color=colour, fontsize=9)
    panels[0].set_ylabel(unit, fontsize=12)
    bar = figure.colorbar(image, ax=list(panels), shrink=0.85)
    bar.set_label("shortest distance (Å)" if by_orbits else "distance (Å)", fontsize=12)
    return save_figure(figure, out_path)
