"""Enthalpies of phases, and phases on a hull, against pressure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
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

_COLOURS = (BLUE, VERMILION, GREEN, ORANGE, "#cc79a7", "#56b4e9")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_WINDOW = 0.4  # eV/atom above the reference that the axis shows at most
_HEIGHTS = 4  # lines of the pressures of transitions, one below the other


@dataclass(frozen=True, slots=True, eq=False)
class EnthalpyCurve:
    """Enthalpies of one phase relative to a reference, eV/atom.

    Attributes:
        name: For the legend.
        pressures: Computed pressures in GPa, shape (n,).
        enthalpies: Shape (n,).
        line_pressures: Pressures of the line in GPa, shape (m,).
        line_enthalpies: Shape (m,).
    """

    name: str
    pressures: FloatArray
    enthalpies: FloatArray
    line_pressures: FloatArray
    line_enthalpies: FloatArray


def enthalpy_pressure(
    curves: Sequence[EnthalpyCurve],
    out_path: Path,
    *,
    transitions: Sequence[float] = (),
    title: str = "",
) -> tuple[Path, Path]:
    """Plot enthalpies relative to the first phase as PNG and SVG.

    Args:
        curves: Of the phases, the reference first; after the first six they are grey and have no name.
        out_path: Where to write; the suffix is replaced by .png and .svg.
        transitions: Pressures in GPa that vertical lines mark.
        title: Text above the plot.

    Returns:
        The two paths written.

    Raises:
        ValueError: There is no phase.
        AlphaCrystalError: The disk refused a figure.
    """
    if not curves:
        raise ValueError("there is no phase to plot")
    named = len(_COLOURS)
    figure = new_figure()
    axes = figure.subplots()
    for number, curve in enumerate(curves):
        first = number < named
        colour = _COLOURS[number] if first else GREY
        line = axes.plot(curve.line_pressures, curve.line_enthalpies, color=colour)[0]
        line.set(linewidth=1.8 if first else 0.8, zorder=3 if first else 2)
        if first:
            points = axes.plot(curve.pressures, curve.enthalpies, color=colour, label=curve.name)[0]
            points.set(marker=_MARKERS[number], linestyle="none", zorder=4)
    for place, pressure in enumerate(transitions):
        axes.axvline(pressure, color=GREY, linestyle="--", linewidth=1)
        axes.annotate(
            f"{pressure:.3g} GPa",
            (pressure, 0.0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            xytext=(4, 6 + 14 * (place % _HEIGHTS)),
            fontsize=11,
        )
    low = min(float(curve.line_enthalpies.min()) for curve in curves)
    high = max(float(curve.line_enthalpies.max()) for curve in curves[:named])
    top = min(max(high, 0.05), _WINDOW)
    axes.set_ylim(low - 0.2 * (top - low), top + 0.05 * (top - low))
    style_axes(
        axes, x_label="pressure (GPa)", y_label="enthalpy relative to the first phase (eV/atom)", title=title
    )
    figure.legend(fontsize=11, frameon=False, loc="outside right upper")
    return save_figure(figure, out_path)


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
    style_axes(axes, x_label="pressure (GPa)", y_label="phase on the hull", title=title)
    return save_figure(figure, out_path)
