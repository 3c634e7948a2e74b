"""Standard cells and the symmetry description of a crystal (moyopy)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.data import chemical_symbols

from alphacrystal.composition import element_order
from alphacrystal.crystal._distances import distance_levels, min_image_distances
from alphacrystal.crystal._exchange import StructureLike, as_structure
from alphacrystal.crystal._hypothesis import LatticeParameters
from alphacrystal.crystal._lattices import cell_shape, constrained_shape, shape_to_cell
from alphacrystal.crystal._wyckoff import canonical_settings, letter_index, sorted_letters, space_group
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    import moyopy
    from pymatgen.core import Structure


# moyo warns about cells that are not primitive; we reduce them ourselves, so the user need not read it.
logging.getLogger("moyo").addHandler(logging.NullHandler())

DEFAULT_SYMPREC = 0.1
LENGTH_SLACK = 0.03  # relative; a given cell this close to the rules of its crystal system is moved onto them
ANGLE_SLACK = 2.0  # degrees


@dataclass(frozen=True, slots=True, eq=False)
class SymmetryDescription:
    """A crystal in its standard setting.

    Attributes:
        space_group: International number.
        lattice: Conventional cell rows in Å, shape (3, 3).
        primitive_lattice: Rows in Å, shape (3, 3).
        primitive_positions: Fractional coordinates in the primitive cell, shape (atoms, 3).
        numbers: Atomic numbers of the primitive cell, shape (atoms,).
        letters: Wyckoff letter of each atom of the primitive cell, in the normaliser's canonical setting.
        setting_letters: The same in the setting of ``primitive_positions``, which another origin may have.
        orbits: Orbit index of each atom of the primitive cell, shape (atoms,).
    """

    space_group: int
    lattice: FloatArray
    primitive_lattice: FloatArray
    primitive_positions: FloatArray
    numbers: IntArray
    letters: tuple[str, ...]
    setting_letters: tuple[str, ...]
    orbits: IntArray

    def occupation(self) -> dict[str, str]:
        """Sorted Wyckoff letters (one per orbit) of each element, elements in electronegativity order."""
        return _occupation(self.numbers, self.letters, self.orbits)


def _occupation(numbers: IntArray, letters: Sequence[str], orbits: IntArray) -> dict[str, str]:
    by_element: dict[str, list[str]] = {}
    for orbit in np.unique(orbits):
        member = int(np.argmax(orbits == orbit))
        by_element.setdefault(chemical_symbols[numbers[member]], []).append(letters[member])
    return {symbol: sorted_letters(by_element[symbol]) for symbol in sorted(by_element, key=element_order)}


def _dataset(
    lattice: FloatArray, positions: FloatArray, numbers: Sequence[int] | IntArray, symprec: float
) -> moyopy.MoyoDataset:
    import moyopy

    cell = moyopy.Cell(
        np.asarray(lattice, dtype=float).tolist(),
        np.asarray(positions, dtype=float).tolist(),
        [int(x) for x in numbers],
    )
    for tolerance in (symprec, symprec / 10, symprec / 100, 1e-4):
        try:
            return moyopy.MoyoDataset(cell, symprec=tolerance, setting=moyopy.Setting.standard())
        except ValueError:  # no symmetry at this tolerance
            continue
    raise InputError("No space group could be found for this structure: do two atoms overlap?")


def describe_symmetry(
    lattice: FloatArray, positions: FloatArray, numbers: IntArray, *, symprec: float = DEFAULT_SYMPREC
) -> SymmetryDescription:
    """Symmetry of a crystal with Wyckoff letters in the canonical setting of the Euclidean normaliser.

    Args:
        lattice: Rows in Å, shape (3, 3).
        positions: Fractional coordinates, shape (atoms, 3).
        numbers: Atomic numbers, shape (atoms,).
        symprec: Tolerance in Å.

    Raises:
        InputError: No symmetry can be found (overlapping atoms).
    """
    dataset = _dataset(lattice, positions, numbers, symprec)
    primitive = dataset.prim_std_cell
    # A supercell hides operations: look again at its primitive cell.
    if len(primitive.numbers) < len(numbers):
        dataset = _dataset(
            np.array(primitive.basis), np.array(primitive.positions), primitive.numbers, symprec
        )
        primitive = dataset.prim_std_cell
    size = len(primitive.numbers)
    letters = [""] * size
    orbits = np.zeros(size, dtype=np.int64)
    for atom, target in enumerate(dataset.mapping_std_prim):
        letters[target] = dataset.wyckoffs[atom]
        orbits[target] = dataset.orbits[atom]
    species = np.array(primitive.numbers, dtype=np.int64)
    occupation = _occupation(species, letters, orbits)
    primitive_lattice = np.array(primitive.basis, dtype=np.float64)
    primitive_positions = np.array(primitive.positions, dtype=np.float64)
    _, images = canonical_settings(dataset.number, list(occupation.values()))
    relabel = images[0]
    if any(image[x] != relabel[x] for image in images for x in letters):
        distances = min_image_distances(primitive_lattice, primitive_positions)
        relabel = _geometric_choice(images, species, letters, orbits, distances)
    return SymmetryDescription(
        space_group=dataset.number,
        lattice=np.array(dataset.std_cell.basis, dtype=np.float64),
        primitive_lattice=primitive_lattice,
        primitive_positions=primitive_positions,
        numbers=species,
        letters=tuple(relabel[x] for x in letters),
        setting_letters=tuple(letters),
        orbits=orbits,
    )


def _geometric_choice(
    images: Sequence[dict[str, str]],
    numbers: IntArray,
    letters: Sequence[str],
    orbits: IntArray,
    distances: FloatArray,
) -> dict[str, str]:
    """Of maps that give the elements the same letters, the one whose first letters have near neighbours.

    Without it the origin that a file happens to use would decide which site of an element is called "a".
    """
    levels = distance_levels(distances)
    members = [int(np.argmax(orbits == orbit)) for orbit in np.unique(orbits)]
    surroundings = {
        atom: sorted(zip(levels[atom].tolist(), numbers.tolist(), strict=True)) for atom in members
    }

    def key(image: dict[str, str]) -> list[tuple[int, int, list[tuple[int, int]]]]:
        return sorted(
            (int(numbers[atom]), letter_index(image[letters[atom]]), surroundings[atom]) for atom in members
        )

    return min(images, key=key)


def standard_structure(
    structure: StructureLike, *, symprec: float = DEFAULT_SYMPREC
) -> tuple[Structure, int, str]:
    """Symmetrised conventional cell in the ITA standard setting, its space-group number and short symbol.

    Raises:
        InputError: No symmetry can be found (overlapping atoms).
    """
    from pymatgen.core import Element, Lattice, Structure

    crystal = as_structure(structure)
    numbers = np.array([site.specie.Z for site in crystal], dtype=np.int64)
    dataset = _dataset(crystal.lattice.matrix, crystal.frac_coords, numbers, symprec)
    cell = dataset.std_cell
    species = [Element.from_Z(z) for z in cell.numbers]
    standard = Structure(Lattice(cell.basis), species, np.array(cell.positions) % 1.0)
    return standard.get_sorted_structure(), dataset.number, space_group(dataset.number).symbol


def cell_parameters(matrices: FloatArray) -> FloatArray:
    """Lengths in Å and angles in degrees of cells given by rows, shape (..., 3, 3) -> (..., 6)."""
    lengths = np.linalg.norm(matrices, axis=-1)
    unit = matrices / lengths[..., None]
    pairs = [(1, 2), (0, 2), (0, 1)]
    cosines = np.stack([(unit[..., i, :] * unit[..., j, :]).sum(-1) for i, j in pairs], -1)
    return np.concatenate([lengths, np.degrees(np.arccos(np.clip(cosines, -1, 1)))], -1)


def lattice_parameters(matrix: FloatArray) -> LatticeParameters:
    """Lengths in Å and angles in degrees of a cell given by rows."""
    return LatticeParameters(*cell_parameters(matrix).tolist())


def obeys_system(system: str, lattice: LatticeParameters) -> bool:
    """True where a conventional cell fits a crystal system up to LENGTH_SLACK and ANGLE_SLACK."""
    ideal = lattice_parameters(shape_to_cell(constrained_shape(system, cell_shape(lattice)))).as_dict()
    given = lattice.as_dict()
    lengths = all(abs(given[name] / ideal[name] - 1) < LENGTH_SLACK for name in ("a", "b", "c"))
    return lengths and all(
        abs(given[name] - ideal[name]) < ANGLE_SLACK for name in ("alpha", "beta", "gamma")
    )
