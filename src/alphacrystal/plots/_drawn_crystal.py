"""A crystal as balls and sticks in its cell: the geometry of pictures and 3D views."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

MAX_BOND_STRETCH = 1.15  # times the sum of the covalent radii
MIN_BOND_LENGTH = 0.4  # Å; atoms at shorter distances overlap
FACE_TOLERANCE = 1e-3  # fractional distance within which an atom lies on a face of the cell
STICK_RADIUS = 0.09  # Å


@dataclass(frozen=True, slots=True, eq=False)
class DrawnCrystal:
    """The atoms, bonds and edges of a drawn cell.

    Attributes:
        symbols: Element of each drawn atom, shape (atoms,); atoms on faces are on all of them.
        positions: Cartesian, in Å, shape (atoms, 3).
        bonds: Indices of bonded atoms, shape (bonds, 2).
        edges: Ends of the edges of the cell in Å, shape (12, 2, 3).
        elements: Colour, covalent radius (Å) and metal flag by symbol (see `drawn_elements`).
    """

    symbols: Sequence[str]
    positions: FloatArray
    bonds: IntArray
    edges: FloatArray
    elements: dict[str, dict[str, Any]]

    def ball_radius(self, symbol: str) -> float:
        """Radius of the ball of an element in Å."""
        return 0.18 + 0.22 * float(self.elements[symbol]["radius"])


def drawn_crystal(structure: Structure, supercell: tuple[int, int, int] = (1, 1, 1)) -> DrawnCrystal:
    """The balls, sticks and edges of the cell of a structure.

    Args:
        structure: A crystal.
        supercell: Cells along each axis.
    """
    symbols, positions = _atoms(structure, supercell)
    elements = drawn_elements(symbols)
    return DrawnCrystal(
        symbols=symbols,
        positions=positions,
        bonds=_bonds(symbols, positions, elements),
        edges=_edges(structure.lattice.matrix * np.array(supercell)[:, None]),
        elements=elements,
    )


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


def _atoms(structure: Structure, supercell: tuple[int, int, int]) -> tuple[list[str], FloatArray]:
    """Symbols and Cartesian positions in Å, shape (atoms, 3), of all cells; atoms on faces are repeated."""
    symbols, positions = [], []
    shifts = [np.array(shift) for shift in product(*(range(n + 1) for n in supercell))]
    for site in structure:
        inside = (site.frac_coords + FACE_TOLERANCE) % 1.0 - FACE_TOLERANCE
        for shift in shifts:
            if (inside + shift <= np.array(supercell) + FACE_TOLERANCE).all():
                symbols.append(site.specie.symbol)
                positions.append(structure.lattice.get_cartesian_coords(inside + shift))
    return symbols, np.array(positions)


def _bonds(symbols: Sequence[str], positions: FloatArray, elements: dict[str, dict[str, Any]]) -> IntArray:
    """Bonded pairs of atoms, shape (bonds, 2), by the rule of the report page (assets/crystal.js).

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
    chosen: IntArray = pairs[bonded]
    return chosen


def _edges(cell: FloatArray) -> FloatArray:
    """The twelve edges of a cell given by rows, as pairs of points, shape (12, 2, 3)."""
    corners = [np.array(corner) for corner in product((0, 1), repeat=3)]
    pairs = [
        (one, other)
        for one in corners
        for other in corners
        if (other - one).sum() == np.abs(other - one).sum() == 1
    ]
    return np.array(pairs) @ cell
