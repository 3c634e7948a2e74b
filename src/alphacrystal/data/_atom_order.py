"""A canonical order of the atoms of a primitive cell, so that like crystals have like distance matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphacrystal.crystal import distance_levels
from alphacrystal.typing import FloatArray, IntArray

# Orders that look alike so far and are followed on; real crystals of 20 atoms rarely have more symmetry.
# In larger cells the order only has to be the same for like crystals most of the time.
MOST_ORDERS, MOST_ORDERS_LARGE = 64, 8
LARGE = 20  # atoms


def canonical_order(distances: FloatArray, ranks: Sequence[tuple[float, ...]], orbits: IntArray) -> IntArray:
    """Order of atoms that depends only on the crystal, not on how its file lists them.

    Atoms are sorted by ``ranks`` (element, then Wyckoff multiplicity and letter). Orbits of equal rank go by
    their sorted distances to all atoms; inside an orbit, whose atoms all look alike, each next atom is the
    one nearest to those already placed. Where several atoms are equally near, all choices are followed until
    one of them turns out to have shorter distances; those that never differ give the same matrix.

    Args:
        distances: Minimum-image distances in Å, shape (atoms, atoms).
        ranks: One sortable key per atom.
        orbits: Orbit index per atom.

    Returns:
        Permutation, shape (atoms,): new position -> old index.
    """
    levels = distance_levels(distances)
    orbit_atoms: dict[int, list[int]] = {}
    for atom, orbit in enumerate(orbits.tolist()):
        orbit_atoms.setdefault(orbit, []).append(atom)
    orbit_keys = {orbit: _orbit_key(atoms[0], levels, ranks) for orbit, atoms in orbit_atoms.items()}

    most = MOST_ORDERS if len(ranks) <= LARGE else MOST_ORDERS_LARGE
    orders: list[list[int]] = [[]]
    while len(orders[0]) < len(ranks):
        shortest: list[int] | None = None
        longer: list[list[int]] = []
        for order in orders:
            for atom in _candidates(order, orbits, orbit_atoms, orbit_keys):
                new = levels[atom, order].tolist()
                if shortest is None or new < shortest:
                    shortest, longer = new, []
                if new == shortest:
                    longer.append([*order, atom])
        orders = longer[:most]
    return np.array(orders[0], dtype=np.int64)


_OrbitKey = tuple[tuple[float, ...], list[int], list[tuple[int, tuple[float, ...]]]]


def _orbit_key(atom: int, levels: IntArray, ranks: Sequence[tuple[float, ...]]) -> _OrbitKey:
    """Sort key of an orbit by one of its atoms: rank, distances to all atoms, the same with their ranks."""
    to_others = levels[atom].tolist()
    return ranks[atom], sorted(to_others), sorted(zip(to_others, ranks, strict=True))


def _candidates(
    order: list[int], orbits: IntArray, orbit_atoms: dict[int, list[int]], orbit_keys: dict[int, _OrbitKey]
) -> list[int]:
    """Atoms that may come next: the rest of an orbit that was begun, else the first orbits that are left."""
    placed = set(order)
    if order:
        rest = [atom for atom in orbit_atoms[int(orbits[order[-1]])] if atom not in placed]
        if rest:
            return rest
    left = [orbit for orbit, atoms in orbit_atoms.items() if atoms[0] not in placed]
    first = min(orbit_keys[orbit] for orbit in left)
    return [atom for orbit in left if orbit_keys[orbit] == first for atom in orbit_atoms[orbit]]
