"""Clusters of disorder groups in the primitive cell, and the operations that keep them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphacrystal.crystal import Assembly, GroupAtom, nearest_cell
from alphacrystal.typing import BoolArray, FloatArray, IntArray

#: A cluster without names and occupancies: the atoms of each group.
Shape = frozenset[frozenset[GroupAtom]]


def primitive_clusters(
    assemblies: Sequence[Assembly],
    mapping: IntArray,
    coordinates: FloatArray,
    vectors: FloatArray,
    positions: FloatArray,
) -> list[Assembly] | None:
    """The different clusters of the primitive cell.

    Args:
        assemblies: Of the cell of the file.
        mapping: Site of the primitive cell of each site of the file, shape (sites,).
        coordinates: Of the sites of the file in the primitive cell, shape (sites, 3).
        vectors: Lattice vectors of the file in the primitive cell, rows, shape (3, 3).
        positions: Fractional coordinates of the sites of the primitive cell, shape (primitive sites, 3).

    Returns:
        None where the clusters have a larger cell than the occupancies: a site then belongs to several.
    """

    def image(atom: GroupAtom) -> GroupAtom:
        site = int(mapping[atom.site])
        place = coordinates[atom.site] + np.array(atom.cell) @ vectors
        return GroupAtom(site, atom.symbol, nearest_cell(place - positions[site]))

    found: dict[Shape, Assembly] = {}
    for assembly in assemblies:
        standard = _standard(assembly.mapped(image))
        found.setdefault(_shape(standard), standard)
    owners: dict[int, object] = {}
    for number, assembly in enumerate(found.values()):
        for group in assembly.groups:
            for atom in group.atoms:
                if owners.setdefault(atom.site, (number, atom.cell)) != (number, atom.cell):
                    return None
    return list(found.values())


def kept_operations(
    assemblies: Sequence[Assembly], rotations: IntArray, images: IntArray, shifts: IntArray
) -> BoolArray:
    """Which operations map every cluster onto a cluster, shape (operations,).

    Args:
        assemblies: Of the primitive cell, as `primitive_clusters` returns them.
        rotations: Shape (operations, 3, 3).
        images: Image of each site, shape (operations, sites).
        shifts: Cell of that image, shape (operations, sites, 3).
    """
    shapes = set(map(_shape, assemblies))
    kept = np.ones(len(rotations), dtype=bool)
    for number in range(len(rotations)):
        rotation, sites, cells = rotations[number], images[number], shifts[number]

        def image(
            atom: GroupAtom,
            rotation: IntArray = rotation,
            sites: IntArray = sites,
            cells: IntArray = cells,
        ) -> GroupAtom:
            cell = rotation @ np.array(atom.cell) + cells[atom.site]
            return GroupAtom(int(sites[atom.site]), atom.symbol, nearest_cell(cell))

        kept[number] = all(_shape(_standard(item.mapped(image))) in shapes for item in assemblies)
    return kept


def _shape(assembly: Assembly) -> Shape:
    return frozenset(frozenset(group.atoms) for group in assembly.groups)


def _standard(assembly: Assembly) -> Assembly:
    """The cluster moved so that its first site is in the cell of that site."""
    first = np.array(min((atom.site, atom.cell) for group in assembly.groups for atom in group.atoms)[1])

    def moved(atom: GroupAtom) -> GroupAtom:
        return GroupAtom(atom.site, atom.symbol, nearest_cell(np.array(atom.cell) - first))

    return assembly.mapped(moved)
