"""Units of a disordered crystal: sites, or clusters of disorder groups, that are in one of several states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alphacrystal.crystal import Assembly, DisorderGroup
from alphacrystal.typing import FloatArray, IntArray

#: State of a site that holds no atom, and of a unit without atoms.
VACANCY = ""
#: Clusters whose occupancies sum to at least this are never empty.
_FULL = 0.99


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """One unit of the primitive cell.

    Attributes:
        sites: Its sites, shape (sites,).
        cells: Cell of each of them, relative to that of the unit, shape (sites, 3).
        site_states: State of each site in each state of the unit, shape (states, sites).
    """

    sites: IntArray
    cells: IntArray
    site_states: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class UnitOrbit:
    """Units with the same states: equivalent sites, or equivalent clusters of disorder groups.

    Attributes:
        label: Name of the site or of the assembly in the file; "" for an assembly without name.
        units: The units.
        names: Of the classes of states: elements or disorder groups, and ``VACANCY``.
        members: Of an assembly, labels of the sites of each class; empty for sites.
        shares: Probability of each state, shape (states,); the sum is 1.
        classes: Class of each state, shape (states,). Symmetry exchanges the states of a class, so that only
            the sum of their probabilities decides on the composition.
        contents: Atoms of each element in a state of each class.
    """

    label: str
    units: tuple[Unit, ...]
    names: tuple[str, ...]
    members: tuple[tuple[str, ...], ...]
    shares: FloatArray
    classes: IntArray
    contents: tuple[Mapping[str, int], ...]

    @property
    def is_assembly(self) -> bool:
        """Whether the units are clusters of disorder groups, not sites."""
        return bool(self.members)

    @property
    def class_shares(self) -> FloatArray:
        """Probability of each class, shape (classes,)."""
        return np.asarray(np.bincount(self.classes, weights=self.shares))

    @property
    def multiplicities(self) -> IntArray:
        """States of each class, shape (classes,)."""
        return np.bincount(self.classes)

    def described(self) -> str:
        """The states in words, e.g. "site M1 holds 0.75 Cu, 0.25 Au" or "assembly A holds 0.5 of group 1"."""
        shares = zip(self.names, self.class_shares.tolist(), strict=True)
        if not self.is_assembly:
            return f"site {self.label} holds " + ", ".join(f"{x:.4g} {name}" for name, x in shares if name)
        groups = [
            group_text(name, x, n) for (name, x), n in zip(shares, self.multiplicities, strict=True) if name
        ]
        return f"{assembly_name(self.label)} holds {', or '.join(groups)}"


def assembly_name(label: str) -> str:
    """Name of clusters of disorder groups in a sentence."""
    return f"assembly {label}" if label else "each cluster of disorder groups"


def group_text(name: str, share: float, images: int) -> str:
    """A disorder group with its occupancy, e.g. "0.6 of group 1" or "0.3 of each of 2 images of group -1"."""
    if images == 1:
        return f"{share:.4g} of group {name}"
    if ", " in name:
        return f"{share / images:.4g} of each of the equivalent groups {name}"
    return f"{share / images:.4g} of each of {images} images of group {name}"


def site_units(label: str, sites: IntArray, states: Sequence[str], shares: FloatArray) -> UnitOrbit:
    """Equivalent sites as units.

    Args:
        label: Name in the file.
        sites: Sites of the primitive cell.
        states: Element symbols, and ``VACANCY``.
        shares: Probability of each state.
    """
    every = np.arange(len(states))
    origin = np.zeros((1, 3), dtype=np.int64)
    return UnitOrbit(
        label,
        tuple(Unit(np.array([site]), origin, every[:, None]) for site in sites.tolist()),
        tuple(states),
        (),
        shares,
        every,
        tuple({state: 1} if state else {} for state in states),
    )


@dataclass(frozen=True, slots=True, eq=False)
class SiteFacts:
    """The properties of a site on which the units of clusters depend.

    Attributes:
        label: Name in the file.
        orbit: Number of its orbit.
        states: Its states.
    """

    label: str
    orbit: int
    states: tuple[str, ...]


def assembly_units(assemblies: Sequence[Assembly], sites: Sequence[SiteFacts]) -> list[UnitOrbit]:
    """Clusters of disorder groups as units, equal ones together.

    Args:
        assemblies: Of the primitive cell.
        sites: All sites of the primitive cell.
    """
    alike: dict[object, list[tuple[Assembly, list[DisorderGroup]]]] = {}
    for assembly in assemblies:
        groups = sorted(
            assembly.groups, key=lambda group: (-round(group.occupancy, 3), group.name, _orbits(group, sites))
        )
        key = (
            assembly.name,
            tuple((round(group.occupancy, 3), group.name, _orbits(group, sites)) for group in groups),
        )
        alike.setdefault(key, []).append((assembly, groups))
    return [_orbit_of(items, sites) for items in alike.values()]


def _orbits(group: DisorderGroup, sites: Sequence[SiteFacts]) -> tuple[tuple[int, str], ...]:
    """Orbit and element of each atom of a group: equal for groups that symmetry exchanges."""
    return tuple(sorted((sites[atom.site].orbit, atom.symbol) for atom in group.atoms))


def _orbit_of(items: Sequence[tuple[Assembly, list[DisorderGroup]]], sites: Sequence[SiteFacts]) -> UnitOrbit:
    assembly, groups = items[0]
    numbers: dict[object, int] = {}
    classes = [
        numbers.setdefault((round(group.occupancy, 3), _orbits(group, sites)), len(numbers))
        for group in groups
    ]
    alike = [
        [group for group, number in zip(groups, classes, strict=True) if number == wanted]
        for wanted in range(len(numbers))
    ]
    names = [", ".join(dict.fromkeys(group.name for group in equal)) for equal in alike]
    members = [
        tuple(dict.fromkeys(sites[atom.site].label for group in equal for atom in group.atoms))
        for equal in alike
    ]
    contents: list[Mapping[str, int]] = [_content(equal[0]) for equal in alike]
    shares = [group.occupancy for group in groups]
    vacant = 1.0 - sum(shares)
    empty = vacant > 1 - _FULL
    if empty:
        shares.append(vacant)
        classes.append(len(numbers))
        names.append(VACANCY)
        members.append(())
        contents.append({})
    values = np.array(shares)
    return UnitOrbit(
        assembly.name,
        tuple(_unit(ordered, sites, empty) for _, ordered in items),
        tuple(names),
        tuple(members),
        values / values.sum(),
        np.array(classes, dtype=np.int64),
        tuple(contents),
    )


def _content(group: DisorderGroup) -> dict[str, int]:
    content: dict[str, int] = {}
    for atom in group.atoms:
        content[atom.symbol] = content.get(atom.symbol, 0) + 1
    return content


def _unit(groups: Sequence[DisorderGroup], sites: Sequence[SiteFacts], empty: bool) -> Unit:
    """A cluster; sites that a group does not hold are vacant in its state."""
    places: dict[int, tuple[int, int, int]] = {}
    for group in groups:
        for atom in group.atoms:
            places[atom.site] = atom.cell
    order = sorted(places)
    rows = []
    for group in groups:
        held = {atom.site: atom.symbol for atom in group.atoms}
        rows.append([sites[site].states.index(held.get(site, VACANCY)) for site in order])
    if empty:
        rows.append([sites[site].states.index(VACANCY) for site in order])
    cells = np.array([places[site] for site in order], dtype=np.int64)
    return Unit(np.array(order, dtype=np.int64), cells, np.array(rows, dtype=np.int64))
