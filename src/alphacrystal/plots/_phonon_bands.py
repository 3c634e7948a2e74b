"""Phonon frequencies along the band path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alphacrystal.plots.figure import BLUE, GREY, VERMILION, new_figure, save_figure, style_axes
from alphacrystal.typing import FloatArray


def phonon_bands(
    segments: Sequence[tuple[str, str, FloatArray, FloatArray]], out_path: Path, *, title: str = ""
) -> tuple[Path, Path]:
    """Draw phonon bands as PNG and SVG, imaginary frequencies below zero in another colour.

    Args:
        segments: First and last label, distances in 1/Å, shape (points,), and frequencies in THz, shape
            (points, bands), of each straight part of the path.
        out_path: Where to write; the suffix is replaced by .png and .svg.
        title: Text above the plot.

    Returns:
        The two paths written.

    Raises:
        ValueError: There is no segment.
        AlphaCrystalError: The disk refused a figure.
    """
    if not segments:
        raise ValueError("there are no bands to plot")
    figure = new_figure()
    axes = figure.subplots()
    ticks: dict[float, list[str]] = {}
    for begin, end, distances, frequencies in segments:
        axes.plot(distances, frequencies, color=BLUE, linewidth=1.2)
        imaginary = np.where(frequencies <= 0, frequencies, np.nan)
        axes.plot(distances, imaginary, color=VERMILION, linewidth=1.2)
        for label, place in ((begin, distances[0]), (end, distances[-1])):
            names = ticks.setdefault(round(float(place), 6), [])
            if label not in names:
                names.append(label)
    for place in ticks:
        axes.axvline(place, color=GREY, linewidth=0.6)
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.set_xlim(min(ticks), max(ticks))
    style_axes(axes, x_label="wave vector", y_label="frequency (THz)", title=title)
    axes.set_xticks(list(ticks), ["|".join(names) for names in ticks.values()])
    return save_figure(figure, out_path)
