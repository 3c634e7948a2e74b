"""Powder diffraction patterns: lines, and a measured pattern with the calculated one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alphacrystal.plots.figure import BLUE, GREY, VERMILION, new_figure, save_figure, style_axes

_NAMED = 10.0  # per cent; weaker peaks bear no name
_ROOM = 4.0  # degrees of 2θ that a name takes
_GAP = 6.0  # per cent of the highest point between the parts


def powder_lines(
    angles: Sequence[float],
    intensities: Sequence[float],
    names: Sequence[str],
    out_path: Path,
    *,
    radiation: str = "Cu Kα",
    title: str = "",
) -> tuple[Path, Path]:
    """Plot a powder pattern as one line per peak, as PNG and SVG; the strongest bear their names.

    Args:
        angles: 2θ of each peak in degrees, length n.
        intensities: Per cent of the strongest peak, length n.
        names: Miller indices of each peak, length n.
        out_path: Where to write; the suffix is replaced by .png and .svg.
        radiation: Of the angles, for the axis.
        title: Text above the plot.

    Returns:
        The two paths written.

    Raises:
        ValueError: The lengths differ, or there is nothing to plot.
        AlphaCrystalError: The disk refused a figure.
    """
    if not len(angles) or not len(angles) == len(intensities) == len(names):
        raise ValueError(f"expected {len(angles)} > 0 of each, got {len(intensities)} and {len(names)}")
    x, y = np.asarray(angles, dtype=np.float64), np.asarray(intensities, dtype=np.float64)
    figure = new_figure(4.4)
    axes = figure.subplots()
    axes.vlines(x, 0.0, y, color=BLUE, linewidth=1.5)
    for peak in _nameable(x, y):
        axes.annotate(
            names[peak],
            (x[peak], y[peak]),
            textcoords="offset points",
            xytext=(0, 4),
            ha="center",
            fontsize=10,
        )
    axes.set_xlim(min(10.0, float(x.min()) - 1.0), max(90.0, float(x.max())))
    axes.set_ylim(0.0, 112.0)
    style_axes(
        axes, x_label=f"2θ (°), {radiation}", y_label="intensity (% of the strongest peak)", title=title
    )
    return save_figure(figure, out_path)


def _nameable(x: np.ndarray, y: np.ndarray) -> list[int]:
    """Peaks with room for a name, from the strongest on: no higher line and no other name within reach."""
    chosen: list[int] = []
    for peak in np.argsort(-y, kind="stable"):
        if y[peak] < _NAMED:
            break
        near = np.abs(x - x[peak]) < _ROOM / 2
        if (y[near] > y[peak]).any() or any(abs(x[other] - x[peak]) < _ROOM for other in chosen):
            continue
        chosen.append(int(peak))
    return chosen


def pattern_overlay(
    two_theta: Sequence[float],
    observed: Sequence[float],
    calculated: Sequence[float],
    marks: Sequence[float],
    out_path: Path,
    *,
    unexplained: Sequence[float] = (),
    title: str = "",
) -> tuple[Path, Path]:
    """Plot measured and calculated intensities, reflection marks and the difference, as PNG and SVG.

    Args:
        two_theta: Angles in degrees, length n.
        observed: Measured intensities, per cent of the highest, length n.
        calculated: Calculated intensities on the same scale, length n.
        marks: 2θ of the reflections in degrees.
        out_path: Where to write; the suffix is replaced by .png and .svg.
        unexplained: 2θ in degrees of measured peaks without a reflection.
        title: Text above the plot.

    Returns:
        The two paths written.

    Raises:
        ValueError: The lengths differ, or there is nothing to plot.
        AlphaCrystalError: The disk refused a figure.
    """
    if not len(two_theta) or not len(two_theta) == len(observed) == len(calculated):
        raise ValueError(f"expected {len(two_theta)} > 0 points, got {len(observed)} and {len(calculated)}")
    x, measured, model = (np.asarray(part, dtype=np.float64) for part in (two_theta, observed, calculated))
    difference = measured - model
    below = -_GAP - float(difference.max(initial=0.0))
    figure = new_figure(4.8)
    axes = figure.subplots()
    axes.plot(x, measured, ".", color=GREY, markersize=2.5, label="measured")
    axes.plot(x, model, color=BLUE, linewidth=1.2, label="calculated")
    inside = [mark for mark in marks if x[0] <= mark <= x[-1]]
    axes.vlines(inside, -_GAP * 0.8, -_GAP * 0.2, color="black", linewidth=0.8)
    axes.plot(x, difference + below, color=VERMILION, linewidth=0.8, label="difference")
    if len(unexplained):
        heights = [103.0] * len(unexplained)
        axes.plot(unexplained, heights, "v", color=VERMILION, markersize=6, label="unexplained peaks")
    axes.set_xlim(float(x[0]), float(x[-1]))
    style_axes(axes, x_label="2θ (°)", y_label="intensity (% of the highest point)", title=title)
    axes.legend(frameon=False, fontsize=11, loc="upper right")
    return save_figure(figure, out_path)
