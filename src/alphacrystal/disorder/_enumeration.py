"""Inequivalent decorations of all supercells of one size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import Supercell, site_permutations, supercells
from alphacrystal.disorder._decorations import (
    SiteCounts,
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
        approximation: Size of the supercells, and numbers of sites in each state.
        found: Its exclusions.
        wanted: Orderings that are to be kept; sets the size of a sample.
        rng: Draws the sample.
    """
    chosen = np.concatenate([orbit.members for orbit in crystal.disordered_orbits])
    orbits = np.concatenate(
        [np.full(len(o.members), number) for number, o in enumerate(crystal.disordered_orbits)]
    )
    order = np.argsort(chosen)
    chosen, orbits = chosen[order], orbits[order]
    places = {site: place for place, site in enumerate(chosen.tolist())}
    table = np.zeros(len(crystal.positions), dtype=np.int64)
    table[chosen] = np.arange(len(chosen))
    images, shifts = table[crystal.images[:, chosen]], crystal.shifts[:, chosen]
    sites = SiteCounts(np.tile(orbits, approximation.cells), approximation.counts)
    cells = supercells(crystal.rotations, approximation.cells)
    few = bool(found) or sites.arrangements <= min(MAX_DECORATIONS, MAX_OF_SIZE // len(cells))
    result: list[DecoratedSupercell] = []
    total = 0
    for supercell in cells if few else ():
        conflicts = excluded_in_supercell(found, places, supercell.vectors)
        rows = all_decorations(sites, conflicts, MAX_DECORATIONS)
        total += MAX_OF_SIZE if rows is None else len(rows)
        if rows is None or (total > MAX_OF_SIZE and len(cells) > 1):
            few = False
            break
        permutations = site_permutations(supercell.vectors, crystal.rotations, images, shifts)
        result.append(_decorated(supercell, rows, permutations))
    if few:
        return result, True
    weights = np.array([supercell.equivalent for supercell in cells], dtype=np.float64)
    size = min(SAMPLED_SUPERCELLS, len(cells))
    sample = rng.choice(len(cells), size=size, replace=False, p=weights / weights.sum())
    result = []
    for number in np.sort(sample).tolist():
        supercell = cells[number]
        conflicts = excluded_in_supercell(found, places, supercell.vectors)
        rows = random_decorations(sites, conflicts, max(LEAST_DRAWS, DRAWS * wanted // size), rng)
        permutations = site_permutations(supercell.vectors, crystal.rotations, images, shifts)
        result.append(_decorated(supercell, rows, permutations))
    return result, False


def _decorated(
    supercell: Supercell, rows: IntArray, permutations: tuple[IntArray, IntArray]
) -> DecoratedSupercell:
    distinct = distinct_decorations(rows, *permutations)
    return DecoratedSupercell(supercell, distinct.rows, distinct.sizes * supercell.equivalent)
