"""Crystals side by side, drawn as balls and sticks in their cells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.plots._drawn_crystal import STICK_RADIUS, DrawnCrystal, drawn_crystal
from alphacrystal.plots.figure import new_figure, save_figure
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch
    from pymatgen.core import Structure

_TURN, _TILT = 18.0, 12.0  # degrees: of the viewer around c, starting at a, and above the a-b plane
_PANEL = 2.9  # inches
_PIECES = 8  # of an edge of the cell, each drawn behind or in front of the atoms
_OUTLINE = "#303030"


def crystal_panels(
    rows: Sequence[Sequence[tuple[str, Structure | None]]], out_path: Path, *, width: float = 8.0
) -> tuple[Path, Path]:
    """Draw a grid of titled crystals; None leaves a panel empty.

    The axis c points upwards, and the projection is parallel. Atoms on a face of the cell are drawn on the
    opposite one too. Sticks connect atoms up to 1.15 times the sum of their covalent radii.

    Args:
        rows: For each row its panels, title and structure.
        out_path: Where to write; the suffix is replaced by .png and .svg.
        width: Width of the figure in inches, at 100 pixels per inch.

    Returns:
        The two paths written.

    Raises:
        ValueError: There are no panels, or the rows differ in length.
        AlphaCrystalError: The disk refused a figure.
    """
    if not rows or len({len(row) for row in rows}) != 1:
        raise ValueError("rows of equally many panels are needed")
    figure = new_figure(_PANEL * len(rows), width=width)
    grid = figure.subplots(len(rows), len(rows[0]), squeeze=False)
    for row, line in zip(rows, grid, strict=True):
        for (title, structure), axes in zip(row, line, strict=True):
            axes.set_title(title, fontsize=11)
            axes.set_axis_off()
            if structure is None:
                axes.text(0.5, 0.5, "none", ha="center", va="center", transform=axes.transAxes)
            else:
                _draw(axes, drawn_crystal(_upright(structure)))
    return save_figure(figure, out_path)


def _upright(structure: Structure) -> Structure:
    """The same crystal with c along z and a in the x-z plane."""
    from pymatgen.core import Lattice, Structure

    lattice = Lattice.from_parameters(*structure.lattice.parameters)
    return Structure(lattice, structure.species, structure.frac_coords)


def _draw(axes: Axes, drawn: DrawnCrystal) -> None:
    """Draw a crystal from back to front, and name the elements below it."""
    from matplotlib.lines import Line2D

    atoms = drawn.positions @ _view()  # (atoms, 3): right, up, towards the viewer
    patches = [*_balls(drawn, atoms), *_sticks(drawn, atoms)]
    for depth, patch in patches:
        patch.set_zorder(depth)
        axes.add_patch(patch)
    edges = drawn.edges @ _view()  # (12, 2, 3)
    steps = np.linspace(0, 1, _PIECES + 1)[:, None]
    for start, end in edges:
        points = start + steps * (end - start)  # (pieces + 1, 3)
        for one, other in pairwise(points):
            x, y, depth = np.stack([one, other]).T
            axes.add_line(Line2D(x, y, color="#8a8f98", linewidth=0.9, zorder=float(depth.mean())))
    for symbol, element in drawn.elements.items():
        axes.scatter([], [], color=[element["colour"]], edgecolors=_OUTLINE, label=symbol, s=40)
    spacing = {"columnspacing": 0.8, "handletextpad": 0.1}
    axes.legend(fontsize=9, frameon=False, loc="upper center", ncols=4, bbox_to_anchor=(0.5, 0.02), **spacing)
    axes.set_aspect("equal")
    points = np.concatenate([atoms, edges.reshape(-1, 3)])[:, :2]
    room = max(map(drawn.ball_radius, drawn.elements)) + 0.1  # Å
    (left, bottom), (right, top) = points.min(axis=0) - room, points.max(axis=0) + room
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)


def _view() -> FloatArray:
    """The directions right, up and towards the viewer as columns, shape (3, 3)."""
    turn, tilt = np.radians([_TURN, _TILT])
    towards = np.array([np.cos(turn) * np.cos(tilt), np.sin(turn) * np.cos(tilt), np.sin(tilt)])
    right = np.array([-np.sin(turn), np.cos(turn), 0.0])
    return np.stack([right, np.cross(towards, right), towards], axis=1)


def _balls(drawn: DrawnCrystal, atoms: FloatArray) -> list[tuple[float, Patch]]:
    """A disk with a light spot for each atom, with its depth in Å."""
    from matplotlib.patches import Circle

    patches: list[tuple[float, Patch]] = []
    for symbol, (x, y, depth) in zip(drawn.symbols, atoms.tolist(), strict=True):
        radius, colour = drawn.ball_radius(symbol), drawn.elements[symbol]["colour"]
        patches.append((depth, Circle((x, y), radius, facecolor=colour, edgecolor=_OUTLINE, linewidth=0.6)))
        for share, alpha in ((0.55, 0.25), (0.28, 0.45)):
            spot = (x - 0.3 * radius, y + 0.3 * radius)
            light = Circle(spot, share * radius, facecolor="white", alpha=alpha, linewidth=0)
            patches.append((depth + 1e-4, light))
    return patches


def _sticks(drawn: DrawnCrystal, atoms: FloatArray) -> list[tuple[float, Patch]]:
    """Two halves of each bond in the colours of its atoms, with their depths in Å."""
    from matplotlib.patches import Polygon

    patches: list[tuple[float, Patch]] = []
    for pair in drawn.bonds.tolist():
        middle = atoms[pair].mean(axis=0)
        for atom in pair:
            symbol = drawn.symbols[atom]
            along = middle - atoms[atom]
            begin = atoms[atom] + 0.8 * drawn.ball_radius(symbol) * along / np.linalg.norm(along)
            across = np.array([-along[1], along[0]])
            length = np.linalg.norm(across)
            if length < STICK_RADIUS:  # seen end on
                continue
            across *= STICK_RADIUS / length
            ends = [begin[:2] + across, middle[:2] + across, middle[:2] - across, begin[:2] - across]
            colour = drawn.elements[symbol]["colour"]
            stick = Polygon(ends, closed=True, facecolor=colour, edgecolor=_OUTLINE, linewidth=0.4)
            patches.append((float((begin + middle)[2] / 2), stick))
    return patches
