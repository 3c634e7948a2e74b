"""A canonical order of the atoms of a primitive cell, so that like crystals have like distance matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Å; distances closer than this count as equal, so that numerical noise cannot change the order.
ROUNDING = 0.02


def canonical_order(
    distances: Array, ranks: Sequence[tuple[float, ...]], orbits: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Order of atoms that depends only on the crystal, not on how its file lists them.

    Atoms are sorted by ``ranks`` (element, then Wyckoff multiplicity and letter). Orbits of equal rank go by
    their sorted distances to all atoms; inside an orbit, whose atoms all look alike, each next atom is the
    one nearest to those already placed.

    Args:
        distances: Minimum-image distances in Å, shape (atoms, atoms).
        ranks: One sortable key per atom.
        orbits: Orbit index per atom.

    Returns:
        Permutation, shape (atoms,): new position -> old index.
    """
    rounded = np.round(distances / ROUNDING).astype(np.int64)
    orbit_atoms: dict[int, list[int]] = {}
    for atom, orbit in enumerate(orbits.tolist()):
        orbit_atoms.setdefault(orbit, []).append(atom)

    def orbit_key(orbit: int) -> tuple[tuple[float, ...], tuple[float, ...], int]:
        first = orbit_atoms[orbit][0]
        return ranks[first], tuple(sorted(rounded[first].tolist())), orbit

    placed: list[int] = []
    for orbit in sorted(orbit_atoms, key=orbit_key):
        waiting = list(orbit_atoms[orbit])
        while waiting:
            nearest = min(waiting, key=lambda atom: (tuple(rounded[atom, placed].tolist()), atom))
            placed.append(nearest)
            waiting.remove(nearest)
    return np.array(placed, dtype=np.int64)
