"""Layers of crystals: the bonded parts of two dimensions, as slabs in vacuum with their layer groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.crystal._cells import DEFAULT_SYMPREC, lattice_parameters
from alphacrystal.crystal._coordination import BondedPart, bonded_parts
from alphacrystal.crystal._duplicates import group_duplicates
from alphacrystal.crystal._exchange import as_atoms
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    import moyopy
    from pymatgen.core import Structure

PACKED_GAP = 3.0  # Å between layers where they are compared: in vacuum the tolerances would be too wide
SEPARATE_GAP = 6.0  # Å, too long for bonds; the bonding graph of a wide vacuum takes long
EXACT_SYMPREC = 0.01  # Å; tolerance within which a layer is reduced to its primitive cell before a relaxation


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer in vacuum: the first two cell vectors are in its plane, the third is perpendicular to them.

    Attributes:
        structure: Conventional cell of the layer group in its standard setting, centred at half of the third
            vector.
        primitive: Primitive cell of the layer, with the same third vector.
        number: Number of the layer group, 1-80 (International Tables for Crystallography, volume E).
        symbol: Hermann-Mauguin short symbol of the layer group, e.g. "p-6m2".
    """

    structure: Structure
    primitive: Structure
    number: int
    symbol: str

    @property
    def in_plane(self) -> tuple[float, float, float]:
        """Lengths a and b in Å and the angle γ in degrees of the conventional cell."""
        cell = lattice_parameters(self.structure.lattice.matrix)
        return cell.a, cell.b, cell.gamma

    @property
    def thickness(self) -> float:
        """Distance in Å between the outermost nuclei along the normal; 0 for a planar layer."""
        return float(np.ptp(_heights(self.structure)))

    @property
    def area(self) -> float:
        """Area in Å² of the primitive cell in the plane."""
        vectors = self.primitive.lattice.matrix
        return float(np.linalg.norm(np.cross(vectors[0], vectors[1])))


def dimensionality(structure: Structure) -> str:
    """Dimensions of the bonded parts, e.g. "3", "2" or "02" for layers with molecules between them.

    Rank determination with the bond lengths at which the parts are best separated: P. M. Larsen, M. Pandey,
    M. Strange and K. W. Jacobsen, doi:10.1103/PhysRevMaterials.3.034003, as in ASE.
    """
    return _bonding(structure)[0]


def _bonding(structure: Structure) -> tuple[str, float]:
    """The dimensions, and the longest bond relative to the sum of covalent radii (middle of its range).

    Atoms too far apart for the search of bonds are separate: dimension "0" and longest bond 0.
    """
    from ase.geometry.dimensionality.interval_analysis import build_kintervals, merge_intervals

    intervals: list[Any] | None = build_kintervals(as_atoms(structure), "RDA")
    if intervals is None:
        return "0", 0.0
    intervals.sort(key=lambda item: (item.score, item.b - item.a), reverse=True)
    best = max(merge_intervals(intervals), key=lambda item: (item.score, item.b - item.a)).dimtype
    widest = next(item for item in intervals if item.dimtype == best)
    return str(best).removesuffix("D"), float(widest.a + widest.b) / 2


def is_single_layer(slab: Structure) -> bool:
    """Whether bonds hold the atoms of a slab together in two dimensions; else it is in several parts."""
    return dimensionality(_with_gap(slab, SEPARATE_GAP)) == "2"


def cut_layers(structure: Structure, vacuum: float) -> list[Structure]:
    """The distinct layers of a layered crystal, each as a slab in vacuum.

    A layer is a bonded part of two dimensions, by `dimensionality`; its bond lengths and its lattice in the
    plane are those of the crystal. Other parts, such as ions between the layers, are left out.

    Args:
        structure: An ordered crystal; the cell may be any.
        vacuum: Distance in Å between the outermost nuclei of a layer and those of its images.

    Returns:
        Primitive cells of the layers as in `Layer.primitive`; empty without layers, or with a framework.
        Equal layers, also upside down or mirrored, are returned once.
    """
    dimensions, longest = _bonding(structure)
    if "2" not in dimensions or "3" in dimensions:
        return []
    slabs = [
        describe_layer(_slab(structure, part, vacuum), symprec=EXACT_SYMPREC).primitive
        for part in bonded_parts(_bonds(structure, longest), len(structure))
        if part.dimension == 2
    ]
    return [slabs[group[0]] for group in group_layers(slabs)]


def group_layers(slabs: Sequence[Structure]) -> list[list[int]]:
    """Indices of equal layers, grouped as `group_duplicates` groups crystals.

    The layers are compared without their vacuum.

    Args:
        slabs: Layers whose third cell vector is perpendicular to the first two.
    """
    return group_duplicates([_with_gap(slab, PACKED_GAP) for slab in slabs])


def describe_layer(slab: Structure, *, symprec: float = DEFAULT_SYMPREC) -> Layer:
    """The layer group of a slab and its cell in the standard setting, by moyo.

    Args:
        slab: A layer whose third cell vector is perpendicular to the first two.
        symprec: Tolerance in Å.

    Raises:
        InputError: No symmetry can be found (overlapping atoms).
    """
    import moyopy

    found = _layer_dataset(slab, symprec)
    symbol = moyopy.LayerGroupType(found.number).hm_short.replace(" ", "")
    return Layer(_centred(found.std_cell), _centred(found.prim_std_cell), found.number, symbol)


