"""A disordered crystal: the primitive cell, its symmetry, and the occupancies of its orbits."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import OCCUPANCY_TOLERANCE, Assembly, Crystal, symmetrise_crystal
from alphacrystal.disorder._clusters import kept_operations, primitive_clusters
from alphacrystal.disorder._units import VACANCY, SiteFacts, UnitOrbit, assembly_units, site_units
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    import moyopy
    from pymatgen.core import Structure

#: Å; of the symmetry of the disordered crystal. A lower symmetry only leaves equivalent orderings apart.
SYMPREC = 0.01
#: Sites of the primitive cell, partly occupied ones included.
MAX_PRIMITIVE_SITES = 400


@dataclass(frozen=True, slots=True, eq=False)
class SiteOrbit:
    """Symmetry-equivalent sites.

    Attributes:
        label: Name in the file, e.g. "M1".
        members: Sites of the primitive cell, shape (sites,).
        states: Element symbols that share a site, most frequent first, and ``VACANCY``.
        shares: Probability of each state, shape (states,); the sum is 1.
    """

    label: str
    members: IntArray
    states: tuple[str, ...]
    shares: FloatArray

    @property
    def disordered(self) -> bool:
        """Whether a site has several states."""
        return len(self.states) > 1

    @property
    def occupied(self) -> float:
        """Probability of an atom on a site."""
        return float(sum(share for state, share in zip(self.states, self.shares, strict=True) if state))

    @property
    def contents(self) -> dict[str, float]:
        """Occupancies by element."""
        return {s: float(x) for s, x in zip(self.states, self.shares, strict=True) if s != VACANCY}


@dataclass(frozen=True, slots=True, eq=False)
class DisorderedCrystal:
    """The primitive cell of a disordered crystal.

    Attributes:
        name: In messages: the file, with the data block if it contains several.
        lattice: Rows in Å, shape (3, 3).
        positions: Fractional coordinates of all sites, shape (sites, 3).
        orbits: All orbits, those with one element and no vacancy too.
        rotations: Of the space group, shape (operations, 3, 3).
        images: Image of each site under each operation, shape (operations, sites).
        shifts: Cell of that image, shape (operations, sites, 3).
        units: The disordered sites, each in one unit: alone, or with those of its disorder groups.
    """

    name: str
    lattice: FloatArray
    positions: FloatArray
    orbits: tuple[SiteOrbit, ...]
    rotations: IntArray
    images: IntArray
    shifts: IntArray
    units: tuple[UnitOrbit, ...]

    @property
    def disordered_orbits(self) -> tuple[SiteOrbit, ...]:
        """Orbits with several states."""
        return tuple(orbit for orbit in self.orbits if orbit.disordered)

    @property
    def atoms(self) -> float:
        """Mean number of atoms in the primitive cell."""
        return sum(len(orbit.members) * orbit.occupied for orbit in self.orbits)

    def described(self) -> str:
        """The disordered units in words, e.g. "site M1 holds 0.75 Cu, 0.25 Au"."""
        return "; ".join(orbit.described() for orbit in self.units)


def disordered_crystal(
    structure: Structure, name: str, assemblies: Sequence[Assembly] = ()
) -> DisorderedCrystal:
    """The primitive cell of a structure with partial occupancies.

    Args:
        structure: With ``labels`` of the sites, where the file has them.
        name: In messages.
        assemblies: Clusters of disorder groups of the structure.

    Raises:
        InputError: The cell is too large, or its symmetry cannot be found.
    """
    for marks in _marks(structure, assemblies):
        crystal = _primitive(structure, name, assemblies, marks)
        if crystal is not None:
            return crystal
    raise AssertionError("sites with different marks have the cell of the file")


def _marks(structure: Structure, assemblies: Sequence[Assembly]) -> list[list[object]]:
    """Marks of the sites, which symmetry exchanges only where they are equal: none, or ever finer ones.

    The symmetry of the occupancies may be too high for the clusters, whose cell may be larger.
    """
    places = range(len(structure))
    groups: dict[int, set[str]] = {}
    clusters: dict[int, int] = {}
    for number, assembly in enumerate(assemblies):
        for group in assembly.groups:
            for atom in group.atoms:
                groups.setdefault(atom.site, set()).add(group.name)
                clusters[atom.site] = number
    marks: list[list[object]] = [[None for _ in places]]
    if assemblies:
        marks.append([frozenset(groups.get(place, ())) for place in places])
        marks.append([clusters.get(place) for place in places])
        marks.append([place if place in clusters else None for place in places])
    return marks


def _primitive(
    structure: Structure, name: str, assemblies: Sequence[Assembly], marks: Sequence[object]
) -> DisorderedCrystal | None:
    """The primitive cell of sites with marks; None where its clusters have a larger cell."""
    grouped = {atom.site for item in assemblies for group in item.groups for atom in group.atoms}
    contents = [
        (_states(site.species, may_be_vacant=place in grouped), mark)
        for place, (site, mark) in enumerate(zip(structure, marks, strict=True))
    ]
    number_of = {key: number for number, key in enumerate(dict.fromkeys(contents), start=1)}
    dataset = _dataset(
        np.asarray(structure.lattice.matrix),
        np.asarray(structure.frac_coords),
        [number_of[key] for key in contents],
        name,
    )
    primitive = dataset.prim_std_cell
    if len(primitive.numbers) > MAX_PRIMITIVE_SITES:
        raise InputError(
            f"{name} is disordered and has {len(primitive.numbers)} sites in its primitive cell; at most "
            f"{MAX_PRIMITIVE_SITES} can be ordered: give an ordered structure."
        )
    crystal = symmetrise_crystal(
        Crystal(
            np.array(primitive.numbers, dtype=np.int64),
            np.array(primitive.basis, dtype=np.float64),
            np.array(primitive.positions, dtype=np.float64),
        ),
        SYMPREC,
    )
    labels = dict(zip(dataset.mapping_std_prim[::-1], map(str, structure.labels[::-1]), strict=True))
    symmetry = crystal.symmetry
    assert symmetry is not None
    contents_of = {number: states for (states, _), number in number_of.items()}
    clusters = primitive_clusters(
        assemblies,
        np.array(dataset.mapping_std_prim),
        (np.asarray(structure.frac_coords) - dataset.prim_std_origin_shift) @ _inverse(dataset),
        _inverse(dataset),
        crystal.frac_coords,
    )
    if clusters is None:
        return None
    first = symmetry.permutations.min(0)
    orbits = []
    for lead in np.unique(first).tolist():
        states = contents_of[int(crystal.numbers[lead])]
        shares = np.array([share for _, share in states])
        members = np.flatnonzero(first == lead)
        orbits.append(SiteOrbit(labels[lead], members, tuple(s for s, _ in states), shares / shares.sum()))
    kept = kept_operations(clusters, symmetry.rotations, symmetry.permutations, symmetry.shifts)
    return DisorderedCrystal(
        name,
        crystal.lattice,
        crystal.frac_coords,
        tuple(orbits),
        symmetry.rotations[kept],
        symmetry.permutations[kept],
        symmetry.shifts[kept],
        _units(orbits, clusters, labels),
    )


def _inverse(dataset: moyopy.MoyoDataset) -> FloatArray:
    """Lattice vectors of the file in the primitive cell, rows, shape (3, 3)."""
    return np.linalg.inv(np.array(dataset.prim_std_linear)).T


def _units(
    orbits: Sequence[SiteOrbit], clusters: Sequence[Assembly], labels: Mapping[int, str]
) -> tuple[UnitOrbit, ...]:
    """The disordered sites that are in no cluster, and the clusters."""
    grouped = {atom.site for assembly in clusters for group in assembly.groups for atom in group.atoms}
    units = []
    facts: dict[int, SiteFacts] = {}
    for number, orbit in enumerate(orbits):
        facts |= {site: SiteFacts(labels[site], number, orbit.states) for site in orbit.members.tolist()}
        alone = np.array([site for site in orbit.members.tolist() if site not in grouped], dtype=np.int64)
        if orbit.disordered and len(alone):
            units.append(site_units(orbit.label, alone, orbit.states, orbit.shares))
    return (*units, *assembly_units(clusters, [facts[site] for site in sorted(facts)]))


def _states(species: object, *, may_be_vacant: bool) -> tuple[tuple[str, float], ...]:
    """Element symbols of a site with their shares, most frequent first, then the vacancy.

    Sites of disorder groups may be vacant with a share of 0, within the rounding of the occupancies.
    """
    shares: dict[str, float] = {}
    for element, share in species.items():  # type: ignore[attr-defined]
        if share > 0:
            shares[element.symbol] = shares.get(element.symbol, 0.0) + float(share)
    vacant = 1.0 - sum(shares.values())
    states = sorted(((s, round(x, 3)) for s, x in shares.items()), key=lambda pair: (-pair[1], pair[0]))
    has_vacancy = vacant > OCCUPANCY_TOLERANCE or may_be_vacant
    return (*states, *([(VACANCY, max(round(vacant, 3), 0.0))] if has_vacancy else []))


def _dataset(lattice: FloatArray, positions: FloatArray, numbers: list[int], name: str) -> moyopy.MoyoDataset:
    import moyopy

    logging.getLogger("moyo").setLevel(logging.CRITICAL)
    cell = moyopy.Cell(lattice.tolist(), positions.tolist(), numbers)
    for tolerance in (SYMPREC, SYMPREC / 100):
        try:
            return moyopy.MoyoDataset(cell, symprec=tolerance)
        except ValueError:
            continue
    raise InputError(f"No space group could be found for {name}: do two of its sites overlap?")
