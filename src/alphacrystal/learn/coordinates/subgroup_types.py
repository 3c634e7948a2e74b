"""Derive structure types whose space group is a subgroup of that of a known type.

Two elements share the sites of one element of the parent type in an order that its space group does not
allow: orbits split, and the cell may be a multiple of that of the parent. Examples are chalcopyrite from
zincblende, elpasolite from perovskite, ilmenite from corundum, trirutile from rutile, and L1_0 from fcc.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from ase.data import atomic_numbers

from alphacrystal.crystal import (
    SymmetryDescription,
    cell_shape,
    colourings,
    describe_symmetry,
    lattice_parameters,
    orbit_order,
    orbit_parameters,
    shape_to_cell,
    space_group,
)
from alphacrystal.data import FUNCTIONALS
from alphacrystal.learn.coordinates.prototypes import PrototypeCoordinates, orbit_positions
from alphacrystal.learn.lattice.network import LatticeNet
from alphacrystal.learn.lattice.prediction import constrained_shapes, predicted_shapes
from alphacrystal.learn.structure_types import (
    StructureType,
    free_coordinate_count,
    orbit_letters,
)
from alphacrystal.learn.symmetry.network import SymmetryNet
from alphacrystal.learn.symmetry.parent_types import ScoredParents, SiteAssignment
from alphacrystal.typing import FloatArray

# Added to the score of the parent type, the second times the logarithm of the index of the subgroup; chosen
# on validation compounds (docs/benchmarks/derivative-types.md).
SUBGROUP_SCORE, INDEX_SCORE = -10.0, -2.0
MAX_PARENTS = 12  # most probable combinations of a parent type, a site assignment and a supercell
MAX_ORDERS = 4  # of the two elements on the sites of one parent, the most symmetric first
MAX_CELLS = 4  # primitive cells of the parent in that of the derived type
MAX_INDEX = 16  # of the subgroup
SYMPREC = 1e-3  # Å; the coordinates are exact
FUNCTIONAL = FUNCTIONALS.index("PBE")
# Elements in electronegativity order that stand for those of the composition.
PLACEHOLDERS = np.array([atomic_numbers[symbol] for symbol in ("Cs", "Na", "Mg", "Al", "Si", "C", "N", "F")])


@dataclass(frozen=True, slots=True, eq=False)
class SubgroupType:
    """Score and crystal of a derived type.

    Attributes:
        score: On the scale of the known types.
        crystal: An ordered crystal on the sites of the parent type, in the cell that is predicted for it;
            PLACEHOLDERS in the place of the elements.
    """

    score: float
    crystal: SymmetryDescription

    @property
    def ratios(self) -> FloatArray:
        """log(b/a), log(c/a) and cosines of the conventional cell, shape (5,)."""
        return cell_shape(lattice_parameters(self.crystal.lattice))[1:]

    def prototype(self) -> tuple[tuple[str, ...], FloatArray]:
        """Letters of the orbits in the setting of the crystal, and the free coordinates, orbit by orbit.

        Orbits are in the order of ``orbit_letters``.
        """
        crystal = self.crystal
        number = crystal.space_group
        to_conventional = np.linalg.inv(space_group(number).to_primitive).T
        members = np.unique(crystal.orbits, return_index=True)[1].tolist()
        setting: list[str] = []
        values: list[FloatArray] = []
        for element in [one for one in PLACEHOLDERS.tolist() if one in crystal.numbers]:
            atoms = [atom for atom in members if crystal.numbers[atom] == element]
            for letter in orbit_order(number, "".join([crystal.letters[atom] for atom in atoms])):
                atom = next(atom for atom in atoms if crystal.letters[atom] == letter)
                atoms.remove(atom)
                setting.append(crystal.setting_letters[atom])
                point = crystal.primitive_positions[atom] @ to_conventional
                values.append(orbit_parameters(number, setting[-1], point)[0])
        return tuple(setting), np.concatenate(values)

    def positions(self) -> FloatArray:
        """Atoms of the primitive cell in the order of ``atom_sites``.

        Returns:
            Fractional coordinates in the conventional cell, shape (atoms, 3).
        """
        return np.concatenate(orbit_positions(self.crystal.space_group, *self.prototype()))


def subgroup_types(
    net: SymmetryNet,
    prototypes: PrototypeCoordinates,
    cells: LatticeNet,
    parents: Sequence[ScoredParents],
    elements: Sequence[str],
    counts: Sequence[int],
    units: Sequence[int],
) -> dict[StructureType, SubgroupType]:
    """Derived types of a composition whose space group is a subgroup of that of their parent.

    Args:
        net: The symmetry network.
        prototypes: Coordinates of the parents.
        cells: Predicts the cells of the parents.
        parents: ``scored_parents`` of the composition.
        elements: In electronegativity order.
        counts: Their reduced counts.
        units: Formula units Z of the primitive cell to consider.

    Returns:
        Types in canonical setting. A type with several parents gets its best score. Types in the vocabulary
        of the network are excluded.
    """
    choices: dict[tuple[int, SiteAssignment, int], float] = {}
    for parent in parents:
        if not parent.merged:
            continue
        allowed = [parent.multiple * z for z in units]
        for multiple in range(1, MAX_CELLS + 1):
            for place in np.flatnonzero(np.isin(parent.units * multiple, allowed)).tolist():
                key = int(parent.rows[place]), parent.assignment, multiple
                choices[key] = max(choices.get(key, -np.inf), float(parent.scores[place]))

    def bound(choice: tuple[int, SiteAssignment, int]) -> float:
        """Largest possible score, but for a constant; the index is at least the size of the cell."""
        return choices[choice] + INDEX_SCORE * math.log(choice[2])

    chosen = sorted(choices, key=bound, reverse=True)[:MAX_PARENTS]
    types = [net.types[row] for row, _, _ in chosen]
    # One of two elements on the same sites represents both.
    symbols = [[elements[shared[0]] for shared in assignment] for _, assignment, _ in chosen]
    targets, _ = predicted_shapes(cells, types, symbols, [FUNCTIONAL] * len(types))
    shapes = constrained_shapes(types, targets)
    derived: dict[StructureType, SubgroupType] = {}
    for parent_type, shape, choice in zip(types, shapes, chosen, strict=True):
        _, assignment, multiple = choice
        orders = _ordered_crystals(parent_type, prototypes, shape, assignment, counts, multiple)
        for index, found in islice(orders, MAX_ORDERS):
            structure_type = StructureType(found.space_group, tuple(found.occupation().values()))
            score = choices[choice] + SUBGROUP_SCORE + INDEX_SCORE * math.log(index)
            known = derived.get(structure_type)
            if structure_type not in net.rows and (known is None or known.score < score):
                derived[structure_type] = SubgroupType(score, found)
    return derived


def _ordered_crystals(
    parent: StructureType,
    prototypes: PrototypeCoordinates,
    shape: FloatArray,
    assignment: SiteAssignment,
    counts: Sequence[int],
    cells: int,
) -> Iterator[tuple[int, SymmetryDescription]]:
    """Ordered crystals on the sites of a parent type, each with the index of its space group.

    Args:
        parent: The parent type.
        prototypes: Its coordinates.
        shape: Lattice targets of its cell, shape (6,).
        assignment: Elements on the sites of each of its elements.
        counts: Reduced counts of the elements of the composition.
        cells: Primitive cells of the parent in that of the crystal.
    """
    orbits = _parent_orbits(parent, prototypes)
    if not orbits:
        return
    group = space_group(parent.space_group)
    atoms = sum(map(len, orbits)) * len(group.centring)
    conventional = shape_to_cell(shape + np.array([math.log(atoms), 0, 0, 0, 0, 0]))
    element_of = [element for element, letters in enumerate(parent.letters) for _ in letters]
    by_element = [
        np.concatenate([orbit for orbit, other in zip(orbits, element_of, strict=True) if other == element])
        for element in range(len(parent.letters))
    ]
    shared = next(element for element, elements in enumerate(assignment) if len(elements) > 1)
    first, second = assignment[shared]
    sites = by_element[shared]
    number, remainder = divmod(cells * len(sites) * counts[first], counts[first] + counts[second])
    if remainder:
        return
    positions = np.concatenate(by_element)
    for colouring in colourings(parent.space_group, sites, number, cells, MAX_INDEX):
        ordered = np.where(colouring.first, PLACEHOLDERS[first], PLACEHOLDERS[second])
        numbers = [
            ordered if element == shared else np.full((cells, len(by_element[element])), PLACEHOLDERS[one])
            for element, (one, *_) in enumerate(assignment)
        ]
        points = (colouring.translations[:, None] + positions) @ np.linalg.inv(colouring.supercell)
        found = describe_symmetry(
            colouring.supercell @ group.primitive_basis(conventional),
            points.reshape(-1, 3),
            np.concatenate(numbers, axis=1).reshape(-1),
            symprec=SYMPREC,
        )
        if len(found.numbers) == cells * len(positions):
            yield colouring.index, found


def _parent_orbits(parent: StructureType, prototypes: PrototypeCoordinates) -> list[FloatArray]:
    """Fractional coordinates in the primitive cell of each orbit, of the largest cluster of prototypes.

    Empty if the coordinates of the type are not known.
    """
    group = space_group(parent.space_group)
    row = prototypes.rows.get(parent)
    if row is not None:
        orbits = next(prototypes.clusters_of_row(row))[1]
    elif free_coordinate_count(parent):
        return []
    else:
        orbits = orbit_positions(parent.space_group, orbit_letters(parent), np.zeros(0))
    return [orbit @ group.to_primitive.T for orbit in orbits]
