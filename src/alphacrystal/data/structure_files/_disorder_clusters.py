"""Clusters of the disorder groups of an assembly: images of each group, and which of them exclude others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_numbers, covalent_radii

from alphacrystal.crystal import OCCUPANCY_TOLERANCE, Assembly, DisorderGroup, GroupAtom, nearest_cell
from alphacrystal.data.structure_files._checks import close_pairs
from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure

Cell = tuple[int, int, int]
#: Of a disorder group: assembly and group.
Tag = tuple[str, str]
Atoms = frozenset[GroupAtom]
#: Å. SHELXL draws a bond up to this above the sum of the covalent radii (Sheldrick, SHELXL, command CONN).
BOND_MARGIN = 0.5


class OffsetClasses:
    """Objects of one cell and their joins with objects of any cell."""

    def __init__(self, size: int) -> None:
        """Begin with ``size`` separate objects."""
        self._joins: list[list[tuple[int, Cell]]] = [[] for _ in range(size)]

    def join(self, first: int, second: int, cell: Cell) -> None:
        """Join the object ``first`` of one cell with the object ``second`` of another.

        Args:
            first: Number of an object.
            second: Number of an object, or the same one.
            cell: Cell of the second one, relative to that of the first.
        """
        self._joins[first].append((second, cell))
        self._joins[second].append((first, minus((0, 0, 0), cell)))

    def classes(self) -> list[list[tuple[int, Cell]]] | None:
        """The objects of each class with their cells, relative to the first one.

        None where an object is joined with its image in another cell: the class has no end then.
        """
        found: list[list[tuple[int, Cell]]] = []
        seen: set[int] = set()
        for start in range(len(self._joins)):
            if start in seen:
                continue
            cells: dict[int, Cell] = {start: (0, 0, 0)}
            queue = [start]
            while queue:
                current = queue.pop()
                for other, offset in self._joins[current]:
                    cell = plus(cells[current], offset)
                    if other not in cells:
                        cells[other] = cell
                        queue.append(other)
                    elif cells[other] != cell:
                        return None
            seen |= cells.keys()
            found.append(sorted(cells.items()))
        return found


def plus(first: Cell, second: Cell) -> Cell:
    """Sum of two cells."""
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]


def minus(first: Cell, second: Cell) -> Cell:
    """Difference of two cells."""
    return first[0] - second[0], first[1] - second[1], first[2] - second[2]


def check_total(assembly: str, groups: Mapping[str, float], name: str, total: float | None = None) -> None:
    """Refuse groups of a cluster whose occupancies sum to more than 1.

    Args:
        assembly: Name of the assembly.
        groups: Occupancies by group.
        name: Of the crystal.
        total: Their sum where images of one group are several groups.
    """
    total = sum(groups.values()) if total is None else total
    if total > 1 + 2 * OCCUPANCY_TOLERANCE:
        which = f" of the assembly {assembly[:30]}" if assembly else ""
        raise InputError(
            f"{name} is disordered, and its disorder groups {group_names(groups)}{which} exclude "
            f"one another, but their occupancies sum to {total:.3g}: correct them, or name independent "
            "clusters with _atom_site_disorder_assembly."
        )


def group_names(names: Iterable[str]) -> str:
    """Names of disorder groups in a sentence."""
    return ", ".join(name[:20] for name in sorted(set(names))[:5])


@dataclass(frozen=True, slots=True)
class _Piece:
    """One image of a group: its atoms, with the cells of this image."""

    tag: Tag
    atoms: Atoms


class Clusters:
    """Builds the clusters of one assembly.

    Args:
        assembly: Its name.
        images: Atoms of each group under each operation.
        occupancies: Of each group.
        structure: The crystal.
        name: Of the crystal in messages.

    Raises:
        InputError: The atoms of a group are connected through the whole crystal.
    """

    def __init__(
        self,
        assembly: str,
        images: Mapping[tuple[Tag, int], Atoms],
        occupancies: Mapping[Tag, float],
        structure: Structure,
        name: str,
    ) -> None:
        self.assembly = assembly
        self.occupancies = occupancies
        self.structure = structure
        self.name = name
        self.pieces: list[_Piece] = []
        #: Number and cell of the piece of each image.
        self.placed: dict[tuple[Tag, int], tuple[int, Cell]] = {}
        for tag in sorted(occupancies):
            self._add_pieces(tag, {number: atoms for (key, number), atoms in images.items() if key == tag})

    def assemblies(self) -> list[Assembly]:
        """The clusters, one for each of the cell."""
        classes = OffsetClasses(len(self.pieces))
        operations: dict[int, list[tuple[int, Cell]]] = {}
        for (_, operation), place in self.placed.items():
            operations.setdefault(operation, []).append(place)
        for places in operations.values():
            for piece, cell in places[1:]:
                classes.join(places[0][0], piece, minus(cell, places[0][1]))
        for first, second, cell in self._touching():
            classes.join(first, second, cell)
        clusters = classes.classes()
        if clusters is None:
            raise InputError(
                f"{self.name} is disordered, and its disorder groups "
                f"{group_names(tag[1] for tag in self.occupancies)} form no clusters of finite size: keep "
                "the atoms of one group."
            )
        return [self._assembly(members) for members in clusters]

    def _add_pieces(self, tag: Tag, images: Mapping[int, Atoms]) -> None:
        """Distinct images of a group; images with a common atom are one, unless the group is negative."""
        numbers = sorted(images)
        holders: dict[object, list[tuple[int, Cell]]] = {}
        for place, number in enumerate(numbers):
            if tag[1].startswith("-"):
                standard, cell = _standard(images[number])
                holders.setdefault(standard, []).append((place, cell))
                continue
            for atom in images[number]:
                holders.setdefault((atom.site, atom.symbol), []).append((place, atom.cell))
        classes = OffsetClasses(len(numbers))
        for places in holders.values():
            for place, cell in places[1:]:
                classes.join(places[0][0], place, minus(places[0][1], cell))
        pieces = classes.classes()
        if pieces is None:
            raise InputError(
                f"{self.name} is disordered, and the atoms of its disorder group {tag[1][:20]} are connected "
                "by symmetry through the whole crystal: keep the atoms of one group."
            )
        for members in pieces:
            atoms = frozenset(
                atom for place, cell in members for atom in _moved(images[numbers[place]], cell)
            )
            for place, cell in members:
                self.placed[tag, numbers[place]] = (len(self.pieces), minus((0, 0, 0), cell))
            self.pieces.append(_Piece(tag, atoms))

    def _touching(self) -> Iterable[tuple[int, int, Cell]]:
        """Pairs of images of negative groups that SHELXL would bond, and the cell of the second."""
        negative = [number for number, piece in enumerate(self.pieces) if piece.tag[1].startswith("-")]
        atoms = [
            (number, atom) for number in negative for atom in sorted(self.pieces[number].atoms, key=_order)
        ]
        if not atoms:
            return
        lattice = self.structure.lattice.matrix
        positions = self.structure.frac_coords[[atom.site for _, atom in atoms]]
        cells = np.array([atom.cell for _, atom in atoms])
        radii = np.array([covalent_radii[atomic_numbers[atom.symbol]] for _, atom in atoms])
        first, second, shifts, distances = close_pairs(lattice, positions, 2 * radii.max() + BOND_MARGIN)
        near = distances <= radii[first] + radii[second] + BOND_MARGIN
        for i, j, shift in zip(first[near].tolist(), second[near].tolist(), shifts[near], strict=True):
            offset = nearest_cell(np.rint(shift) + cells[i] - cells[j])
            if atoms[i][0] != atoms[j][0] or offset != (0, 0, 0):
                yield atoms[i][0], atoms[j][0], offset

    def _assembly(self, members: Sequence[tuple[int, Cell]]) -> Assembly:
        """A cluster; where its images hold too many atoms, those of a positive group are one."""
        groups = [
            (self.pieces[number].tag, _moved(self.pieces[number].atoms, cell)) for number, cell in members
        ]
        if self._total(groups) > 1 + 2 * OCCUPANCY_TOLERANCE:
            united: dict[object, tuple[Tag, Atoms]] = {}
            for place, (tag, atoms) in enumerate(groups):
                key = place if tag[1].startswith("-") else tag
                united[key] = (tag, united[key][1] | atoms if key in united else atoms)
            groups = list(united.values())
        total = self._total(groups)
        check_total(self.assembly, {tag[1]: self.occupancies[tag] for tag, _ in groups}, self.name, total)
        groups.sort(key=lambda item: (item[0], sorted(map(_order, item[1]))))
        return Assembly(
            self.assembly,
            tuple(
                DisorderGroup(
                    tag[1], self.occupancies[tag] / max(total, 1.0), tuple(sorted(atoms, key=_order))
                )
                for tag, atoms in groups
            ),
        )

    def _total(self, groups: Iterable[tuple[Tag, Atoms]]) -> float:
        return sum(self.occupancies[tag] for tag, _ in groups)


def _order(atom: GroupAtom) -> tuple[object, ...]:
    return atom.site, atom.symbol, atom.cell


def _moved(atoms: Atoms, cell: Cell) -> Atoms:
    return frozenset(GroupAtom(atom.site, atom.symbol, plus(atom.cell, cell)) for atom in atoms)


def _standard(atoms: Atoms) -> tuple[Atoms, Cell]:
    """The atoms with the first of them in the cell of its site, and the cell that it was in."""
    cell = min(atoms, key=_order).cell
    return _moved(atoms, minus((0, 0, 0), cell)), cell
