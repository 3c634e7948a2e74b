"""Atoms of a disordered crystal that are present together: disorder groups and assemblies, all images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from alphacrystal.typing import FloatArray, IntArray

Cell = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class GroupAtom:
    """An atom of a disorder group.

    Attributes:
        site: Index of its site in the structure.
        symbol: Element symbol.
        cell: Cell of the atom in lattice vectors, relative to the cell that contains the site.
    """

    site: int
    symbol: str
    cell: Cell


@dataclass(frozen=True, slots=True)
class DisorderGroup:
    """Atoms that are present together or absent together.

    Attributes:
        name: In the file, e.g. "1"; symmetry-equivalent groups have the same name.
        occupancy: Probability that the atoms are present.
        atoms: Its atoms.
    """

    name: str
    occupancy: float
    atoms: tuple[GroupAtom, ...]


@dataclass(frozen=True, slots=True)
class Assembly:
    """Groups of one cluster, of which at most one is present; repeated in each cell of the structure.

    Attributes:
        name: In the file, e.g. "A"; "" without one.
        groups: Its groups; their occupancies sum to at most 1.
    """

    name: str
    groups: tuple[DisorderGroup, ...]

    def mapped(self, image: Callable[[GroupAtom], GroupAtom]) -> Assembly:
        """The assembly with the image of each atom."""
        groups = [
            DisorderGroup(group.name, group.occupancy, tuple(map(image, group.atoms)))
            for group in self.groups
        ]
        return Assembly(self.name, tuple(groups))


def nearest_cell(values: FloatArray | IntArray) -> Cell:
    """The cell whose numbers are nearest to values, shape (3,)."""
    a, b, c = np.rint(values).astype(int).tolist()
    return a, b, c
