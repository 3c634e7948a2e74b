"""True and predicted distance matrices with the cells marked that are predicted right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alphacrystal.plots.figure import DISTANCE_COLOURS, atom_labels, new_figure, save_figure, text_on
from alphacrystal.typing import BoolArray, FloatArray


def matching_distances(
    true: FloatArray,
    predicted: FloatArray,
    matching: BoolArray,
    species: Sequence[str],
    out_path: Path,
    *,
    title: str = "",
) -> tuple[Path, Path]:
    """Draw two distance matrices on one colour scale, the predicted one coloured where it is right.

    Args:
        true: Distances in Å, shape (n, n).
        predicted: Distances in Å over the same atoms, shape (n, n).
        matching: Cells of the predicted matrix that are right, shape (n, n).
        species: Element of each atom, length n.
        out_path: Where to write; the suffix is replaced by .png and .svg.
        title: Text above both maps.

    Returns:
        The two paths written.

    Raises:
        ValueError: The shapes do not fit.
        AlphaCrystalError: The disk refused a figure.
    """
    size = len(species)
    if not true.shape == predicted.shape == matching.shape == (size, size):
        raise ValueError(f"expected ({size}, {size}), got {true.shape}, {predicted.shape}, {matching.shape}")
    off_diagonal = ~np.eye(size, dtype=bool)
    longest = max(0.1, *(float(matrix[off_diagonal].max(initial=0.0)) for matrix in (true, predicted)))
    font = max(7.5, min(12.0, 110 / size))
    labels = atom_labels(species)
    figure = new_figure(5.7)
    panels = figure.subplots(1, 2, squeeze=False)[0]
    for axes, matrix, coloured, name in (
        (panels[0], true, off_diagonal, "True"),
        (panels[1], predicted, off_diagonal & matching, "Predicted, coloured where right"),
    ):
        image = axes.imshow(
            np.where(coloured, matrix, np.nan),
            cmap=DISTANCE_COLOURS,
            vmin=0.0,
            vmax=longest,
            interpolation="nearest",
        )
        axes.set_facecolor("#eceff3")
        axes.set_xticks(range(size), labels, fontsize=font, rotation=90)
        axes.set_yticks(range(size), labels, fontsize=font)
        axes.set_title(name, fontsize=12)
        for row, column in np.argwhere(off_diagonal).tolist():
            distance = float(matrix[row, column])
            axes.text(
                column,
                row,
                f"{distance:.1f}",
                ha="center",
                va="center",
                color=text_on(distance / longest) if coloured[row, column] else "black",
                fontsize=font,
                fontweight="bold" if coloured[row, column] and matrix is predicted else "normal",
            )
    bar = figure.colorbar(image, ax=list(panels), orientation="horizontal", shrink=0.6, aspect=40, pad=0.03)
    bar.set_label("distance (Å)", fontsize=12)
    if title:
        figure.suptitle(title, fontsize=12)
    return save_figure(figure, out_path)
