"""Energy per atom against volume per atom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alphacrystal.plots.figure import BLUE, GREY, VERMILION, new_figure, save_figure, style_axes

_NAMED = 5
_CLOSE = 0.03  # of the spread of the points


def energy_volume(
    volumes: Sequence[float],
    energies: Sequence[float],
    out_path: Path,
    *,
    ranks: Sequence[int | None] | None = None,
    converged: Sequence[bool] | None = None,
    title: str = "",
    quantity: str = "energy (eV/atom)",
) -> tuple[Path, Path]:
    """Plot energies against volumes as PNG and SVG.

    Args:
        volumes: Å³/atom, length n.
        energies: eV/atom, length n.
        out_path: Where to write; the suffix is replaced by .png and .svg.
        ranks: Rank of each structure in the final list, None for a candidate that is not in it; the first
            five are written next to their points. By default all are ranked in the given order.
        converged: Whether each relaxation converged; all by default.
        title: Text above the plot.
        quantity: Name of the quantity in ``energies``, for the axis.

    Returns:
        The two paths written.

    Raises:
        ValueError: The lengths differ, or there is nothing to plot.
        AlphaCrystalError: The disk refused a figure.
    """
    count = len(volumes)
    places = list(range(1, count + 1)) if ranks is None else list(ranks)
    done = [True] * count if converged is None else list(converged)
    if not count or not len(energies) == len(places) == len(done) == count:
        raise ValueError(f"expected {count} > 0 of each, got {len(energies)}, {len(places)} and {len(done)}")
    x, y = np.asarray(volumes, dtype=np.float64), np.asarray(energies, dtype=np.float64)
    ranked = np.array([place is not None for place in places])
    good = ranked & np.array(done)
    figure = new_figure()
    axes = figure.subplots()
    for chosen, label, marker, size, fill, edge in (
        (~ranked, "other candidate", "o", 6, "none", GREY),
        (ranked & ~good, "ranked, not converged", "X", 9, VERMILION, "white"),
        (good, "ranked structure", "o", 8, BLUE, "white"),
    ):
        if chosen.any():
            points = axes.plot(x[chosen], y[chosen], linestyle="none", marker=marker, label=label)[0]
            points.set(markersize=size, markerfacecolor=fill, markeredgecolor=edge)
    named: list[int] = []
    for _, index in sorted((p, i) for i, p in enumerate(places) if p is not None and p <= _NAMED):
        # Beside a better one's name this one stands on the other side of its point.
        beside = any(
            abs(x[index] - x[other]) < _CLOSE * np.ptp(x) and abs(y[index] - y[other]) < _CLOSE * np.ptp(y)
            for other in named
        )
        named.append(index)
        axes.annotate(
            str(places[index]),
            (x[index], y[index]),
            textcoords="offset points",
            xytext=(-7 if beside else 7, 5),
            ha="right" if beside else "left",
            fontsize=11,
        )
    axes.margins(0.08)
    axes.ticklabel_format(useOffset=False)
    style_axes(axes, x_label="volume (Å³/atom)", y_label=quantity, title=title)
    axes.legend(fontsize=11, frameon=False)
    return save_figure(figure, out_path)
