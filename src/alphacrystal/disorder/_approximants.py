"""Ordered approximants of a disordered crystal: supercells in which each site holds one atom or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from alphacrystal.composition import Formula, parse_formula
from alphacrystal.crystal import Assembly, minkowski_reduced, supercell_points
from alphacrystal.disorder._approximation import (
    MAX_SUPERCELL_SITES,
    Approximation,
    approximations,
    cell_content,
)
from alphacrystal.disorder._crystal import DisorderedCrystal, SiteOrbit, disordered_crystal
from alphacrystal.disorder._electrostatics import (
    balanced_charges,
    electrostatic_energies,
    ewald_matrix,
    order_matters,
)
from alphacrystal.disorder._enumeration import DecoratedSupercell, decorated_supercells
from alphacrystal.disorder._exclusions import Exclusion, exclusions, mixing_entropy
from alphacrystal.disorder._units import VACANCY, UnitOrbit
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: How the kept orderings were chosen: all of them, those of the lowest electrostatic energy, or the smallest
#: ones (of equal size the most symmetric and random ones in turn).
Selection = Literal["all", "electrostatic", "symmetry"]


@dataclass(frozen=True, slots=True)
class ApproximatedSite:
    """An orbit of a disordered crystal, and its occupancies in the approximants.

    Attributes:
        label: Name in the file.
        sites: In the primitive cell.
        occupancies: By element, of the file.
        approximated: By element, of the approximants.
    """

    label: str
    sites: int
    occupancies: dict[str, float]
    approximated: dict[str, float]


@dataclass(frozen=True, slots=True)
class ApproximatedGroup:
    """A disorder group of an assembly, with those that symmetry exchanges with it.

    Attributes:
        name: In the file, e.g. "1".
        labels: Of its sites.
        images: Number of equivalent groups of one cluster, itself included.
        occupancy: Probability that it or one of these is present, of the file.
        approximated: The same, of the approximants.
    """

    name: str
    labels: tuple[str, ...]
    images: int
    occupancy: float
    approximated: float


@dataclass(frozen=True, slots=True)
class ApproximatedAssembly:
    """Clusters of disorder groups, of which at most one is present.

    Attributes:
        label: Name in the file, "" without one.
        clusters: In the primitive cell.
        groups: Its groups.
    """

    label: str
    clusters: int
    groups: tuple[ApproximatedGroup, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Ordering:
    """One ordered approximant.

    Attributes:
        structure: Its primitive cell with the lattice and the positions of the disordered crystal.
        cells: Primitive cells of the disordered crystal in it.
        arrangements: Equivalent arrangements of the atoms in all supercells of this size.
        electrostatic_energy: eV/atom from oxidation states, None where they decide nothing.
    """

    structure: Structure
    cells: int
    arrangements: int
    electrostatic_energy: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Approximants:
    """The ordered approximants of one disordered crystal; all have one composition.

    Attributes:
        name: Of the disordered crystal.
        sites: Its disordered orbits outside of disorder groups.
        assemblies: Its disorder groups.
        orderings: The kept orderings, in the order of the selection.
        distinct: Inequivalent orderings that were considered.
        complete: Whether these are all orderings of the considered cells, not a random sample.
        selection: How the kept ones were chosen.
        entropy: Of ideal mixing, in k_B for each atom.
        entropy_exact: False where it is an upper limit: sites exclude their neighbours along a chain.
        error: Largest difference between an occupancy and its approximation.
    """

    name: str
    sites: tuple[ApproximatedSite, ...]
    assemblies: tuple[ApproximatedAssembly, ...]
    orderings: tuple[Ordering, ...]
    distinct: int
    complete: bool
    selection: Selection
    entropy: float
    entropy_exact: bool
    error: float


def approximant_formula(
    structure: Structure, name: str, max_atoms: int, assemblies: Sequence[Assembly] = ()
) -> Formula:
    """Formula of the smallest supercell that approximates a disordered crystal.

    Args:
        structure: A pymatgen Structure with partial occupancies.
        name: In messages.
        max_atoms: Atoms in the primitive cell of an approximant at most.
        assemblies: Clusters of disorder groups.

    Raises:
        InputError: As `ordered_approximants`.
    """
    crystal = disordered_crystal(structure, name, assemblies)
    item = approximations(crystal, max_atoms)[0]
    content = cell_content(crystal, item.cells, item.counts)
    return parse_formula("".join(f"{symbol}{number}" for symbol, number in content.items()))


def ordered_approximants(
    structure: Structure,
    name: str,
    *,
    max_atoms: int = 40,
    count: int = 50,
    seed: int = 0,
    formula: Mapping[str, int] | None = None,
    assemblies: Sequence[Assembly] = (),
) -> Approximants:
    """Order a disordered crystal: the inequivalent decorations of its smallest suitable supercells.

    The smallest supercell that has the occupancies is enumerated completely, then its multiples up to
    ``max_atoms`` until there are ``count`` orderings. Above `MAX_DECORATIONS` decorations a random sample is
    drawn. Where there are more than ``count``, those of the lowest electrostatic energy are kept, or, without
    different charges, the smallest ones; of equal size the most symmetric ones and random ones in turn.

    Args:
        structure: A pymatgen Structure with partial occupancies.
        name: In messages.
        max_atoms: Atoms in the primitive cell of an approximant at most.
        count: Orderings at most.
        seed: Of a random sample.
        formula: The only composition that is allowed, e.g. {"Cu": 3, "Au": 1}; the nearest one if None.
        assemblies: Clusters of disorder groups: the atoms of a group are present together, and groups of a
            cluster exclude one another.

    Raises:
        InputError: The primitive cell is too large, no supercell comes close to the occupancies, or sites
            that exclude each other leave no room for the atoms.
    """
    crystal = disordered_crystal(structure, name, assemblies)
    found = exclusions(crystal)
    entropy, exact = mixing_entropy(crystal, found)
    rng = np.random.default_rng(seed)
    for smallest in approximations(crystal, max_atoms, formula):
        sets, complete = _of_sizes(crystal, smallest, found, max_atoms, count, rng)
        if sets:
            break
    else:
        raise InputError(
            f"{name} is disordered ({crystal.described()}), and no ordering keeps apart the sites that are "
            "too close to be occupied together: correct the occupancies or give an ordered structure."
        )
    charges = balanced_charges(cell_content(crystal, smallest.cells, smallest.counts))
    ionic = charges is not None and order_matters(crystal, charges)
    found_orderings = []
    for cells, item in sets:
        energies = _energies(crystal, item, charges or {}).tolist() if ionic else [None] * len(item.rows)
        found_orderings += [_Found(cells, item, row, energy) for row, energy in enumerate(energies)]
    chosen = _by_energy(found_orderings) if ionic else _by_size(found_orderings, rng)
    orderings = [
        Ordering(_structure(crystal, entry.item, entry.row), entry.cells, entry.arrangements, entry.energy)
        for entry in chosen[:count]
    ]
    selection: Selection = "electrostatic" if ionic else "symmetry"
    if complete and len(chosen) <= count:
        selection = "all"
    return Approximants(
        name,
        tuple(
            _site(units, counts, smallest)
            for units, counts in _with_counts(crystal, smallest)
            if not units.is_assembly
        ),
        tuple(
            _assembly(units, counts, smallest)
            for units, counts in _with_counts(crystal, smallest)
            if units.is_assembly
        ),
        tuple(orderings),
        len(chosen),
        complete,
        selection,
        entropy,
        exact,
        smallest.error,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """An inequivalent decoration: a row of a supercell, and its electrostatic energy in eV/atom."""

    cells: int
    item: DecoratedSupercell
    row: int
    energy: float | None

    @property
    def arrangements(self) -> int:
        return int(self.item.arrangements[self.row])


def _by_energy(found: Sequence[_Found]) -> list[_Found]:
    """Lowest electrostatic energy first; at equal energy the smallest."""
    return sorted(found, key=lambda entry: (round(entry.energy or 0.0, 5), entry.cells, entry.arrangements))


def _by_size(found: Sequence[_Found], rng: np.random.Generator) -> list[_Found]:
    """Smallest first; of equal size the most symmetric one and a random one in turn."""
    result: list[_Found] = []
    for cells in sorted({entry.cells for entry in found}):
        rest = sorted(
            (entry for entry in found if entry.cells == cells), key=lambda entry: entry.arrangements
        )
        while rest:
            result.append(rest.pop(0))
            if rest:
                result.append(rest.pop(int(rng.integers(len(rest)))))
    return result


def _of_sizes(
    crystal: DisorderedCrystal,
    smallest: Approximation,
    found: Sequence[Exclusion],
    max_atoms: int,
    count: int,
    rng: np.random.Generator,
) -> tuple[list[tuple[int, DecoratedSupercell]], bool]:
    """Decorations of a supercell size and of its multiples, until there are ``count``; all or a sample."""
    atoms = sum(cell_content(crystal, smallest.cells, smallest.counts).values())
    sets: list[tuple[int, DecoratedSupercell]] = []
    total, complete = 0, True
    most = min(max_atoms // atoms, MAX_SUPERCELL_SITES // (smallest.cells * len(crystal.positions)))
    for factor in range(1, max(most, 1) + 1):
        approximation = smallest.times(factor)
        items, whole = decorated_supercells(crystal, approximation, found, count, rng)
        sets += [(approximation.cells, item) for item in items if len(item.rows)]
        total += sum(len(item.rows) for item in items)
        complete = complete and whole
        if total >= count or not whole or (factor == 1 and not sets):
            break
    return sets, complete


def _with_counts(crystal: DisorderedCrystal, item: Approximation) -> list[tuple[UnitOrbit, list[int]]]:
    return [(units, counts.tolist()) for units, counts in zip(crystal.units, item.counts, strict=True)]


def _site(units: UnitOrbit, counts: Sequence[int], item: Approximation) -> ApproximatedSite:
    total = item.cells * len(units.units)
    states = [name for name in units.names if name != VACANCY]
    occupancies = dict(zip(states, units.shares.tolist(), strict=False))
    approximated = dict(zip(states, (number / total for number in counts), strict=False))
    return ApproximatedSite(units.label, len(units.units), occupancies, approximated)


def _assembly(units: UnitOrbit, counts: Sequence[int], item: Approximation) -> ApproximatedAssembly:
    total = item.cells * len(units.units)
    shares, images = units.class_shares.tolist(), units.multiplicities.tolist()
    return ApproximatedAssembly(
        units.label,
        len(units.units),
        tuple(
            ApproximatedGroup(name, units.members[place], images[place], shares[place], counts[place] / total)
            for place, name in enumerate(units.names)
            if name != VACANCY
        ),
    )


def _sites_of(
    crystal: DisorderedCrystal, item: DecoratedSupercell
) -> tuple[FloatArray, FloatArray, list[SiteOrbit]]:
    """Lattice, fractional coordinates of all sites of a supercell, cell by cell, and the orbit of each."""
    vectors = item.supercell.vectors
    points = supercell_points(vectors)
    lattice = vectors @ crystal.lattice
    fractional = (points[:, None] + crystal.positions).reshape(-1, 3) @ np.linalg.inv(vectors)
    owner = {site: orbit for orbit in crystal.orbits for site in orbit.members.tolist()}
    orbits = [owner[site] for site in range(len(crystal.positions))]
    return lattice, fractional, orbits * len(points)


def _all_states(item: DecoratedSupercell, orbits: Sequence[SiteOrbit]) -> IntArray:
    """State of every site, ordered ones included, shape (decorations, sites)."""
    rows = np.zeros((len(item.rows), len(orbits)), dtype=np.int64)
    rows[:, [place for place, orbit in enumerate(orbits) if orbit.disordered]] = item.rows
    return rows


def _energies(crystal: DisorderedCrystal, item: DecoratedSupercell, charges: dict[str, float]) -> FloatArray:
    """Electrostatic energies in eV/atom."""
    lattice, fractional, orbits = _sites_of(crystal, item)
    rows = _all_states(item, orbits)
    by_site = [np.array([charges.get(state, 0.0) for state in orbit.states]) for orbit in orbits]
    atoms = sum(orbits[site].states[state] != VACANCY for site, state in enumerate(rows[0].tolist()))
    energies = electrostatic_energies(ewald_matrix(lattice, fractional), rows, by_site)
    return np.asarray(energies / atoms)


def _structure(crystal: DisorderedCrystal, item: DecoratedSupercell, row: int) -> Structure:
    """The ordered crystal of a decoration, in a reduced cell."""
    from pymatgen.core import Lattice, Structure

    lattice, fractional, orbits = _sites_of(crystal, item)
    symbols = [
        orbit.states[state]
        for orbit, state in zip(orbits, _all_states(item, orbits)[row].tolist(), strict=True)
    ]
    occupied = [place for place, symbol in enumerate(symbols) if symbol != VACANCY]
    occupied.sort(key=lambda place: symbols[place])
    reduced, transformation = minkowski_reduced(lattice)
    positions = fractional[occupied] @ np.linalg.inv(transformation) % 1.0
    return Structure(Lattice(reduced), [symbols[place] for place in occupied], positions)
