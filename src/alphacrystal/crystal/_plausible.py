"""Which cells and coordinates no crystal has: a damaged file, not a bad prediction."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

#: Å. No bond is shorter than 0.7 Å, and no inorganic cell comes near a tenth of the upper limit.
SHORTEST_EDGE, LONGEST_EDGE = 0.5, 1e4
#: Å³ per atom. Metallic hydrogen at 500 GPa has more than 1.
SMALLEST_VOLUME = 0.5
#: Cells away from the first; beyond, so few digits are left that the position is lost.
FARTHEST = 1e6


def implausible(lattice: ArrayLike, frac_coords: ArrayLike) -> str | None:
    """One clause that says why no crystal can have this cell and these coordinates, or None.

    The limits are wide: they accept realistic proposals of a search or a user, with any energy.

    Args:
        lattice: Rows in Å, shape (3, 3).
        frac_coords: Fractional coordinates, shape (atoms, 3).
    """
    cell, sites = np.asarray(lattice, float), np.asarray(frac_coords, float)
    if not (np.isfinite(cell).all() and np.isfinite(sites).all()):
        return "its cell or a coordinate is not a finite number"
    edges = np.hypot(np.hypot(cell[:, 0], cell[:, 1]), cell[:, 2])
    if edges.max() > LONGEST_EDGE:
        return f"its cell has an edge of {edges.max():.3g} Å, and no crystal has more than {LONGEST_EDGE:.0f}"
    if edges.min() < SHORTEST_EDGE:
        return f"its cell has an edge of {edges.min():.3g} Å, and no crystal has less than {SHORTEST_EDGE}"
    volume = abs(float(np.linalg.det(cell))) / max(len(sites), 1)
    if volume < SMALLEST_VOLUME:
        return f"it has {volume:.2g} Å³ per atom, and no crystal has less than {SMALLEST_VOLUME}"
    if len(sites) and np.abs(sites).max() > FARTHEST:
        return "a coordinate lies more than a million cells away"
    return None
