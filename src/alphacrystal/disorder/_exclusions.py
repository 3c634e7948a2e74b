"""Sites of a disordered crystal that exclude each other, and the entropy of mixing that remains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers, covalent_radii

from alphacrystal.crystal import OCCUPANCY_TOLERANCE, cell_index, supercell_points
from alphacrystal.disorder._crystal import DisorderedCrystal, SiteOrbit
from alphacrystal.disorder._units import VACANCY
from alphacrystal.errors import InputError
from alphacrystal.typing import BoolArray, IntArray

#: Atoms closer than this part of the sum of their covalent radii (Cordero et al., doi:10.1039/b801115j, as in
#: ASE) exclude each other; generated crystals have the same limit.
MIN_COVALENT_FRACTION = 0.72
#: Å. No two atoms are closer than this: the shortest known bond, of H2, has 0.74 Å.
OVERLAP = 0.5
#: Largest excess over 1 of the occupancies of sites that exclude each other.
_EXCESS = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Exclusion:
    """Two sites, or two units, with states that cannot occur together.

    Attributes:
        first: Number of a site or unit of the primitive cell.
        second: Another one, or the same.
        shift: Cell of the second one, shape (3,).
        conflict: Whether two states exclude each other, shape (states of first, states of second).
    """

    first: int
    second: int
    shift: IntArray
    conflict: BoolArray


def exclusions(crystal: DisorderedCrystal) -> list[Exclusion]:
    """Pairs of units with sites that are too close to be occupied together; each pair once.

    Sites whose occupancies sum to more than 1 do not exclude each other. The states of a unit have no
    exclusions among themselves.

    Raises:
        InputError: Such sites are closer than 0.5 Å.
    """
    places: dict[int, tuple[int, IntArray, IntArray]] = {}  # unit, cell in it, states by those of the unit
    units = [unit for orbit in crystal.units for unit in orbit.units]
    for number, unit in enumerate(units):
        for site, cell, states in zip(unit.sites.tolist(), unit.cells, unit.site_states.T, strict=True):
            places[site] = (number, cell, states)
    conflicts: dict[tuple[int, int, int, int, int], BoolArray] = {}
    for item in _site_exclusions(crystal):
        (first, start, states), (second, end, others) = places[item.first], places[item.second]
        shift = item.shift - end + start
        conflict = item.conflict[np.ix_(states, others)]
        if (first, *shift.tolist()) > (second, *(-shift).tolist()):
            first, second, shift, conflict = second, first, -shift, conflict.T
        if first == second and not shift.any():
            continue
        a, b, c = shift.tolist()
        key = (first, second, a, b, c)
        conflicts[key] = conflicts.get(key, np.zeros_like(conflict)) | conflict
    return [
        Exclusion(first, second, np.array(shift), conflict)
        for (first, second, *shift), conflict in conflicts.items()
        if conflict.any()
    ]


def _site_exclusions(crystal: DisorderedCrystal) -> list[Exclusion]:
    """Pairs of disordered sites that are too close to be occupied together; each pair once.

    Raises:
        InputError: Such sites are closer than 0.5 Å.
    """
    from pymatgen.core import Lattice, Structure

    owner = {site: orbit for orbit in crystal.orbits for site in orbit.members.tolist()}
    sites = [site for site, orbit in sorted(owner.items()) if orbit.disordered]
    largest = max((_radius(state) for site in sites for state in owner[site].states if state), default=0.0)
    if not sites:
        return []
    cells = np.floor(crystal.positions[sites])  # the search needs coordinates in one cell
    cell = Structure(Lattice(crystal.lattice), ["H"] * len(sites), crystal.positions[sites] - cells)
    starts, ends, images, distances = cell.get_neighbor_list(2 * MIN_COVALENT_FRACTION * largest)
    shifts = np.rint(images + cells[starts] - cells[ends]).astype(np.int64)
    found = []
    for place, other, shift, distance in zip(
        starts.tolist(), ends.tolist(), shifts, distances.tolist(), strict=True
    ):
        if (place, *shift.tolist()) > (other, *(-shift).tolist()):
            continue  # the same pair in the other direction
        first, second = owner[sites[place]], owner[sites[other]]
        conflict = _conflict(first, second, distance)
        if not conflict.any():
            continue
        if first.occupied + second.occupied > 1 + 2 * OCCUPANCY_TOLERANCE:
            if distance < OVERLAP:
                raise InputError(
                    f"{crystal.name} has overlapping atoms: its sites {first.label} and {second.label}, "
                    f"{distance:.3f} Å apart, hold {first.occupied + second.occupied:.4g} atoms together; "
                    "correct the coordinates or the occupancies."
                )
            continue
        found.append(Exclusion(sites[place], sites[other], shift, conflict))
    return found


def _radius(symbol: str) -> float:
    """Covalent radius in Å."""
    return float(covalent_radii[atomic_numbers[symbol]])


def _conflict(first: SiteOrbit, second: SiteOrbit, distance: float) -> BoolArray:
    """Pairs of states that a distance in Å excludes, shape (states of first, states of second)."""
    limits = np.array(
        [
            [
                0.0 if VACANCY in (a, b) else max(OVERLAP, MIN_COVALENT_FRACTION * (_radius(a) + _radius(b)))
                for b in second.states
            ]
            for a in first.states
        ]
    )
    return np.asarray(distance < limits)


def excluded_in_supercell(
    found: Sequence[Exclusion], places: Sequence[int], supercell: IntArray
) -> list[tuple[int, int, BoolArray]]:
    """The exclusions between the units of a supercell, the later unit first.

    Args:
        found: Of the primitive cell.
        places: Place of each unit of the primitive cell among those of a cell.
        supercell: Rows in units of the primitive cell, shape (3, 3).

    Returns:
        Two units, cell by cell, and their conflicts, shape (states of the first, states of the second).
    """
    points = supercell_points(supercell)
    pairs = []
    for item in found:
        ends = cell_index(points + item.shift, supercell)
        for cell, end in enumerate(ends.tolist()):
            one = cell * len(places) + places[item.first]
            other = end * len(places) + places[item.second]
            if one >= other:
                pairs.append((one, other, item.conflict))
            else:
                pairs.append((other, one, item.conflict.T))
    return pairs


def exclusive_groups(crystal: DisorderedCrystal, found: Sequence[Exclusion]) -> tuple[list[list[int]], bool]:
    """Units of the primitive cell in groups of which at most one is occupied.

    Returns:
        The groups, and whether they are exact. Where units exclude their neighbours along a chain, or
        clusters of disorder groups exclude others, no group describes them: each unit is then a group.
    """
    orbits = [orbit for orbit in crystal.units for _ in orbit.units]
    units = range(len(orbits))
    if any(orbits[unit].is_assembly for item in found for unit in (item.first, item.second)):
        return [[unit] for unit in units], False
    neighbours: dict[int, list[tuple[int, IntArray]]] = {unit: [] for unit in units}
    for item in found:
        neighbours[item.first].append((item.second, item.shift))
        neighbours[item.second].append((item.first, -item.shift))
    groups: list[list[int]] = []
    seen: set[int] = set()
    for start in units:
        if start in seen:
            continue
        cells: dict[int, tuple[int, ...]] = {start: (0, 0, 0)}
        queue, finite = [start], True
        while queue:
            current = queue.pop()
            for other, shift in neighbours[current]:
                cell = tuple((np.array(cells[current]) + shift).tolist())
                if other not in cells:
                    cells[other] = cell
                    queue.append(other)
                finite = finite and cells[other] == cell
        complete = all(len(neighbours[member]) == len(cells) - 1 for member in cells)
        if not (finite and complete):
            return [[member] for member in units], False
        seen |= cells.keys()
        groups.append(sorted(cells))
    return groups, True


def mixing_entropy(crystal: DisorderedCrystal, found: Sequence[Exclusion]) -> tuple[float, bool]:
    """Entropy of ideal mixing in k_B for each atom, and whether it is exact.

    S / k_B = - sum over units of sum over states of x ln x, over the mean number of atoms; the states of a
    site are its elements and the vacancy, those of a cluster its disorder groups and the empty state. Sites
    that exclude one another count as one site, whose states are the elements on each of them and the vacancy.
    Where they do not form such groups, all units are independent, and the value is an upper limit.

    Raises:
        InputError: Sites that exclude one another hold more than one atom.
    """
    orbits = [orbit for orbit in crystal.units for _ in orbit.units]
    groups, exact = exclusive_groups(crystal, found)
    total = 0.0
    for group in groups:
        occupied = [[bool(orbits[unit].contents[c]) for c in orbits[unit].classes] for unit in group]
        shares = np.concatenate(
            [orbits[unit].shares[atoms] for unit, atoms in zip(group, occupied, strict=True)]
        )
        vacant = 1.0 - shares.sum()
        if vacant < -_EXCESS:
            labels = ", ".join(sorted({orbits[unit].label for unit in group}))
            raise InputError(
                f"{crystal.name} is disordered, and its sites {labels}, which are too close to be occupied "
                f"together, hold {shares.sum():.3g} atoms: correct the occupancies or the coordinates."
            )
        shares = np.append(shares, max(vacant, 0.0))
        shares = shares[shares > 1e-9]
        total -= float((shares * np.log(shares)).sum())
    return total / crystal.atoms, exact
