"""How the distances of a data set are spread over equal classes."""

from __future__ import annotations

from pathlib import Path

from alphacrystal.plots.figure import BLUE, ORANGE, new_figure, save_figure, style_axes
from alphacrystal.typing import FloatArray


def distance_shares(
    edges: FloatArray,
    of_entries: FloatArray,
    of_pairs: FloatArray,
    out_path: Path,
    *,
    title: str = "",
) -> tuple[Path, Path]:
    """Draw the shares of the distance classes as bars with their values, as PNG and SVG.

    Args:
        edges: Of the classes in Å, shape (classes + 1,).
        of_entries: Share of each class in all entries of the padded matrices, shape (classes,).
        of_pairs: Share of each class in the pairs of two different atoms, shape (classes,).
        out_path: Where to write; the suffix is replaced by .png and .svg.
        title: Text above the plot.

    Returns:
        The two paths written.

    Raises:
        ValueError: The shapes do not fit.
        AlphaCrystalError: The disk refused a figure.
    """
    if not len(edges) - 1 == len(of_entries) == len(of_pairs) > 0:
        raise ValueError(f"{len(edges)} edges do not fit {len(of_entries)} and {len(of_pairs)} classes")
    centres, width = (edges[1:] + edges[:-1]) / 2, float(edges[1] - edges[0])
    figure = new_figure()
    axes = figure.subplots()
    for shares, side, colour, hatch, label in (
        (of_entries, -1, BLUE, "", "of all entries of the padded matrices (the paper's)"),
        (of_pairs, 1, ORANGE, "//", "of the pairs of two atoms"),
    ):
        places = centres + side * 0.21 * width
        axes.bar(places, 100 * shares, 0.4 * width, color=colour, hatch=hatch, edgecolor="white", label=label)
        for place, share in zip(places.tolist(), shares.tolist(), strict=True):
            if share > 0:
                axes.annotate(
                    _percent(share),
                    (place, 100 * share),
                    textcoords="offset points",
                    xytext=(0, 3),
                    ha="center",
                    rotation=90,
                    fontsize=9,
                )
    axes.set_xticks(edges, [f"{edge:.2f}" for edge in edges])
    axes.set_ylim(0, 118 * float(max(of_pairs.max(), of_entries.max())))
    style_axes(axes, x_label="distance (Å), edges of the classes", y_label="share (%)")
    axes.grid(visible=False, axis="x")
    axes.legend(fontsize=11, frameon=False, loc="upper right")
    if title:
        axes.set_title(title, fontsize=13)
    return save_figure(figure, out_path)


def _percent(share: float) -> str:
    percent = 100 * share
    if percent < 0.01:
        return "< 0.01"
    return f"{percent:.2f}" if percent < 1 else f"{percent:.1f}"
