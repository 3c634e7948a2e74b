"""Size, colours, labels and files of all figures; the same data give the same files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.runtime.atomic_write import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's colours, told apart by colour-blind eyes (https://jfly.uni-koeln.de/color/).
BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#6b7280"
DISTANCE_COLOURS = "viridis"

_WIDTH = 8.0  # inches; 800 px at the resolution below
_DOTS_PER_INCH = 100
_FONT_SIZE = 12.0
_EVEN = 0.179  # relative luminance on which black and white stand out alike


def new_figure(height: float = 5.0, *, width: float = _WIDTH) -> Figure:
    """An empty figure of ``width`` × ``height`` inches on the Agg canvas, outside pyplot's global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def style_axes(axes: Axes, *, x_label: str, y_label: str, title: str = "") -> None:
    """Name the axes (with units), write the title, and draw a light grid."""
    axes.set_title(title, fontsize=_FONT_SIZE + 1)
    axes.set_xlabel(x_label, fontsize=_FONT_SIZE)
    axes.set_ylabel(y_label, fontsize=_FONT_SIZE)
    axes.tick_params(labelsize=_FONT_SIZE - 1)
    axes.grid(visible=True, color="#d8dde5", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def text_on(fraction: float) -> str:
    """Black or white, the one with more contrast on the colour of ``DISTANCE_COLOURS`` at this fraction."""
    from matplotlib import colormaps

    parts = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in colormaps[DISTANCE_COLOURS](float(fraction))[:3]
    ]
    luminance = 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]  # WCAG 2.2
    return "white" if luminance < _EVEN else "black"


def atom_labels(species: Sequence[str]) -> list[str]:
    """Element and its running number of each atom, e.g. Eu1, Si1, Si2."""
    seen: dict[str, int] = {}
    labels = []
    for symbol in species:
        seen[symbol] = seen.get(symbol, 0) + 1
        labels.append(f"{symbol}{seen[symbol]}")
    return labels


def save_figure(figure: Figure, path: Path) -> tuple[Path, Path]:
    """Write the figure as PNG and SVG with the name of ``path`` and return the two paths.

    Raises:
        InputError: The path names no file.
        AlphaCrystalError: The disk refused a file.
    """
    from matplotlib import rc_context

    if not path.name:
        raise InputError("A figure needs the name of a file.")

    written = []
    for suffix in (".png", ".svg"):
        target = path.with_suffix(suffix)
        stream = io.BytesIO()
        # No date, and names of clip paths from the content alone: the same data give the same file.
        metadata = {"Software": None} if suffix == ".png" else {"Date": None}
        with rc_context({"svg.hashsalt": "alphacrystal"}):
            figure.savefig(stream, format=suffix[1:], dpi=_DOTS_PER_INCH, metadata=metadata)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target) as unfinished:
                unfinished.write_bytes(stream.getvalue())
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise AlphaCrystalError(
                f"Cannot write the figure {target}: {reason}; choose another path."
            ) from error
        written.append(target)
    return written[0], written[1]
