"""The chemistry of the listed structures: oxidation states, bond valences, coordination, bonds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.report._asymmetric_unit import asymmetric_unit

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.crystal import Neighbours, Shell
    from alphacrystal.ranking import RankedStructure
    from alphacrystal.report._asymmetric_unit import IndependentSite

_DIMENSIONS = {3: "framework", 2: "layers", 1: "chains", 0: "molecules or single atoms"}
_SAME_DISTANCE = 0.01  # Å
_EXACT = 1e-6  # below it, an oxidation state is a whole number


@dataclass(frozen=True, slots=True)
class SiteChemistry:
    """The surroundings of an independent site.

    Attributes:
        element: Symbol.
        position: Multiplicity and Wyckoff letter in the conventional cell, e.g. "4f".
        oxidation_state: A mean for mixed valence; None without oxidation states.
        bond_valence_sum: Valence units, negative for anions; None without oxidation states or parameters.
        coordination_number: Neighbours in the first shell: of opposite charge if there are oxidation states.
        neighbours: Their elements, e.g. "O6".
        shape: Polyhedron, e.g. "octahedron"; "" without one, and for anions.
        shortest: Shortest distance in the shell in Å, None without neighbours.
        longest: Longest distance in the shell in Å.
    """

    element: str
    position: str
    oxidation_state: float | None
    bond_valence_sum: float | None
    coordination_number: int
    neighbours: str
    shape: str
    shortest: float | None
    longest: float | None


@dataclass(frozen=True, slots=True)
class Chemistry:
    """The chemistry of one structure.

    Attributes:
        oxidation_states: By element; None for metals and where none balance.
        charge_balance: A sentence on them.
        global_instability_index: Root mean square deviation of bond-valence sums from oxidation states in
            valence units (A. Salinas-Sanchez et al., doi:10.1016/0022-4596(92)90094-C), None without any of
            them.
        approximate_valences: Pairs of cation and anion without fitted bond-valence parameter, and those of
            anions bonded to their element, e.g. "Fe-S" in pyrite; their valences are approximate.
        dimensionality: Dimensions of the bonded parts in words, e.g. "framework" or "layers".
        shortest_bonds: Shortest distance in Å by pair of elements, e.g. {"Ti-O": 1.949}.
        sites: The independent sites, as in the CIF.
    """

    oxidation_states: Mapping[str, float] | None
    charge_balance: str
    global_instability_index: float | None
    approximate_valences: tuple[str, ...]
    dimensionality: str
    shortest_bonds: Mapping[str, float]
    sites: tuple[SiteChemistry, ...]


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """Independent sites of a structure with their neighbours and bond-valence sums.

    Attributes:
        structure: In its standard cell.
        sites: Its independent sites.
        neighbours: Of the sites.
        valences: Approximate bond-valence sum of each site, which the oxidation states are chosen by.
        element_bonds: Mean number of bonds of an atom with others of its element; without elements that have
            none.
    """

    structure: Structure
    sites: tuple[IndependentSite, ...]
    neighbours: Neighbours
    valences: tuple[float, ...]
    element_bonds: Mapping[str, float]


def chemistry(ranked: Sequence[RankedStructure]) -> list[Chemistry]:
    """The chemistry of the structures of a list.

    The oxidation states are those of all structures of one composition with the same bonds of elements with
    themselves, for example S-S: nearest to the medians of their bond-valence sums.
    """
    surroundings = [_surroundings(item.structure, item.space_group_number) for item in ranked]
    types = [
        (item.structure.composition.reduced_formula, tuple(sorted(found.element_bonds.items())))
        for item, found in zip(ranked, surroundings, strict=True)
    ]
    states = {
        one: _common_states([found for found, other in zip(surroundings, types, strict=True) if other == one])
        for one in dict.fromkeys(types)
    }
    return [_chemistry(found, states[one]) for found, one in zip(surroundings, types, strict=True)]


def _common_states(surroundings: Sequence[_Surroundings]) -> dict[str, float] | None:
    """Oxidation states of structures of one composition."""
    from alphacrystal.crystal import oxidation_states

    amounts = surroundings[0].structure.composition.reduced_composition.get_el_amt_dict()
    counts = {symbol: round(amount) for symbol, amount in amounts.items()}
    means = [_mean_valences(item) for item in surroundings]
    return oxidation_states(
        counts,
        {symbol: float(np.median([mean[symbol] for mean in means])) for symbol in counts},
        surroundings[0].element_bonds,
    )


def state_text(state: float) -> str:
    """An oxidation state, e.g. "2−", "4+" or "2.67+"."""
    size = f"{abs(state):.0f}" if abs(state - round(state)) < _EXACT else f"{abs(state):.2f}"
    return size + ("+" if state > 0 else "−" if state < 0 else "")


def _surroundings(structure: Structure, group: int) -> _Surroundings:
    from pymatgen.core import PeriodicSite

    from alphacrystal.crystal import bond_valences, electronegativity, neighbours_within_reach

    _, sites = asymmetric_unit(structure, group)
    centres = [PeriodicSite(site.element, site.position, structure.lattice) for site in sites]
    found = neighbours_within_reach(structure, centres)
    symbols = np.array([site.specie.symbol for site in structure])
    sums = []
    for index, site in enumerate(sites):
        mine = found.site == index
        around = symbols[found.atom[mine]]
        total = 0.0
        for other in dict.fromkeys(around.tolist()):
            difference = electronegativity(other) - electronegativity(site.element)
            if other != site.element and difference != 0:
                valences = bond_valences(site.element, other, found.distances[mine][around == other])
                total += float(np.sign(difference) * valences.sum())
        sums.append(total)
    return _Surroundings(structure, sites, found, tuple(sums), _element_bonds(sites, found, symbols.tolist()))


def _valence_sums(
    found: _Surroundings, states: Mapping[str, float]
) -> tuple[tuple[float | None, ...], tuple[str, ...]]:
    """Bond-valence sum of each site from all ions of opposite charge around it.

    Returns:
        The sums, negative for anions and None where an element has no parameters, and the pairs whose
        valences are approximate.
    """
    from alphacrystal.crystal import SOFTNESS, bond_valence_r0, bond_valences

    around = np.array([site.specie.symbol for site in found.structure])[found.neighbours.atom]
    sums: list[float | None] = []
    approximate: dict[str, None] = {}
    for index, site in enumerate(found.sites):
        mine = found.neighbours.site == index
        others = [
            other
            for other in dict.fromkeys(around[mine].tolist())
            if states[other] * states[site.element] < 0
        ]
        totals = []
        for other in others:
            distances = found.neighbours.distances[mine & (around == other)]
            cation, anion = sorted((site.element, other), key=lambda symbol: -states[symbol])
            r0 = bond_valence_r0(cation, states[cation], anion)
            if r0 is None:
                totals.append(float(bond_valences(cation, anion, distances).sum()))
            else:
                totals.append(float(np.exp((r0 - distances) / SOFTNESS).sum()))
            if totals[-1] and (
                r0 is None or anion in found.element_bonds
            ):  # R0 is that of anions with closed shells
                approximate[f"{cation}-{anion}"] = None
        sums.append(float(np.sign(states[site.element])) * sum(totals) if all(totals) else None)
    return tuple(sums), tuple(approximate)


def _element_bonds(
    sites: Sequence[IndependentSite], found: Neighbours, symbols: Sequence[str]
) -> dict[str, float]:
    """Mean number of bonds of an atom with others of its element, by element; without zeros."""
    from alphacrystal.crystal import bonded_with_itself

    around = np.array(symbols)[found.atom]
    bonds: Counter[str] = Counter()
    atoms: Counter[str] = Counter()
    for index, site in enumerate(sites):
        near = found.distances[(found.site == index) & (around == site.element)]
        atoms[site.element] += site.multiplicity
        bonds[site.element] += site.multiplicity * sum(
            bonded_with_itself(site.element, distance) for distance in near.tolist()
        )
    return {symbol: round(number / atoms[symbol], 2) for symbol, number in bonds.items() if number}


def _mean_valences(found: _Surroundings) -> dict[str, float]:
    """Mean bond-valence sum of each element."""
    totals: dict[str, float] = {}
    atoms: Counter[str] = Counter()
    for site, valence in zip(found.sites, found.valences, strict=True):
        totals[site.element] = totals.get(site.element, 0.0) + site.multiplicity * valence
        atoms[site.element] += site.multiplicity
    return {symbol: total / atoms[symbol] for symbol, total in totals.items()}


def _chemistry(found: _Surroundings, states: Mapping[str, float] | None) -> Chemistry:
    symbols = [site.specie.symbol for site in found.structure]
    shells = _shells(found, symbols, states)
    sums, approximate = ((None,) * len(found.sites), ()) if states is None else _valence_sums(found, states)
    sites = []
    for index, (site, valence) in enumerate(zip(found.sites, sums, strict=True)):
        state = None if states is None else states[site.element]
        around = shells[index]
        elements = Counter(symbols[atom] for atom in around.atoms)
        sites.append(
            SiteChemistry(
                element=site.element,
                position=f"{site.multiplicity}{site.wyckoff_letter or ''}",
                oxidation_state=None if state is None else round(state, 4),
                bond_valence_sum=None if valence is None else round(valence, 2),
                coordination_number=len(around.atoms),
                neighbours="".join(f"{name}{count if count > 1 else ''}" for name, count in elements.items()),
                shape="" if state is not None and state < 0 else around.shape,
                shortest=round(float(around.distances[0]), 3) if len(around.atoms) else None,
                longest=round(float(around.distances[-1]), 3) if len(around.atoms) else None,
            )
        )
    rounded = None if states is None else {name: round(state, 4) for name, state in states.items()}
    return Chemistry(
        oxidation_states=rounded,
        charge_balance=_charge_balance(states),
        global_instability_index=None if states is None else _instability(found.sites, sums, states),
        approximate_valences=approximate,
        dimensionality=_dimensionality(found, shells, states),
        shortest_bonds=_shortest_bonds(found, symbols),
        sites=tuple(sites),
    )


def _shells(found: _Surroundings, symbols: Sequence[str], states: Mapping[str, float] | None) -> list[Shell]:
    """The coordination shell of each site.

    With oxidation states, neighbours have opposite charges, and the shells of anions are those atoms whose
    shells they belong to.
    """
    from alphacrystal.crystal import Shell, shell

    if states is None:
        return [shell(found.neighbours, index) for index in range(len(found.sites))]
    charges = np.array([states[symbol] for symbol in symbols])
    anions = np.flatnonzero(charges < 0).tolist()
    shells: dict[int, Shell] = {}
    reach = np.zeros(len(symbols))
    for index, site in enumerate(found.sites):
        if states[site.element] > 0:
            shells[index] = shell(found.neighbours, index, anions)
            longest = shells[index].distances[-1] if len(shells[index].atoms) else 0.0
            reach[list(site.atoms)] = longest + _SAME_DISTANCE
    around = found.neighbours
    for index in range(len(found.sites)):
        if index not in shells:
            near = (around.site == index) & (around.distances <= reach[around.atom])
            shells[index] = Shell(around.atom[near], around.distances[near], "")
    return [shells[index] for index in range(len(found.sites))]


def _dimensionality(found: _Surroundings, shells: Sequence[Shell], states: Mapping[str, float] | None) -> str:
    """Dimensions of the parts that the bonds of the shells hold together, in words."""
    from alphacrystal.crystal import bonded_dimensions

    reach = np.zeros(len(found.structure))
    charged = np.ones(len(found.structure), dtype=bool)
    for site, around in zip(found.sites, shells, strict=True):
        if len(around.atoms):
            reach[list(site.atoms)] = around.distances[-1] + _SAME_DISTANCE
        if states is not None:
            charged[list(site.atoms)] = states[site.element] > 0
    one, other, offsets, distances = found.structure.get_neighbor_list(max(float(reach.max()), 0.1))
    bonded = charged[one] & (distances <= reach[one])
    if states is not None:
        bonded &= ~charged[other]
    translations = [(x, y, z) for x, y, z in offsets[bonded].astype(int).tolist()]
    bonds = list(zip(one[bonded].tolist(), other[bonded].tolist(), translations, strict=True))
    dimensions = bonded_dimensions(bonds, len(found.structure))
    return " and ".join(_DIMENSIONS[size] for size in sorted(dimensions, reverse=True))


def _charge_balance(states: Mapping[str, float] | None) -> str:
    if states is None:
        return "none: a metal, or no usual oxidation states balance"
    return ", ".join(f"{symbol} {state_text(state)}" for symbol, state in states.items())


def _instability(
    sites: Sequence[IndependentSite], sums: Sequence[float | None], states: Mapping[str, float]
) -> float | None:
    deviations = [
        valence - states[site.element]
        for site, valence in zip(sites, sums, strict=True)
        if valence is not None
    ]
    if len(deviations) < len(sites):
        return None
    weights = np.array([site.multiplicity for site in sites])
    return round(float(np.sqrt(np.average(np.array(deviations) ** 2, weights=weights))), 3)


def _shortest_bonds(found: _Surroundings, symbols: Sequence[str]) -> dict[str, float]:
    """Shortest distance of each pair of elements, shortest first; the less electronegative element first."""
    from alphacrystal.composition import element_order

    near: dict[str, float] = {}
    around = np.array(symbols)[found.neighbours.atom]
    for index, site in enumerate(found.sites):
        mine = found.neighbours.site == index
        for other in dict.fromkeys(around[mine].tolist()):
            pair = "-".join(sorted((site.element, other), key=element_order))
            distance = float(found.neighbours.distances[mine][around[mine] == other][0])
            near[pair] = min(distance, near.get(pair, distance))
    return {pair: round(distance, 3) for pair, distance in sorted(near.items(), key=lambda item: item[1])}
