"""Geometries that cannot be crystals, for any energy of a potential."""

from __future__ import annotations

import numpy as np

from alphacrystal.crystal import Crystal

#: Atoms closer than this (Å) have fused: shorter than any chemical bond (H2 is 0.74 Å).
_FUSED = 0.5

#: A cell whose volume leaves this range around its start has collapsed or flown apart.
_VOLUME_RANGE = (0.2, 5.0)


def sanity_problem(crystal: Crystal, start_volume: float) -> str | None:
    """One clause that says why this geometry cannot be a crystal, or None."""
    if not (np.isfinite(crystal.lattice).all() and np.isfinite(crystal.frac_coords).all()):
        return "coordinates are not finite"
    volume = crystal.volume
    if volume < 1e-3:
        return "the cell has no volume"
    low, high = _VOLUME_RANGE
    if not low < volume / start_volume < high:
        return f"the volume changed by a factor of {volume / start_volume:.2g}"
    if _shortest_distance(crystal) < _FUSED:
        return f"two atoms came closer than {_FUSED} Å"
    return None


def _shortest_distance(crystal: Crystal) -> float:
    """Shortest distance between two atoms or an atom and its image in Å, or infinity beyond 1 Å."""
    from pymatgen.optimization.neighbors import find_points_in_spheres

    cartesian = np.ascontiguousarray(crystal.frac_coords @ crystal.lattice)
    start, end, _, distance = find_points_in_spheres(
        cartesian,
        cartesian,
        r=1.0,
        pbc=np.ones(3, dtype=np.int64),
        lattice=np.ascontiguousarray(crystal.lattice),
        tol=1e-8,
    )
    others = distance[(start != end) | (distance > 1e-8)]
    return float(others.min()) if len(others) else np.inf
