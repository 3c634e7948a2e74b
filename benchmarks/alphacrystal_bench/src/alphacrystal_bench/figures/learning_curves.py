"""Errors against the size of training data or networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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

STYLES = ((BLUE, "o", "-"), (VERMILION, "s", "--"), (GREEN, "^", "-."), (ORANGE, "D", ":"), (GREY, "v", "-"))


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a panel.

    Attributes:
        label: For the legend.
        sizes: Positive, ascending.
        values: One for each size, in the unit of the panel.
        goal: Value to reach, drawn as a thin line; None for none.
    """

    label: str
    sizes: tuple[float, ...]
    values: tuple[float, ...]
    goal: float | None = None


@dataclass(frozen=True, slots=True)
class CurvePanel:
    """Curves over one logarithmic axis.

    Attributes:
        title: Above the panel.
        x_label, y_label: With units.
        curves: Curves to draw.
    """

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]


def learning_curve_panels(panels: Sequence[CurvePanel], out_path: Path) -> tuple[Path, Path]:
    """Draw panels in rows of two as PNG and SVG.

    Args:
        panels: At least one.
        out_path: Where to write; the suffix is replaced by .png and .svg.

    Returns:
        The two paths written.

    Raises:
        AlphaCrystalError: The disk refused a figure.
    """
    rows = (len(panels) + 1) // 2
    figure = new_figure(4.0 * rows, width=10.0)
    grid = figure.subplots(rows, 2, squeeze=False).ravel()
    for axes, panel in zip(grid, panels, strict=False):
        for (colour, marker, line), curve in zip(STYLES, panel.curves, strict=False):
            axes.plot(
                curve.sizes,
                curve.values,
                color=colour,
                marker=marker,
                linestyle=line,
                linewidth=2,
                label=curve.label,
            )
            if curve.goal is not None:
                axes.axhline(curve.goal, color=colour, linewidth=0.8, linestyle=(0, (1, 3)))
        axes.set_xscale("log")
        style_axes(axes, x_label=panel.x_label, y_label=panel.y_label)
        axes.set_title(panel.title, fontsize=12)
        axes.legend(fontsize=9, frameon=False)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    return save_figure(figure, out_path)
