"""What a structure file lists, before any check: lattice, sites with occupancies, header formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ListedSite:
    """One atom of the unit cell as a file describes it.

    Attributes:
        label: What messages call the site, e.g. "O1".
        symbol: Chemical symbol as written, e.g. "Fe3+".
        position: Fractional coordinates, shape (3,).
        occupancy: Between 0 and 1 in a valid file.
    """

    label: str
    symbol: str
    position: Array
    occupancy: float = 1.0


@dataclass(frozen=True, slots=True)
class ListedCrystal:
    """A unit cell as a file describes it, symmetry already applied.

    Attributes:
        name: What messages call it: the file, with the data block or frame where a file holds several.
        lattice: Rows in Å, shape (3, 3).
        sites: All atoms of the cell.
        formula: Amounts by element symbol in the header, None without one.
        formula_units: Formula units per cell in the header, None without them.
        volume: Cell volume in the header in Å³, None without one.
        notes: Sentences on how the file was read.
    """

    name: str
    lattice: Array
    sites: tuple[ListedSite, ...]
    formula: Mapping[str, float] | None = None
    formula_units: float | None = None
    volume: float | None = None
    notes: tuple[str, ...] = field(default=())
