"""GNOA's variables, and the crystals that they describe.

Cheng, Gong & Yin, Nat. Commun. 13, 1492 (2022), doi:10.1038/s41467-022-29241-4. A point is a vector of
numbers between 0 and 1: six of the cell, one each for the space group, the Wyckoff combination and Z, then
three for each atom that could need them. docs/generators.md lists the
changes from the published program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_numbers, covalent_radii

from alphacrystal.crystal import (
    LatticeParameters,
    SpaceGroupChoice,
    allowed_groups,
    cell_matrices,
    crystal_system,
    lattice_points,
    obeys_system,
    space_group,
)
from alphacrystal.generate.arrangement import (
    arrangement,
    assignments,
    closest_contacts,
    to_structure,
)
from alphacrystal.generate.generators.random_symmetric import groups_that_hold, nowhere
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.composition import Formula


MIN_EDGE, MAX_EDGE = 2.0, 30.0  # Å, of the cell's edges
MIN_ANGLE, MAX_ANGLE = 20.0, 160.0  # degrees
MIN_GROUP = 2  # GNOA leaves P1 out
COMBINATIONS = 10_000  # Wyckoff combinations listed, fewest orbits first; GNOA lists up to a million
MIN_COVALENT_FRACTION = 0.4  # of the sum of covalent radii
PACKING = 0.55  # share of the volume that spheres of the covalent radii fill in an ordinary crystal
MIN_VOLUME, MAX_VOLUME = 0.4, 2.4  # of that volume
MAX_GAP = 7.0  # Å, between atoms along any lattice direction
HEAD = 9  # variables before the coordinates

#: The free parameters of a conventional cell by crystal system, as indices in (a, b, c, alpha, beta, gamma).
TIES = {
    "cubic": (0, 0, 0, None, None, None),
    "tetragonal": (0, 0, 2, None, None, None),
    "hexagonal": (0, 0, 2, None, None, None),
    "trigonal": (0, 0, 2, None, None, None),
    "orthorhombic": (0, 1, 2, None, None, None),
    "monoclinic": (0, 1, 2, None, 4, None),
    "triclinic": (0, 1, 2, 3, 4, 5),
}
#: One of each two opposite directions to the neighbouring cells, shape (13, 3).
DIRECTIONS: FloatArray = np.array(
    [d for d in product((-1, 0, 1), repeat=3) if d > (0, 0, 0)], dtype=np.float64
)
CORNERS: FloatArray = np.array(list(product((0, 1), repeat=3)), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """The crystal of a point.

    Attributes:
        structure: Primitive cell.
        provenance: Space group, Wyckoff letters and Z, as plain JSON values.
    """

    structure: Structure
    provenance: dict[str, object]


class GnoaSpace:
    """The search space of one formula.

    Attributes:
        size: Variables of a point.
        groups: Space groups that a point can name.
        formula_units: Z that a point can name.
    """

    def __init__(
        self,
        formula: Formula,
        formula_units: Sequence[int],
        number: SpaceGroupChoice | None,
        lattice: LatticeParameters | None,
        *,
        original_encoding: bool,
    ) -> None:
        """Lay out the variables.

        Raises:
            InputError: No cell can be placed in the space group, or in any that fits the lattice.
        """
        self._formula, self._lattice, self._original_encoding = formula, lattice, original_encoding
        self.formula_units = list(formula_units)
        if original_encoding:
            if not any(
                self._combinations(z, g) for z in formula_units for g in _named_groups(number, lattice)
            ):
                raise nowhere(formula, formula_units, number)
        else:
            groups_that_hold(formula, formula_units, number, lattice)
        self.groups = _named_groups(number, lattice)
        self.size = HEAD + 3 * max(formula_units) * formula.num_atoms

    def proposal(self, point: FloatArray) -> Proposal | None:
        """The crystal of a point, shape (size,), or None where GNOA's rules reject it."""
        number = self.groups[_place(point[6], len(self.groups))]
        formula_units = self.formula_units[_place(point[8], len(self.formula_units))]
        choices = self._combinations(formula_units, number)
        if not choices:
            return None
        letters = choices[_place(point[7], len(choices))]
        cell = cell_matrices(self._parameters(point, number))
        atoms = (
            self._formula.num_atoms
            * formula_units
            * (1 if self._original_encoding else lattice_points(number))
        )
        shares = {s: c * atoms / self._formula.num_atoms for s, c in self._formula.counts.items()}
        if not _volume_allowed(abs(float(np.linalg.det(cell))), shares):
            return None
        triplets = point[HEAD:].reshape(-1, 3)
        if self._original_encoding:
            return self._per_atom(number, letters, formula_units, cell, triplets)
        return self._per_orbit(number, letters, formula_units, cell, triplets)

    def _combinations(self, formula_units: int, number: int) -> list[tuple[str, ...]]:
        if self._original_encoding:
            # The count is of the conventional cell; one that its lattice points do not divide has no place.
            points = lattice_points(number)
            counts = [formula_units * count for count in self._formula.counts.values()]
            if any(count % points for count in counts):
                return []
            return _of_counts(number, tuple(count // points for count in counts))
        return assignments(self._formula, formula_units, number, COMBINATIONS)

    def _parameters(self, point: FloatArray, number: int) -> FloatArray:
        """Lengths and angles of the conventional cell, shape (6,)."""
        system = crystal_system(number)
        if self._lattice is not None:
            return np.array(list(self._lattice.as_dict().values()))
        drawn = np.concatenate(
            [
                MIN_EDGE + (MAX_EDGE - MIN_EDGE) * point[:3],
                MIN_ANGLE + (MAX_ANGLE - MIN_ANGLE) * point[3:6],
            ]
        )
        fixed = np.array([0, 0, 0, 90, 90, 120 if system in ("hexagonal", "trigonal") else 90])
        return np.array(
            [fixed[k] if tie is None else drawn[tie] for k, tie in enumerate(TIES[system])], dtype=np.float64
        )

    def _per_orbit(
        self,
        number: int,
        letters: tuple[str, ...],
        formula_units: int,
        cell: FloatArray,
        triplets: FloatArray,
    ) -> Proposal | None:
        """One triplet for each orbit, whose other atoms follow by symmetry."""
        crystal = arrangement(number, letters, self._formula.elements, formula_units)
        drawn = [triplets[place][_variables(number, letter)] for place, letter in enumerate("".join(letters))]
        positions = crystal.positions(np.concatenate(drawn) if drawn else np.zeros(0))
        primitive = crystal.primitive(cell)
        if closest_contacts(primitive[None], positions[None], crystal.numbers)[0] < MIN_COVALENT_FRACTION:
            return None
        centring = space_group(number).centring @ cell
        if _has_gap(cell, ((positions @ primitive)[:, None] + centring).reshape(-1, 3)):
            return None
        return Proposal(to_structure(primitive, crystal.numbers, positions), crystal.provenance())

    def _per_atom(
        self,
        number: int,
        letters: tuple[str, ...],
        formula_units: int,
        cell: FloatArray,
        triplets: FloatArray,
    ) -> Proposal | None:
        """As the published program: every atom of an orbit takes the next triplet, so symmetry may break."""
        group = space_group(number)
        numbers: list[int] = []
        positions: list[FloatArray] = []
        for element, element_letters in zip(self._formula.elements, letters, strict=True):
            for letter in element_letters:
                position = group.positions[letter]
                columns = _variables(number, letter)
                for member in range(position.multiplicity):
                    values = triplets[len(positions)][columns]
                    positions.append(position.linear[member] @ values + position.constant[member])
                    numbers.append(atomic_numbers[element])
        placed, species = np.array(positions), np.array(numbers, dtype=np.int64)
        if closest_contacts(cell[None], placed[None], species)[0] < MIN_COVALENT_FRACTION or _has_gap(
            cell, placed @ cell
        ):
            return None
        structure = to_structure(cell, species, placed).get_primitive_structure()
        provenance: dict[str, object] = {
            "drawn_space_group": number,
            "wyckoff": dict(zip(self._formula.elements, letters, strict=True)),
            "formula_units_of_conventional_cell": formula_units,
            "per_atom_coordinates": True,
        }
        return Proposal(structure, provenance)


def _named_groups(choice: SpaceGroupChoice | None, lattice: LatticeParameters | None) -> list[int]:
    numbers = range(MIN_GROUP, 231) if choice is None else allowed_groups(choice)
    return [n for n in numbers if lattice is None or obeys_system(crystal_system(n), lattice)]


def _place(value: float, choices: int) -> int:
    return min(int(value * choices), choices - 1)


@lru_cache(20_000)
def _of_counts(number: int, counts: tuple[int, ...]) -> list[tuple[str, ...]]:
    from alphacrystal.crystal import can_place, first_assignments

    return first_assignments(number, counts, COMBINATIONS) if can_place(number, counts) else []


@lru_cache(2_000)
def _variables(number: int, letter: str) -> list[int]:
    """Which of x, y, z the representative of a position leaves free."""
    triplet = space_group(number).positions[letter].coordinates
    return [place for place, name in enumerate("xyz") if name in triplet]


def _volume_allowed(volume: float, counts: dict[str, float]) -> bool:
    cubes = sum(count * covalent_radii[atomic_numbers[symbol]] ** 3 for symbol, count in counts.items())
    spheres = 4 / 3 * np.pi * cubes
    return bool(MIN_VOLUME <= volume * PACKING / spheres <= MAX_VOLUME)


def _has_gap(cell: FloatArray, cartesian: FloatArray) -> bool:
    """True where an empty slab wider than MAX_GAP lies between atoms, along one of 13 lattice directions.

    Args:
        cell: Conventional rows in Å, shape (3, 3).
        cartesian: Atoms of one cell in Å, shape (atoms, 3).
    """
    atoms = (cartesian[:, None] + CORNERS @ cell).reshape(-1, 3)  # of a 2 x 2 x 2 supercell
    along = DIRECTIONS @ cell
    projected = atoms @ (along / np.linalg.norm(along, axis=1, keepdims=True)).T  # (atoms, 13)
    return bool((np.diff(np.sort(projected, axis=0), axis=0) > MAX_GAP).any())
