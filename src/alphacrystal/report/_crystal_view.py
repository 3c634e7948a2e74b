"""A crystal in 3D for notebooks (py3Dmol), drawn by the viewer that ships with the report page."""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.crystal import StructureLike, as_structure
from alphacrystal.errors import InputError

if TYPE_CHECKING:
    import py3Dmol
    from numpy.typing import NDArray
    from pymatgen.core.structure import Structure

NEEDS_EXTRA = "The 3D view needs the package py3Dmol: pip install 'alphacrystal[notebook]'."
FACE = 1e-3  # fractional distance within which an atom lies on a face of the cell


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
    """The cell of a crystal as a py3Dmol view, which Jupyter shows; it needs no network.

    Atoms on a face, an edge or a corner are drawn on all of them.

    Args:
        crystal: pymatgen Structure or ASE Atoms.
        supercell: Cells along each axis.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.

    Raises:
        InputError: The extra ``notebook`` is not installed, or it is no crystal.
    """
    if not has_viewer():
        raise InputError(NEEDS_EXTRA)
    import py3Dmol

    structure = as_structure(crystal)
    view = py3Dmol.view(width=width, height=height, js=_viewer_script())
    view.addModel(_xyz(structure, supercell), "xyz")
    view.setStyle(
        {"sphere": {"scale": 0.28, "colorscheme": "Jmol"}, "stick": {"radius": 0.1, "colorscheme": "Jmol"}}
    )
    for start, end in _edges(structure.lattice.matrix * np.array(supercell)[:, None]):
        view.addLine({"start": start, "end": end, "color": "gray"})
    view.setProjection("orthographic")
    view.zoomTo()
    view.zoom(1.4)  # zoomTo leaves room for a perspective that is not used here
    view.rotate(15, "y")
    view.rotate(10, "x")
    return view


@cache
def _viewer_script() -> str:
    """3Dmol.js as an address that holds the program itself."""
    script = files("alphacrystal.report").joinpath("assets", "3Dmol-min.js").read_bytes()
    return "data:text/javascript;base64," + base64.b64encode(script).decode("ascii")


def _xyz(structure: Structure, supercell: tuple[int, int, int]) -> str:
    """XYZ text of all cells, atoms on a face repeated on the face opposite."""
    lines = []
    shifts = [np.array(shift) for shift in product(*(range(n + 1) for n in supercell))]
    for site in structure:
        inside = (site.frac_coords + FACE) % 1.0 - FACE
        for shift in shifts:
            place = inside + shift
            if (place <= np.array(supercell) + FACE).all():
                x, y, z = structure.lattice.get_cartesian_coords(place)
                lines.append(f"{site.specie.symbol} {x:.6f} {y:.6f} {z:.6f}")
    return "\n".join([str(len(lines)), structure.composition.reduced_formula, *lines]) + "\n"


def _edges(cell: NDArray[np.float64]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The twelve edges of a cell given by rows, as pairs of points."""
    corners = [np.array(corner) for corner in product((0, 1), repeat=3)]
    pairs = [
        (one, other)
        for one in corners
        for other in corners
        if (other - one).sum() == np.abs(other - one).sum() == 1
    ]
    return [(_point(one @ cell), _point(other @ cell)) for one, other in pairs]


def _point(place: NDArray[np.float64]) -> dict[str, Any]:
    return dict(zip("xyz", np.round(place, 6).tolist(), strict=True))
