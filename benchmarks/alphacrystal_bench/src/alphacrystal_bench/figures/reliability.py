"""Predicted probabilities and observed frequencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from alphacrystal.typing import FloatArray

# Told apart without colour too.
_STYLES = ((BLUE, "o", "-"), (VERMILION, "s", "--"), (GREEN, "^", "-."), (ORANGE, "D", ":"))
_COLUMNS = 2
_PANEL_WIDTH = 4.0  # inches
_PANEL_HEIGHT = 4.8  # inches, with the legend below


@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityPanel:
    """One diagram: up to four curves of observed frequency against stated probability.

    Attributes:
        title: Text above it.
        x_label, y_label: Names of the axes; both run from 0 to 1.
        curves: Stated and observed values by label, shape (points,) each.
    """

    title: str
    x_label: str
    y_label: str
    curves: Mapping[str, tuple[FloatArray, FloatArray]]


def reliability_diagrams(panels: Sequence[ReliabilityPanel], out_path: Path) -> tuple[Path, Path]:
    """Draw reliability diagrams, two in a row, as PNG and SVG; calibrated ones follow the diagonal.

    Args:
        panels: Panels, row by row.
        out_path: Where to write; the suffix is replaced by .png and .svg.

    Returns:
        The two paths written.

    Raises:
        ValueError: There is nothing to draw, or a panel has more than four curves.
        AlphaCrystalError: The disk refused a figure.
    """
    if not panels:
        raise ValueError("expected at least one panel")
    columns = min(len(panels), _COLUMNS)
    rows = -(-len(panels) // columns)
    figure = new_figure(_PANEL_HEIGHT * rows, width=_PANEL_WIDTH * columns)
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip(places, panels, strict=False):
        if len(panel.curves) > len(_STYLES):
            raise ValueError(f"expected at most {len(_STYLES)} curves, got {len(panel.curves)}")
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
        for (label, (stated, observed)), (colour, marker, line) in zip(
            panel.curves.items(), _STYLES, strict=False
        ):
            axes.plot(
                stated,
                observed,
                color=colour,
                marker=marker,
                linestyle=line,
                linewidth=1.8,
                markersize=6,
                label=label,
            )
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        style_axes(axes, x_label=panel.x_label, y_label=panel.y_label)
        axes.legend(fontsize=9.5, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.15))
        axes.set_title(panel.title, fontsize=12)
    for axes in places[len(panels) :]:
        axes.set_visible(False)
    return save_figure(figure, out_path)
