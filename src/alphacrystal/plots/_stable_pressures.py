"""Phases on the hull of a system by pressure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from alphacrystal.plots.figure import BLUE, new_figure, save_figure, style_axes


def stable_pressures(
    stable: Mapping[str, Mapping[float, str]],
    pressures: Sequence[float],
    out_path: Path,
    *,
    title: str = "",
) -> tuple[Path, Path]:
    """Plot the pressures at which each formula is on the hull as PNG and SVG.

    Args:
        stable: Typeset formula to the space group of its phase at each pressure where it is on the hull, in
            the order of composition.
        pressures: GPa, ascending.
        out_path: Where to write; the suffix is replaced by .png and .svg.
        title: Text above the plot.

    Returns:
        The two paths written.

    Raises:
        AlphaCrystalError: The disk refused a figure.
    """
    figure = new_figure(max(3.0, 0.42 * len(stable) + 1.4))
    axes = figure.subplots()
    for row, groups in enumerate(stable.values()):
        for left, right in pairwise(pressures):
            if left in groups and right in groups:
                axes.plot([left, right], [row, row], color=BLUE, linewidth=4, alpha=0.45, zorder=2)
        axes.scatter(list(groups), [row] * len(groups), color=BLUE, s=45, zorder=3)
        for pressure, group in groups.items():
            axes.annotate(
                group, (pressure, row), xytext=(0, 7), textcoords="offset points", ha="center", fontsize=9
            )
    axes.set_yticks(range(len(stable)), list(stable))
    axes.set_ylim(-0.6, len(stable) - 0.2)
    style_axes(axes, x_label="pressure (GPa)", y_label="phase on the hull")
    if title:
        axes.set_title(title, fontsize=13)
    return save_figure(figure, out_path)
