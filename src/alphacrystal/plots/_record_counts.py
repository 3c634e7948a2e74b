"""Counts of a set of known crystals: cell sizes, most common elements, energies above hull."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from alphacrystal.plots.figure import BLUE, GREEN, ORANGE, new_figure, save_figure, style_axes

_ELEMENTS = 20  # the commonest
_HULL_BINS = 40


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
