"""Inequivalent decorations of all supercells of one size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import Supercell, cell_index, site_permutations, supercell_points, supercells
from alphacrystal.disorder._decorations import (
    UnitCounts,
    all_decorations,
    distinct_decorations,
    random_decorations,
)
from alphacrystal.disorder._exclusions import excluded_in_supercell

if TYPE_CHECKING:
    from alphacrystal.disorder._approximation import Approximation
    from alphacrystal.disorder._crystal import DisorderedCrystal
    from alphacrystal.disorder._exclusions import Exclusion
    from alphacrystal.typing import IntArray

#: Decorations of one supercell, and of all supercells of a size; where there are more, a sample is drawn.
MAX_DECORATIONS = 100_000
MAX_OF_SIZE = 400_000
#: A sample: supercells, and decorations for each ordering that is to be kept and in each supercell at least.
SAMPLED_SUPERCELLS = 24
DRAWS, LEAST_DRAWS = 8, 16


@dataclass(frozen=True, slots=True, eq=False)
class DecoratedSupercell:
    """The inequivalent decorations of one supercell.

    Attributes:
        supercell: The supercell.
        rows: State of each disordered site, cell by cell, shape (decorations, sites).
        arrangements: Equivalent decorations in all equivalent supercells, shape (decorations,).
    """

    supercell: Supercell
    rows: IntArray
    arrangements: IntArray


def decorated_supercells(
    crystal: DisorderedCrystal,
    approximation: Approximation,
    found: Sequence[Exclusion],
    wanted: int,
    rng: np.random.Generator,
) -> tuple[list[DecoratedSupercell], bool]:
    """The inequivalent decorations of all supercells of a size, and whether these are all.

    Decorations of smaller cells are left out.

    Args:
        crystal: The disordered crystal.
        approximation: Size of the supercells, and numbers of units in each state.
        found: Its exclusions.
        wanted: Orderings that are to be kept; sets the size of a sample.
        rng: Draws the sample.
    """
    sites, places = _disordered_sites(crystal), _UnitPlaces(crystal)
    table = np.zeros(len(crystal.positions), dtype=np.int64)
    table[sites] = np.arange(len(sites))
    images, shifts = table[crystal.images[:, sites]], crystal.shifts[:, sites]
    units = UnitCounts(
        np.tile(places.orbits, approximation.cells),
        approximation.counts,
        tuple(orbit.classes for orbit in crystal.units),
    )
    cells = supercells(crystal.rotations, approximation.cells)
    few = bool(found) or units.arrangements <= min(MAX_DECORATIONS, MAX_OF_SIZE // len(cells))
    result: list[DecoratedSupercell] = []
    total = 0
    for supercell in cells if few else ():
        conflicts = excluded_in_supercell(found, places.numbers, supercell.vectors)
        rows = all_decorations(units, conflicts, MAX_DECORATIONS)
        total += MAX_OF_SIZE if rows is None else len(rows)
        if rows is None or (total > MAX_OF_SIZE and len(cells) > 1):
            few = False
            break
        permutations = site_permutations(supercell.vectors, crystal.rotations, images, shifts)
        result.append(_decorated(supercell, places.site_states(rows, supercell), permutations))
    if few:
        return result, True
    weights = np.array([supercell.equivalent for supercell in cells], dtype=np.float64)
    size = min(SAMPLED_SUPERCELLS, len(cells))
    sample = rng.choice(len(cells), size=size, replace=False, p=weights / weights.sum())
    result = []
    for number in np.sort(sample).tolist():
        supercell = cells[number]
        conflicts = excluded_in_supercell(found, places.numbers, supercell.vectors)
        rows = random_decorations(units, conflicts, max(LEAST_DRAWS, DRAWS * wanted // size), rng)
        permutations = site_permutations(supercell.vectors, crystal.rotations, images, shifts)
        result.append(_decorated(supercell, places.site_states(rows, supercell), permutations))
    return result, False


def _disordered_sites(crystal: DisorderedCrystal) -> IntArray:
    """Disordered sites of the primitive cell, ascending."""
    return np.sort(np.concatenate([orbit.members for orbit in crystal.disordered_orbits]))


class _UnitPlaces:
    """The units of the primitive cell in the order of their first sites.

    Attributes:
        orbits: Number of the orbit of each place, shape (units,).
        numbers: Place of each unit, the units in the order of the orbits.
    """

    def __init__(self, crystal: DisorderedCrystal) -> None:
        """Order the units."""
        listed = [(number, unit) for number, orbit in enumerate(crystal.units) for unit in orbit.units]
        order = sorted(range(len(listed)), key=lambda number: int(listed[number][1].sites.min()))
        self.orbits = np.array([listed[number][0] for number in order], dtype=np.int64)
        self.numbers = np.argsort(order).tolist()
        of_site = {
            site: (place, cell, states)
            for place, number in enumerate(order)
            for site, cell, states in zip(
                listed[number][1].sites.tolist(),
                listed[number][1].cells,
                listed[number][1].site_states.T,
                strict=True,
            )
        }
        found = [of_site[site] for site in _disordered_sites(crystal).tolist()]
        self._places = np.array([place for place, _, _ in found], dtype=np.int64)
        self._cells = np.array([cell for _, cell, _ in found], dtype=np.int64)
        widest = max(len(states) for _, _, states in found)
        self._states = np.array([np.resize(states, widest) for _, _, states in found], dtype=np.int64)

    def site_states(self, rows: IntArray, supercell: Supercell) -> IntArray:
        """State of each disordered site, cell by cell, shape (decorations, sites).

        Args:
            rows: State of each unit, cell by cell, shape (decorations, units).
            supercell: The supercell.
        """
        points = supercell_points(supercell.vectors)
        cells = cell_index(points[:, None] - self._cells, supercell.vectors)  # (cells, sites)
        units = cells * len(self.orbits) + self._places
        sites = np.broadcast_to(np.arange(len(self._places)), units.shape)
        return np.asarray(self._states[sites.ravel(), rows[:, units.ravel()]])


def _decorated(
    supercell: Supercell, rows: IntArray, permutations: tuple[IntArray, IntArray]
) -> DecoratedSupercell:
    distinct = distinct_decorations(rows, *permutations)
    return DecoratedSupercell(supercell, distinct.rows, distinct.sizes * supercell.equivalent)
