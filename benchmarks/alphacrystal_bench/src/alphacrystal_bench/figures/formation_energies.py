"""Formation energies of several methods, compound by compound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alphacrystal.plots.figure import BLUE, GREY, ORANGE, VERMILION, new_figure, save_figure, style_axes

_STYLES: tuple[dict[str, Any], ...] = (
    {"marker": "_", "color": GREY, "s": 220, "linewidths": 2.5},
    {"marker": "o", "color": BLUE, "s": 34},
    {"marker": "^", "color": ORANGE, "s": 38},
    {"marker": "x", "color": VERMILION, "s": 34},
)


def formation_energies(
    names: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    out_path: Path,
    *,
    title: str = "",
) -> tuple[Path, Path]:
    """Draw one column per compound and one mark per method; the first method is the reference.

    Args:
        names: Compounds.
        series: For each method one energy in eV/atom per compound, None where there is none; up to four.
        out_path: Where to write; the suffix is replaced by .png and .svg.
        title: Text above.

    Returns:
        The two paths written.

    Raises:
        ValueError: A series has another length, or there are more than four.
        AlphaCrystalError: The disk refused a figure.
    """
    if len(series) > len(_STYLES) or any(len(values) != len(names) for values in series.values()):
        raise ValueError(f"expected up to {len(_STYLES)} series of {len(names)} energies")
    figure = new_figure(4.8)
    axes = figure.subplots()
    for (name, values), style in zip(series.items(), _STYLES, strict=False):
        known = [(place, value) for place, value in enumerate(values) if value is not None]
        axes.scatter([place for place, _ in known], [value for _, value in known], label=name, **style)
    axes.axhline(0.0, color="#9aa1ab", linewidth=0.8)
    axes.set_xticks(range(len(names)), list(names), rotation=90)
    style_axes(axes, x_label="", y_label="formation energy (eV/atom)")
    axes.set_xlim(-0.7, len(names) - 0.3)
    axes.legend(fontsize=10, frameon=False, loc="lower left")
    if title:
        axes.set_title(title, fontsize=12)
    return save_figure(figure, out_path)
