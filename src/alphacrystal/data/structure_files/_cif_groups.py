"""Disorder groups and assemblies of a CIF: which atoms are present together, which groups exclude others.

Source: the definitions of _atom_site_disorder_assembly and _atom_site_disorder_group in the core dictionary
of the International Union of Crystallography. A group whose name begins with a minus sign is disordered about
a special position; its images exclude one another where SHELXL would draw a bond between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import Assembly, GroupAtom, nearest_cell
from alphacrystal.data.structure_files._checks import SAME_ATOM, element_of
from alphacrystal.data.structure_files._cif_items import CifItems
from alphacrystal.data.structure_files._disorder_clusters import (
    Atoms,
    Cell,
    Clusters,
    Tag,
    check_total,
    group_names,
    plus,
)
from alphacrystal.data.structure_files._listed import ListedSite
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Largest difference of the occupancies of a group: that of a refinement.
_SAME_OCCUPANCY = 0.02


def group_column(items: CifItems, count: int, name: str) -> list[Tag | None]:
    """Assembly and disorder group of each of ``count`` listed sites; None for sites in no group.

    Raises:
        InputError: The columns have other lengths.
    """
    groups = items.column("atom_site_disorder_group") or [None] * count
    assemblies = items.column("atom_site_disorder_assembly") or [None] * count
    if len(groups) != count or len(assemblies) != count:
        raise InputError(f"{name} lists disorder groups with missing rows: correct the loop of atom sites.")
    return [
        None if group in (None, "0", "+0", "-0") else (assembly or "", str(group).removeprefix("+"))
        for group, assembly in zip(groups, assemblies, strict=True)
    ]


def refuse_groups(rows: Sequence[ListedSite], name: str) -> None:
    """Refuse several disorder groups where only ordered structures are accepted.

    Raises:
        InputError: Names the groups.
    """
    groups = {row.group[1] for row in rows if row.group is not None}
    if len(groups) > 1:
        raise InputError(
            f"{name} is disordered (its sites belong to the disorder groups {group_names(groups)}): give "
            "the atoms of one group; alphacrystal relax lists its ordered approximants."
        )


def image_cells(
    images: FloatArray, position: FloatArray, lattice: FloatArray
) -> tuple[tuple[int, Cell], ...]:
    """The operations that move a site onto a position, each with the cell in which the image lies.

    Args:
        images: Of the site under each operation, shape (operations, 3).
        position: Shape (3,).
        lattice: Rows in Å, shape (3, 3).
    """
    offsets = images - position
    cells = np.rint(offsets)
    same = np.linalg.norm((offsets - cells) @ lattice, axis=1) < SAME_ATOM
    return tuple((number, nearest_cell(cells[number])) for number in np.flatnonzero(same).tolist())


def assemblies_of(sites: Sequence[ListedSite], structure: Structure, name: str) -> tuple[Assembly, ...]:
    """The clusters of disorder groups in a cell.

    Args:
        sites: All listed sites of the cell, with their groups and the operations that make them.
        structure: The crystal that was read from them.
        name: In messages.

    Raises:
        InputError: The occupancies of a group differ, those of a cluster sum to more than 1, a site belongs
            to several clusters or only in part to a group, or the groups form no clusters of finite size.
    """
    images = _images(sites, structure, name)
    occupancies = _occupancies(sites, name)
    for assembly in {tag[0] for tag in occupancies}:
        check_total(assembly, {tag[1]: x for tag, x in occupancies.items() if tag[0] == assembly}, name)
    found: list[Assembly] = []
    for assembly in dict.fromkeys(tag[0] for tag, _ in images):
        tags = {tag for tag, _ in images if tag[0] == assembly}
        found += Clusters(
            assembly,
            {key: atoms for key, atoms in images.items() if key[0] in tags},
            {tag: occupancies[tag] for tag in tags},
            structure,
            name,
        ).assemblies()
    found = [item for item in found if len(item.groups) > 1 or len(item.groups[0].atoms) > 1]
    _check_sites(found, structure, name)
    return tuple(found)


def _images(sites: Sequence[ListedSite], structure: Structure, name: str) -> dict[tuple[Tag, int], Atoms]:
    """Atoms of each group under each operation, without those whose site always holds them."""
    from scipy.spatial import KDTree

    positions = np.asarray(structure.frac_coords)
    tree = KDTree(_wrapped(positions), boxsize=1.0)
    found: dict[tuple[Tag, int], set[GroupAtom]] = {}
    for site in sites:
        if site.group is None or site.occupancy <= 0:
            continue
        place = int(tree.query(_wrapped(site.position))[1])
        if structure[place].is_ordered:
            continue
        symbol, moved = element_of(site, name), nearest_cell(site.position - positions[place])
        for operation, cell in site.images:
            atom = GroupAtom(place, symbol, plus(cell, moved))
            found.setdefault((site.group, operation), set()).add(atom)
    return {key: frozenset(atoms) for key, atoms in found.items()}


def _wrapped(positions: FloatArray) -> FloatArray:
    """Fractional coordinates from 0 to below 1."""
    wrapped = positions % 1.0
    return np.where(wrapped < 1.0, wrapped, 0.0)


def _occupancies(sites: Sequence[ListedSite], name: str) -> dict[Tag, float]:
    """Mean occupancy of each group.

    Raises:
        InputError: Its atoms have different ones.
    """
    listed: dict[Tag, list[ListedSite]] = {}
    for site in sites:
        if site.group is not None and site.occupancy > 0:
            listed.setdefault(site.group, []).append(site)
    for tag, members in listed.items():
        low, high = (choose(members, key=lambda site: site.occupancy) for choose in (min, max))
        if high.occupancy - low.occupancy > _SAME_OCCUPANCY:
            raise InputError(
                f"{name} is disordered, and the sites {low.label[:30]} and {high.label[:30]} of its disorder "
                f"group {tag[1][:20]} have the occupancies {low.occupancy:g} and {high.occupancy:g}: give "
                "the atoms of a group one occupancy, or name independent clusters with "
                "_atom_site_disorder_assembly."
            )
    return {tag: float(np.mean([site.occupancy for site in members])) for tag, members in listed.items()}


def _check_sites(found: Sequence[Assembly], structure: Structure, name: str) -> None:
    """Refuse sites of several clusters, with several elements in a group, or only partly in groups."""
    owner: dict[int, int] = {}
    held: dict[tuple[int, str], float] = {}
    for number, assembly in enumerate(found):
        for group in assembly.groups:
            symbols: dict[int, str] = {}
            for atom in group.atoms:
                label = str(structure.labels[atom.site])[:30]
                if owner.setdefault(atom.site, number) != number:
                    raise InputError(
                        f"{name} is disordered, and its site {label} belongs to several clusters of disorder "
                        "groups: give each cluster its sites."
                    )
                if symbols.setdefault(atom.site, atom.symbol) != atom.symbol:
                    raise InputError(
                        f"{name} is disordered, and its site {label} holds several elements in the disorder "
                        f"group {group.name[:20]}: give each element a group."
                    )
                key = (atom.site, atom.symbol)
                held[key] = held.get(key, 0.0) + group.occupancy
    for site in owner:
        for species, amount in structure[site].species.items():
            difference = abs(float(amount) - held.get((site, species.symbol), 0.0))
            if difference > _SAME_OCCUPANCY:
                raise InputError(
                    f"{name} is disordered, and its site {str(structure.labels[site])[:30]} belongs only "
                    "partly to disorder groups: give all its atoms a group, or none."
                )
