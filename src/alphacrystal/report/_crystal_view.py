"""A crystal in 3D for notebooks: py3Dmol with the viewer script of the report page."""

from __future__ import annotations

import base64
from collections.abc import Iterable
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
    from pymatgen.core.structure import Structure

    from alphacrystal.typing import FloatArray

NEEDS_EXTRA = "The 3D view needs the package py3Dmol: pip install 'alphacrystal[notebook]'."
MAX_BOND_STRETCH = 1.15  # times the sum of the covalent radii
MIN_BOND_LENGTH = 0.4  # Å; atoms at shorter distances overlap
FACE_TOLERANCE = 1e-3  # fractional distance within which an atom lies on a face of the cell


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

    structure = as_structure(crystal)
    symbols, positions = _atoms(structure, supercell)
    view = py3Dmol.view(width=width, height=height, js=_viewer_script())
    view.addModel(_xyz(symbols, positions), "xyz", {"assignBonds": False})
    elements = drawn_elements(symbols)
    for symbol, drawn in elements.items():
        sphere = {"radius": 0.18 + 0.22 * drawn["radius"], "color": drawn["colour"]}
        view.setStyle({"elem": symbol}, {"sphere": sphere})
    for one, other in _bonds(symbols, positions, elements):
        middle = (positions[one] + positions[other]) / 2
        for atom in (one, other):
            colour = elements[symbols[atom]]["colour"]
            stick = {"start": _point(positions[atom]), "end": _point(middle), "radius": 0.09, "color": colour}
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
    """3Dmol.js as a data URL."""
    script = files("alphacrystal.report").joinpath("assets", "3Dmol-min.js").read_bytes()
    return "data:text/javascript;base64," + base64.b64encode(script).decode("ascii")


def _atoms(structure: Structure, supercell: tuple[int, int, int]) -> tuple[list[str], FloatArray]:
    """Symbols and Cartesian positions in Å, shape (n, 3), of all cells; atoms on faces are repeated."""
    symbols, positions = [], []
    shifts = [np.array(shift) for shift in product(*(range(n + 1) for n in supercell))]
    for site in structure:
        inside = (site.frac_coords + FACE_TOLERANCE) % 1.0 - FACE_TOLERANCE
        for shift in shifts:
            if (inside + shift <= np.array(supercell) + FACE_TOLERANCE).all():
                symbols.append(site.specie.symbol)
                positions.append(structure.lattice.get_cartesian_coords(inside + shift))
    return symbols, np.array(positions)


def _xyz(symbols: list[str], positions: FloatArray) -> str:
    lines = [
        f"{symbol} {x:.6f} {y:.6f} {z:.6f}" for symbol, (x, y, z) in zip(symbols, positions, strict=True)
    ]
    return "\n".join([str(len(lines)), "crystal", *lines]) + "\n"


def _bonds(
    symbols: list[str], positions: FloatArray, elements: dict[str, dict[str, Any]]
) -> list[tuple[int, int]]:
    """Bonded pairs of atoms, by the rule of the report page (assets/crystal.js).

    Atoms are bonded up to 1.15 times the sum of their covalent radii; two metals only where all are metals.
    """
    from scipy.spatial import cKDTree

    metal = np.array([elements[symbol]["metal"] for symbol in symbols])
    radius = np.array([elements[symbol]["radius"] for symbol in symbols])
    pairs = cKDTree(positions).query_pairs(
        2 * MAX_BOND_STRETCH * radius.max(), output_type="ndarray"
    )  # (pairs, 2)
    one, other = pairs.T
    lengths = np.linalg.norm(positions[one] - positions[other], axis=1)
    bonded = (lengths > MIN_BOND_LENGTH) & (lengths < MAX_BOND_STRETCH * (radius[one] + radius[other]))
    if not metal.all():
        bonded &= ~(metal[one] & metal[other])
    return [(int(i), int(j)) for i, j in pairs[bonded]]


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


def _point(position: FloatArray) -> dict[str, Any]:
    return dict(zip("xyz", np.round(position, 6).tolist(), strict=True))


def drawn_elements(symbols: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour (Jmol), covalent radius in Å (Cordero, doi:10.1039/b801115j) and metal flag by symbol."""
    from ase.data import covalent_radii
    from ase.data.colors import jmol_colors
    from pymatgen.core.periodic_table import Element

    elements = {}
    for symbol in sorted(set(symbols)):
        element = Element(symbol)
        red, green, blue = (round(255 * float(part)) for part in jmol_colors[element.Z])
        elements[symbol] = {
            "colour": f"#{red:02x}{green:02x}{blue:02x}",
            "radius": round(float(covalent_radii[element.Z]), 3),
            "metal": bool(element.is_metal),
        }
    return elements
