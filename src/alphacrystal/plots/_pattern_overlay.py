"""A measured powder pattern with the calculated one, their difference and the reflections."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alphacrystal.plots.figure import BLUE, GREY, VERMILION, new_figure, save_figure, style_axes

_GAP = 6.0  # per cent of the highest point between the parts


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
