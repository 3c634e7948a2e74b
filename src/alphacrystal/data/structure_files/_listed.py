"""The content of a structure file before any check: lattice, sites with occupancies, header formula."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from alphacrystal.typing import FloatArray

#: Crystals of the longest file that is read: data blocks, frames.
MAX_CRYSTALS = 1000


@dataclass(frozen=True, slots=True)
class ListedSite:
    """One atom of the unit cell as a file describes it.

    Attributes:
        label: Name of the site in messages, e.g. "O1".
        symbol: Chemical symbol as written, e.g. "Fe3+".
        position: Fractional coordinates, shape (3,).
        occupancy: Between 0 and 1 in a valid file.
        group: Assembly and disorder group, None for atoms that are in no group.
        images: Of an atom in a group: the operations that make it from its row, each with the cell in which
            the image of the row lies, relative to ``position``.
    """

    label: str
    symbol: str
    position: FloatArray
    occupancy: float = 1.0
    group: tuple[str, str] | None = None
    images: tuple[tuple[int, tuple[int, int, int]], ...] = ()


@dataclass(frozen=True, slots=True)
class ListedCrystal:
    """A unit cell as a file describes it, symmetry already applied.

    Attributes:
        name: Name in messages: the file, with the data block or frame if it contains several.
        lattice: Rows in Å, shape (3, 3).
        sites: All atoms of the cell.
        formula: Amounts by element symbol in the header, None without one.
        formula_units: Formula units per cell in the header, None without them.
        volume: Cell volume in the header in Å³, None without one.
        density: Density in the header in g/cm³, None without one.
        formula_weight: Mass of one formula in the header in u, None without one.
        notes: Sentences on how the file was read.
    """

    name: str
    lattice: FloatArray
    sites: tuple[ListedSite, ...]
    formula: Mapping[str, float] | None = None
    formula_units: float | None = None
    volume: float | None = None
    density: float | None = None
    formula_weight: float | None = None
    notes: tuple[str, ...] = field(default=())

    def possible_atoms(self) -> tuple[float, ...]:
        """Atoms of the cell by the header: Z formulas, which some programs give for the whole cell."""
        if not self.formula or not self.formula_units:
            return ()
        total = sum(self.formula.values())
        divisor = math.gcd(*(round(amount) for amount in self.formula.values())) or 1
        return (total * self.formula_units, total / divisor * self.formula_units)

    def contradicts(self, atoms: float) -> bool:
        """Whether the header says that the cell holds another number of atoms."""
        possible = self.possible_atoms()
        return bool(possible) and not any(abs(atoms - number) < 1e-2 * number for number in possible)


def count_of(number: int, noun: str) -> str:
    """A number with its noun: "1 site", "2 sites"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
