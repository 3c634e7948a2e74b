"""Chemical potentials at which the phases of a system are stable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

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
from alphacrystal.typing import FloatArray

_COLOURS = (BLUE, ORANGE, GREEN, VERMILION, "#cc79a7", "#56b4e9", "#f0e442", GREY)


def chemical_potentials(
    corners: Mapping[str, FloatArray], elements: Sequence[str], out_path: Path, *, title: str = ""
) -> tuple[Path, Path]:
    """Plot the regions of the chemical potentials of a binary or ternary system as PNG and SVG.

    Args:
        corners: Typeset formula to the corners of its region, relative to the elements in eV, shape
            (corners, elements).
        elements: Two or three symbols.
        out_path: Where to write; the suffix is replaced by .png and .svg.
        title: Text above the plot.

    Returns:
        The two paths written.

    Raises:
        ValueError: There are not two or three elements.
        AlphaCrystalError: The disk refused a figure.
    """
    if len(elements) not in (2, 3):
        raise ValueError("the potentials of two or three elements can be drawn")
    figure = new_figure(5.0)
    axes = figure.subplots()
    for number, (name, points) in enumerate(corners.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        x, y = _ordered(points[:, :2]).T
        if len(elements) == 2 or len(points) < 3:
            axes.plot(x, y, color=colour, linewidth=3, solid_capstyle="butt")
        else:
            axes.fill(x, y, color=colour, alpha=0.35, linewidth=0)
            axes.plot([*x, x[0]], [*y, y[0]], color=colour, linewidth=1)
        axes.annotate(name, (float(x.mean()), float(y.mean())), ha="center", va="center", fontsize=10)
    x_name, y_name = (f"Δμ({symbol}) (eV)" for symbol in elements[:2])
    style_axes(axes, x_label=x_name, y_label=y_name, title=title)
    return save_figure(figure, out_path)


def _ordered(points: FloatArray) -> FloatArray:
    """Corners of a convex region in order around its centre."""
    centre = points.mean(axis=0)
    angles = np.arctan2(*(points - centre).T[::-1])
    return np.asarray(points[np.argsort(angles, kind="stable")])
