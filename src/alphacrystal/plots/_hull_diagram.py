"""The convex hull of a chemical system: a curve, a triangle or a tetrahedron."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.plots.figure import (
    BLUE,
    DISTANCE_COLOURS,
    GREY,
    VERMILION,
    new_figure,
    save_figure,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from alphacrystal.typing import FloatArray

_FAR = 0.2  # eV/atom above the hull at the end of the colours
_TURN = np.array([[0.88, 0.0, 0.48], [0.14, 0.95, -0.26]])  # projection of the tetrahedron


@dataclass(frozen=True, slots=True)
class HullPoint:
    """A phase of the figure.

    Attributes:
        name: Typeset formula.
        fractions: Atomic fraction of each element.
        formation: Formation energy in eV/atom.
        above: eV/atom above the hull.
        stable: Whether it is on the hull.
        predicted: Whether its structure was predicted.
    """

    name: str
    fractions: tuple[float, ...]
    formation: float
    above: float
    stable: bool
    predicted: bool


def hull_diagram(
    points: Sequence[HullPoint],
    edges: Sequence[tuple[int, int]],
    elements: Sequence[str],
    out_path: Path,
    *,
    quantity: str = "energy",
    title: str = "",
) -> tuple[Path, Path]:
    """Plot the hull as PNG and SVG.

    Args:
        points: Phases.
        edges: Pairs of phases, by index, that coexist on the hull.
        elements: Two to four symbols of the system.
        out_path: Where to write; the suffix is replaced by .png and .svg.
        quantity: "energy" or "enthalpy".
        title: Text above the plot.

    Returns:
        The two paths written.

    Raises:
        ValueError: There are fewer than two or more than four elements.
        AlphaCrystalError: The disk refused a figure.
    """
    if not 2 <= len(elements) <= 4:
        raise ValueError("a hull has two to four elements")
    figure = new_figure(5.0 if len(elements) == 2 else 6.4)
    axes = figure.subplots()
    if len(elements) == 2:
        _curve(axes, points, elements, quantity)
    else:
        _simplex(figure, axes, points, edges, elements)
    if title:
        axes.set_title(title, fontsize=13)
    return save_figure(figure, out_path)


def _curve(axes: Axes, points: Sequence[HullPoint], elements: Sequence[str], quantity: str) -> None:
    line = sorted((point for point in points if point.stable), key=lambda point: point.fractions[1])
    axes.plot([p.fractions[1] for p in line], [p.formation for p in line], color=BLUE, zorder=3)
    low = min((point.formation for point in points), default=0.0)
    high = max(0.1, -0.6 * low)
    _scatter(axes, points, [(p.fractions[1], min(p.formation, high)) for p in points])
    for point in line:
        axes.annotate(
            point.name,
            (point.fractions[1], point.formation),
            xytext=(0, -15),
            textcoords="offset points",
            ha="center",
            fontsize=11,
        )
    axes.set_ylim(min(low, -0.02) * 1.15, high * 1.08)
    style_axes(axes, x_label=f"fraction of {elements[1]}", y_label=f"formation {quantity} (eV/atom)")


def _scatter(axes: Axes, points: Sequence[HullPoint], places: Sequence[tuple[float, float]]) -> None:
    above = [index for index, point in enumerate(points) if not point.stable]
    predicted = [index for index, point in enumerate(points) if point.stable and point.predicted]
    other = [index for index, point in enumerate(points) if point.stable and not point.predicted]

    def coordinates(chosen: Sequence[int]) -> tuple[list[float], list[float]]:
        return [places[index][0] for index in chosen], [places[index][1] for index in chosen]

    distances = [points[index].above for index in above]
    axes.scatter(*coordinates(above), s=18, c=distances, cmap=DISTANCE_COLOURS, vmin=0, vmax=_FAR, zorder=2)
    axes.scatter(*coordinates(predicted), s=55, color=BLUE, edgecolors="white", zorder=4)
    axes.scatter(
        *coordinates(other), s=50, facecolors="white", edgecolors=VERMILION, linewidths=1.8, zorder=4
    )


def _simplex(
    figure: Figure,
    axes: Axes,
    points: Sequence[HullPoint],
    edges: Sequence[tuple[int, int]],
    elements: Sequence[str],
) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    corners = _corners(len(elements))
    places = [tuple(np.asarray(point.fractions) @ corners) for point in points]
    for a, b in combinations(range(len(elements)), 2):
        axes.plot(*corners[[a, b]].T, color=GREY, linewidth=1, zorder=1)
    for a, b in edges:
        axes.plot(*zip(places[a], places[b], strict=True), color=BLUE, linewidth=1.1, zorder=3)
    _scatter(axes, points, places)
    centre = corners.mean(axis=0)
    for symbol, corner in zip(elements, corners, strict=True):
        x, y = corner + 0.09 * (corner - centre) / np.linalg.norm(corner - centre)
        axes.text(x, y, symbol, ha="center", va="center", fontsize=14, weight="bold")
    for point, place in zip(points, places, strict=True):
        if point.stable and max(point.fractions) < 1:
            axes.annotate(
                point.name,
                place,
                xytext=(0, -15),
                textcoords="offset points",
                ha="center",
                fontsize=10,
                zorder=5,
            )
    axes.set_aspect("equal")
    axes.axis("off")
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, _FAR), DISTANCE_COLOURS), ax=axes, shrink=0.6, extend="max"
    )
    bar.set_label("above hull (eV/atom)", fontsize=11)


def _corners(count: int) -> FloatArray:
    """Places of the elements, shape (count, 2)."""
    if count == 3:
        return np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])
    solid = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    return np.asarray(solid @ _TURN.T)
