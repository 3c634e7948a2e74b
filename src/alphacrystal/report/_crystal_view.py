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
from alphacrystal.report._page_data import drawn_elements

if TYPE_CHECKING:
    import py3Dmol
    from pymatgen.core.structure import Structure

    from alphacrystal.typing import FloatArray

NEEDS_EXTRA = "The 3D view needs the package py3Dmol: pip install 'alphacrystal[notebook]'."
BOND_STRETCH = 1.15  # times the sum of the covalent radii
SHORTEST_BOND = 0.4  # Å; what is closer is an error
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
    symbols, places = _atoms(structure, supercell)
    view = py3Dmol.view(width=width, height=height, js=_viewer_script())
    view.addModel(_xyz(symbols, places), "xyz", {"assignBonds": False})
    elements = drawn_elements(symbols)
    for symbol, drawn in elements.items():
        sphere = {"radius": 0.18 + 0.22 * drawn["radius"], "color": drawn["colour"]}
        view.setStyle({"elem": symbol}, {"sphere": sphere})
    for one, other in _bonds(symbols, places, elements):
        middle = (places[one] + places[other]) / 2
        for atom in (one, other):
            colour = elements[symbols[atom]]["colour"]
            stick = {"start": _point(places[atom]), "end": _point(middle), "radius": 0.09, "color": colour}
            view.addCylinder(stick)
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


def _atoms(structure: Structure, supercell: tuple[int, int, int]) -> tuple[list[str], FloatArray]:
    """Symbols and places in Å, shape (n, 3), of all cells; atoms on a face stand on the one opposite too."""
    symbols, places = [], []
    shifts = [np.array(shift) for shift in product(*(range(n + 1) for n in supercell))]
    for site in structure:
        inside = (site.frac_coords + FACE) % 1.0 - FACE
        for shift in shifts:
            if (inside + shift <= np.array(supercell) + FACE).all():
                symbols.append(site.specie.symbol)
                places.append(structure.lattice.get_cartesian_coords(inside + shift))
    return symbols, np.array(places)


def _xyz(symbols: list[str], places: FloatArray) -> str:
    lines = [f"{symbol} {x:.6f} {y:.6f} {z:.6f}" for symbol, (x, y, z) in zip(symbols, places, strict=True)]
    return "\n".join([str(len(lines)), "crystal", *lines]) + "\n"


def _bonds(
    symbols: list[str], places: FloatArray, elements: dict[str, dict[str, Any]]
) -> list[tuple[int, int]]:
    """Pairs of atoms to join, by the rule of the report page (assets/crystal.js).

    Closer than the sum of the covalent radii and 15 %; in compounds with non-metals no two metals.
    """
    from scipy.spatial import cKDTree

    metal = np.array([elements[symbol]["metal"] for symbol in symbols])
    radius = np.array([elements[symbol]["radius"] for symbol in symbols])
    pairs = cKDTree(places).query_pairs(2 * BOND_STRETCH * radius.max(), output_type="ndarray")  # (pairs, 2)
    one, other = pairs.T
    lengths = np.linalg.norm(places[one] - places[other], axis=1)
    joined = (lengths > SHORTEST_BOND) & (lengths < BOND_STRETCH * (radius[one] + radius[other]))
    if not metal.all():
        joined &= ~(metal[one] & metal[other])
    return [(int(i), int(j)) for i, j in pairs[joined]]


def _edges(cell: FloatArray) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The twelve edges of a cell given by rows, as pairs of points."""
    corners = [np.array(corner) for corner in product((0, 1), repeat=3)]
    pairs = [
        (one, other)
        for one in corners
        for other in corners
        if (other - one).sum() == np.abs(other - one).sum() == 1
    ]
    return [(_point(one @ cell), _point(other @ cell)) for one, other in pairs]


def _point(place: FloatArray) -> dict[str, Any]:
    return dict(zip("xyz", np.round(place, 6).tolist(), strict=True))