def _layer_dataset(slab: Structure, symprec: float) -> moyopy.MoyoLayerDataset:
    import moyopy

    numbers = [site.specie.Z for site in slab]
    cell = moyopy.Cell(slab.lattice.matrix.tolist(), slab.frac_coords.tolist(), numbers)
    for tolerance in (symprec, symprec / 10, symprec / 100, 1e-4):
        try:
            return moyopy.MoyoLayerDataset(
                cell, symprec=tolerance, setting=moyopy.LayerSetting.standard(), rotate_basis=True
            )
        except ValueError:  # no symmetry at this tolerance
            continue
    raise InputError("No layer group could be found for this layer: do two atoms overlap?")


def _centred(cell: moyopy.Cell) -> Structure:
    """A layer cell of moyo with a along x, the normal along z, and the middle of the layer at z = 1/2."""
    from pymatgen.core import Element, Lattice, Structure

    shape = lattice_parameters(np.array(cell.basis, dtype=np.float64))
    vectors = _plane_vectors(shape.a, shape.b, np.radians(shape.gamma), shape.c)
    positions = np.array(cell.positions, dtype=np.float64)
    positions[:, 2] = _joined(positions[:, 2])
    positions[:, 2] += 0.5 - (positions[:, 2].min() + positions[:, 2].max()) / 2
    species = [Element.from_Z(number) for number in cell.numbers]
    return Structure(Lattice(vectors), species, positions % 1.0).get_sorted_structure()


def _plane_vectors(a: float, b: float, gamma: float, height: float) -> FloatArray:
    """Cell vectors with a along x and b in the plane x, y; gamma in radians."""
    return np.array([[a, 0, 0], [b * np.cos(gamma), b * np.sin(gamma), 0], [0, 0, height]])


def _joined(heights: FloatArray) -> FloatArray:
    """Fractional heights of one layer without a jump at the cell boundary: the widest gap is the vacuum."""
    wrapped = heights % 1.0
    order = np.sort(wrapped)
    gaps = np.diff(order, append=order[0] + 1.0)
    below_vacuum = order[int(np.argmax(gaps))]
    return np.where(wrapped > below_vacuum, wrapped - 1.0, wrapped)


def _heights(slab: Structure) -> FloatArray:
    """Heights of the atoms in Å along the normal, without a jump at the cell boundary."""
    return _joined(slab.frac_coords[:, 2]) * float(slab.lattice.c)


def _with_gap(slab: Structure, gap: float) -> Structure:
    """The layer with another distance in Å to its images."""
    from pymatgen.core import Lattice, Structure

    heights = _heights(slab)
    height = float(np.ptp(heights)) + gap
    vectors = slab.lattice.matrix.copy()
    vectors[2] *= height / slab.lattice.c
    positions = np.column_stack([slab.frac_coords[:, :2], (heights - heights.min()) / height])
    return Structure(Lattice(vectors), slab.species, positions)


def _bonds(structure: Structure, longest: float) -> list[tuple[int, int, tuple[int, int, int]]]:
    """Bonds up to a length relative to the sum of covalent radii."""
    from ase.geometry.dimensionality.bond_generator import next_bond

    found = takewhile(lambda bond: bond[0] <= longest, next_bond(as_atoms(structure)))
    return [(int(one), int(other), (int(x), int(y), int(z))) for _, one, other, (x, y, z) in found]


def _slab(structure: Structure, part: BondedPart, vacuum: float) -> Structure:
    """A part of two dimensions in a cell whose third vector is perpendicular to it."""
    from pymatgen.core import Lattice, Structure

    lattice = structure.lattice.matrix
    first, second = _shortest_basis(_integer_basis(part.translations) @ lattice)
    normal = np.cross(first, second)
    normal /= np.linalg.norm(normal)
    atoms = list(part.cells)
    offsets = np.array([part.cells[atom] for atom in atoms])
    positions = (structure.frac_coords[atoms] + offsets) @ lattice  # (atoms, 3), one connected copy
    heights = positions @ normal
    height = float(np.ptp(heights)) + vacuum
    plane = np.linalg.solve(np.array([first, second, normal]).T, positions.T).T[:, :2]
    a, b = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    gamma = float(np.arccos(first @ second / (a * b)))
    fractional = np.column_stack([plane, (heights - heights.min() + vacuum / 2) / height])
    species = [structure[atom].specie for atom in atoms]
    return Structure(Lattice(_plane_vectors(a, b, gamma, height)), species, fractional)


def _integer_basis(vectors: Sequence[tuple[int, int, int]]) -> IntArray:
    """A basis of the lattice that integer vectors generate: Euclid's algorithm column by column."""
    rows = [np.array(vector, dtype=np.int64) for vector in vectors if any(vector)]
    basis = []
    for column in range(3):
        while len(left := [row for row in rows if row[column]]) > 1:
            pivot = min(left, key=lambda row: abs(int(row[column])))
            rows = [row if row is pivot else row - row[column] // pivot[column] * pivot for row in rows]
        if left:
            basis.append(left[0])
            rows = [row for row in rows if row is not left[0]]
        rows = [row for row in rows if row.any()]
    return np.array(basis)


def _shortest_basis(vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The shortest basis of a lattice in a plane, with an angle from 90° to 120° (Lagrange's reduction)."""
    first, second = sorted(vectors, key=np.linalg.norm)
    while True:
        second = second - np.rint(first @ second / (first @ first)) * first
        if np.linalg.norm(second) >= np.linalg.norm(first) * (1 - 1e-9):
            break
        first, second = second, first
    return (first, second) if first @ second <= 0 else (first, -second)
