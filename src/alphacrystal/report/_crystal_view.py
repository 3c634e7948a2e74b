"""A crystal in 3D for notebooks: py3Dmol with the viewer script of the report page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.crystal import StructureLike, as_structure
from alphacrystal.errors import InputError
from alphacrystal.plots import STICK_RADIUS, drawn_crystal

if TYPE_CHECKING:
    import py3Dmol

    from alphacrystal.typing import FloatArray

NEEDS_EXTRA = "The 3D view needs the package py3Dmol: pip install 'alphacrystal[notebook]'."


def has_viewer() -> bool:
    """Whether the extra ``notebook`` is installed."""
    return find_spec("py3Dmol") is not None


def crystal_view(
    crystal: StructureLike,
    *,
    supercell: tuple[int, int, int] = (1, 1, 1),
    width: int = 480,
    height: int = 360,
) -> py3Dmol.view:
    """Show the cell of a crystal as a py3Dmol view, for Jupyter; it needs no network.

    Atoms on a face, an edge or a corner are drawn on all of them.

    Args:
        crystal: pymatgen Structure or ASE Atoms.
        supercell: Cells along each axis.
        width: Width in pixels.
        height: Height in pixels.

    Raises:
        InputError: The extra ``notebook`` is not installed, or the argument is not a crystal.
    """
    if not has_viewer():
        raise InputError(NEEDS_EXTRA)
    import py3Dmol

    drawn = drawn_crystal(as_structure(crystal), supercell)
    view = py3Dmol.view(width=width, height=height, js=_viewer_script())
    view.addModel(_xyz(drawn.symbols, drawn.positions), "xyz", {"assignBonds": False})
    for symbol, element in drawn.elements.items():
        sphere = {"radius": drawn.ball_radius(symbol), "color": element["colour"]}
        view.setStyle({"elem": symbol}, {"sphere": sphere})
    for one, other in drawn.bonds.tolist():
        ends = drawn.positions[[one, other]]
        middle = _point(ends.mean(axis=0))
        for atom, end in ((one, ends[0]), (other, ends[1])):
            colour = drawn.elements[drawn.symbols[atom]]["colour"]
            stick = {"start": _point(end), "end": middle, "radius": STICK_RADIUS, "color": colour}
            view.addCylinder(stick)
    for start, end in drawn.edges:
        view.addLine({"start": _point(start), "end": _point(end), "color": "gray"})
    view.setProjection("orthographic")
    view.zoomTo()
    view.zoom(1.4)  # zoomTo leaves room for a perspective that is not used here
    view.rotate(15, "y")
    view.rotate(10, "x")
    return view


@cache
def _viewer_script() -> str:
    """3Dmol.js as a data URL."""
    script = files("alphacrystal.report").joinpath("assets", "3Dmol-min.js").read_bytes()
    return "data:text/javascript;base64," + base64.b64encode(script).decode("ascii")


def _xyz(symbols: Sequence[str], positions: FloatArray) -> str:
    lines = [
        f"{symbol} {x:.6f} {y:.6f} {z:.6f}" for symbol, (x, y, z) in zip(symbols, positions, strict=True)
    ]
    return "\n".join([str(len(lines)), "crystal", *lines]) + "\n"


def _point(position: FloatArray) -> dict[str, Any]:
    return dict(zip("xyz", np.round(position, 6).tolist(), strict=True))
