"""Checks that every structure passes after reading, for all file formats."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.composition import element_table
from alphacrystal.crystal import (
    ISOTOPES,
    MAX_SITES,
    OCCUPANCY_TOLERANCE,
    Assembly,
    implausible,
    minkowski_reduced,
)
from alphacrystal.data.structure_files._listed import ListedCrystal, ListedSite, count_of
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Å. Like atoms closer than this are one atom, listed twice or rounded off a special position.
SAME_ATOM = 0.05
#: Å. Atoms closer than this overlap: the shortest known bond, of H2, has 0.74 Å.
OVERLAP = 0.5
#: Cell volumes of the header that differ by more (relative) are noted, and refused.
_VOLUME_NOTED, _VOLUME_REFUSED = 0.005, 0.05
#: Densities and cell masses of the header that differ by more (relative) are noted, and refused.
_MASS_NOTED, _MASS_REFUSED = 0.03, 0.15
#: Mass of a cubic Å at a density of 1 g/cm³, in u: the Avogadro constant (SI, 2019) times 1e-24.
_DENSITY_UNIT = 0.602214076
#: Densities above any crystal's (osmium: 22.6 g/cm³) are in kg/m³.
_MAX_DENSITY = 50.0
#: Largest difference between an amount in the header formula and in the cell, per formula: for rounding.
_AMOUNT_TOLERANCE = 2e-3
#: The same where sites are partly occupied, for each atom of the formula.
_DISORDERED_AMOUNT_TOLERANCE = 0.02

#: Atoms in a cube of `OVERLAP` Å; real disorder has fewer.
_CROWD = 50

_SYMBOL = re.compile(r"([A-Za-z]{1,2})(?![A-Za-z])")


@dataclass(frozen=True, slots=True)
class CrystalRead:
    """A checked crystal of a file.

    Attributes:
        structure: Lattice, elements and positions only; occupancies and labels too where it is disordered.
        name: Name in messages.
        notes: Sentences on assumptions about the file and on changes by the reader.
        assemblies: Of a disordered crystal: atoms that are present together, and groups that exclude others.
    """

    structure: Structure
    name: str
    notes: tuple[str, ...] = ()
    assemblies: tuple[Assembly, ...] = ()

    @property
    def atoms(self) -> float:
        """Atoms in the cell: the sum of the occupancies."""
        return float(self.structure.composition.num_atoms)


def checked_crystal(listed: ListedCrystal, *, disordered: bool = False) -> CrystalRead:
    """Check a listed cell and build its structure.

    Like atoms within `SAME_ATOM` are merged; occupancies of one element on one position are added (mixed
    valence); everything but lattice, elements and positions is left out.

    Args:
        listed: The cell.
        disordered: Accept sites that are partly occupied or shared.

    Raises:
        InputError: The cell cannot be a crystal, a site is partly occupied or shared (without ``disordered``)
            or not an element, atoms overlap, or the sites do not give the formula of the header.
    """
    notes = list(listed.notes)
    if not listed.sites:
        raise InputError(f"{listed.name} lists no atoms.")
    if len(listed.sites) > MAX_SITES:
        raise InputError(
            f"{listed.name} has {len(listed.sites)} sites in its cell; at most {MAX_SITES} can be read."
        )
    lattice = np.asarray(listed.lattice, dtype=np.float64)
    present = _occupied(listed, notes)
    positions = np.array([site.position for site in present], dtype=np.float64)  # (sites, 3)
    if not (np.isfinite(lattice).all() and np.isfinite(positions).all()):
        raise InputError(
            f"{listed.name} cannot be a crystal: its cell or a coordinate is not a finite number."
        )
    if reason := implausible(lattice, positions[:1]):
        raise InputError(f"{listed.name} cannot be a crystal: {reason}.")
    symbols = [element_of(site, listed.name) for site in present]
    shares, merged, labels = _merged(listed, present, symbols, positions, lattice, notes, disordered)
    if reason := implausible(lattice, merged):
        raise InputError(f"{listed.name} cannot be a crystal: {reason}.")
    whole = all(len(share) == 1 and sum(share.values()) == 1 for share in shares)
    counts: Counter[str] = Counter()
    for share in shares:
        counts.update(share)
    _check_header(listed, counts, abs(float(np.linalg.det(lattice))), notes)
    from pymatgen.core import Lattice, Structure

    cell = Lattice(lattice)
    if whole:
        structure = Structure(cell, [next(iter(share)) for share in shares], merged)
    else:
        structure = Structure(cell, shares, merged, labels=labels)
    return CrystalRead(structure, listed.name, tuple(notes))


def element_of(site: ListedSite, name: str) -> str:
    """Element symbol of a site; oxidation states are dropped, and D and T are hydrogen.

    Raises:
        InputError: The symbol is not that of an element from H to Lr.
    """
    match = _SYMBOL.match(site.symbol.strip())
    symbol = match.group(1).capitalize() if match else ""
    symbol = ISOTOPES.get(symbol, symbol)
    if symbol not in element_table().symbols[1:] or not _is_charge(
        site.symbol.strip()[match.end() if match else 0 :]
    ):
        if re.search(r"[A-Za-z].*[+,/].*[A-Za-z]", site.symbol):
            raise InputError(
                f"{name} is disordered (site {site.label[:30]} holds {site.symbol[:30]!r}): "
                "list each element in a separate row with its occupancy."
            )
        raise InputError(
            f"Site {site.label[:30]} of {name} holds {site.symbol[:30]!r}, which is not an element from H to "
            "Lr: replace or remove it."
        )
    return symbol


def _is_charge(text: str) -> bool:
    """Whether the text after an element symbol is a charge or a number, as in Fe3+, O2-, Na+1 or Fe(III)."""
    return re.fullmatch(r"\d*|[\d.]*[+-][\d.]*|\([IVX0-9+-]+\)", text.strip()) is not None


def _occupied(listed: ListedCrystal, notes: list[str]) -> list[ListedSite]:
    """Sites that hold atoms; empty ones are noted."""
    for site in listed.sites:
        if not np.isfinite(site.occupancy) or not 0 <= site.occupancy <= 1 + OCCUPANCY_TOLERANCE:
            raise InputError(
                f"Site {site.label[:30]} of {listed.name} has the occupancy {site.occupancy:g}, "
                "which is not between 0 and 1."
            )
    present = [site for site in listed.sites if site.occupancy > 0]
    if empty := len(listed.sites) - len(present):
        notes.append(f"{count_of(empty, 'site')} with occupancy 0 left out.")
    if rounded := sum(1e-3 < abs(site.occupancy - 1) <= OCCUPANCY_TOLERANCE for site in present):
        notes.append(f"The occupancy of {count_of(rounded, 'site')}, within 0.01 of 1, was taken as 1.")
    if not present:
        raise InputError(f"{listed.name} lists no occupied site.")
    return present


def _merged(
    listed: ListedCrystal,
    sites: Sequence[ListedSite],
    symbols: Sequence[str],
    positions: FloatArray,
    lattice: FloatArray,
    notes: list[str],
    disordered: bool,
) -> tuple[list[dict[str, float]], FloatArray, list[str]]:
    """Occupancies by element, position and label of each site; overlaps are refused.

    Without ``disordered``, partial occupation is refused too.
    """
    if _crowded(lattice, positions):
        raise InputError(
            f"{listed.name} has more than {_CROWD} atoms on one position: correct the coordinates."
        )
    first, second, shifts, distances = close_pairs(lattice, positions, OVERLAP)
    near: dict[int, list[int]] = {}
    for i, j, distance in zip(first.tolist(), second.tolist(), distances.tolist(), strict=True):
        if distance <= SAME_ATOM:
            near.setdefault(i, []).append(j)
    group_of: dict[int, int] = {}
    groups: list[list[int]] = []
    for index in range(len(sites)):
        if index not in group_of:
            members = sorted({index, *(j for j in near.get(index, ()) if j not in group_of)})
            group_of.update(dict.fromkeys(members, len(groups)))
            groups.append(members)
    for members in groups:
        _check_occupancy(
            listed, [sites[i] for i in members], [symbols[i] for i in members], disordered=disordered
        )
    totals = [sum(sites[i].occupancy for i in members) for members in groups]
    for i, j, distance in zip(first.tolist(), second.tolist(), distances.tolist(), strict=True):
        if group_of[i] != group_of[j] or (i == j):
            held = totals[group_of[i]] + totals[group_of[j]]
            if disordered and held <= 1 + 2 * OCCUPANCY_TOLERANCE and i != j:
                continue  # a split position: one of the sites is occupied
            raise InputError(
                f"{listed.name} has overlapping atoms: {sites[i].label[:30]} and {sites[j].label[:30]} are "
                f"{distance:.3f} Å apart; correct the cell, the symmetry or the coordinates."
            )
    offsets = {(i, j): shift for i, j, shift in zip(first.tolist(), second.tolist(), shifts, strict=True)}
    shares: list[dict[str, float]] = []
    merged, twice = [], 0
    for members, total in zip(groups, totals, strict=True):
        lead = members[0]
        near_lead = [positions[lead]] + [positions[j] + offsets[lead, j] for j in members[1:]]
        if len(members) > 1:
            twice += sum(sites[j].occupancy >= 1 - OCCUPANCY_TOLERANCE for j in members) - 1
        share: dict[str, float] = {}
        for i in members:
            share[symbols[i]] = share.get(symbols[i], 0.0) + sites[i].occupancy
        if len(share) == 1 and total >= 1 - OCCUPANCY_TOLERANCE:
            share = {symbols[lead]: 1}
        elif total > 1:
            share = {symbol: value / total for symbol, value in share.items()}
        shares.append(share)
        merged.append(np.mean(near_lead, axis=0) if len(members) > 1 else positions[lead])
    if twice > 0:
        notes.append(
            f"{twice} atoms within {SAME_ATOM} Å of an atom of the same element were merged with it."
        )
    return shares, np.array(merged), [sites[members[0]].label for members in groups]


def _check_occupancy(
    listed: ListedCrystal, sites: Sequence[ListedSite], symbols: Sequence[str], *, disordered: bool
) -> None:
    """Refuse a position that holds more than one atom, or, without ``disordered``, a part of one."""
    total = sum(site.occupancy for site in sites)
    contents = ", ".join(f"{site.occupancy:g} {site.symbol}"[:20] for site in sites[:4])
    where = f"site {sites[0].label[:30]} holds {contents}"
    full = [site for site in sites if site.occupancy >= 1 - OCCUPANCY_TOLERANCE]
    if len(set(symbols)) > 1 and total > 1 + OCCUPANCY_TOLERANCE:
        raise InputError(
            f"{listed.name} has overlapping atoms of different elements ({where}, occupancies sum to "
            f"{total:g}): correct the coordinates or the occupancies."
        )
    partly = len(set(symbols)) > 1 or (not full and abs(total - 1) > OCCUPANCY_TOLERANCE)
    if partly and disordered and total <= 1 + OCCUPANCY_TOLERANCE:
        return
    if partly and not disordered:
        raise InputError(
            f"{listed.name} is disordered ({where}): give an ordered structure; alphacrystal relax lists its "
            "ordered approximants."
        )
    if (partly and disordered) or (
        len(sites) > 1 and full and (len(full) < len(sites) or len({site.symbol for site in sites}) > 1)
    ):
        raise InputError(
            f"{listed.name} holds more than one atom on one position ({where}, occupancies sum to "
            f"{total:g}): correct the occupancies."
        )


def close_pairs(
    lattice: FloatArray, positions: FloatArray, cutoff: float
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Pairs of atoms, periodic images included, closer than a cutoff, each in both directions.

    Args:
        lattice: Rows in Å, shape (3, 3).
        positions: Fractional coordinates, shape (atoms, 3).
        cutoff: Å.

    Returns:
        Indices i and j, shape (pairs,); translations in the basis ``lattice``, shape (pairs, 3), such that
        ``positions[j] + translation`` lies at the distance from ``positions[i]``; distances in Å, (pairs,).
    """
    from pymatgen.core import Lattice, Structure

    # In a skewed cell too many images would have to be searched.
    reduced, transformation = minkowski_reduced(lattice)
    coordinates = positions @ np.linalg.inv(transformation)
    cells = np.floor(coordinates)  # the search lists all cells between atoms, so they must be in one
    cell = Structure(Lattice(reduced), ["H"] * len(positions), coordinates - cells)
    # The search divides the cell into cubes of its radius: in a large and empty one a small radius needs
    # more memory than there is.
    radius = max(cutoff, (cell.volume / (8 * len(cell))) ** (1 / 3))
    first, second, images, distances = cell.get_neighbor_list(radius)
    near = np.asarray(distances) <= cutoff
    first, second = np.asarray(first, dtype=np.int64)[near], np.asarray(second, dtype=np.int64)[near]
    translations = np.asarray(images, dtype=np.float64).reshape(-1, 3)[near] + cells[first] - cells[second]
    return (
        first,
        second,
        translations @ transformation,
        np.asarray(distances, dtype=np.float64)[near],
    )


def atoms_overlap(lattice: FloatArray, positions: FloatArray) -> bool:
    """Whether two atoms, periodic images included, are closer than `OVERLAP` Å.

    Args:
        lattice: Rows in Å, shape (3, 3).
        positions: Fractional coordinates, shape (atoms, 3).
    """
    return _crowded(lattice, positions) or len(close_pairs(lattice, positions, OVERLAP)[0]) > 0


def _crowded(lattice: FloatArray, positions: FloatArray) -> bool:
    """Whether many atoms share a cube of `OVERLAP` Å: listing their pairs could exhaust the memory."""
    cubes = np.floor((positions % 1.0) @ lattice / OVERLAP).astype(np.int64)
    return bool(np.unique(cubes, axis=0, return_counts=True)[1].max() > _CROWD)


def _check_header(
    listed: ListedCrystal, counts: Mapping[str, float], volume: float, notes: list[str]
) -> None:
    """Compare formula, formula units and cell volume of the header with the sites."""
    if listed.formula:
        total, header_total = sum(counts.values()), sum(listed.formula.values())
        shared = sorted(counts[symbol] / listed.formula[symbol] for symbol in counts.keys() & listed.formula)
        units = (
            shared[len(shared) // 2] if shared else 0.0
        )  # formulas in the cell, whichever element is wrong
        whole = all(float(amount).is_integer() for amount in counts.values())
        slack = {
            symbol: _AMOUNT_TOLERANCE if whole else _DISORDERED_AMOUNT_TOLERANCE * max(1.0, amount)
            for symbol, amount in listed.formula.items()
        }
        wrong = {
            symbol
            for symbol in {*counts, *listed.formula}
            if abs(counts.get(symbol, 0) - units * listed.formula.get(symbol, 0))
            > slack.get(symbol, _AMOUNT_TOLERANCE) * units
        }
        if wrong:
            missing = sorted(set(listed.formula) - set(counts))
            detail = f" ({', '.join(missing)} is missing)" if missing else ""
            raise InputError(
                f"The header of {listed.name} gives the formula {formula_text(listed.formula)}, but its "
                f"sites give {formula_text(counts)}{detail}: complete or correct the file."
            )
        if listed.contradicts(total):
            notes.append(
                f"The header gives Z = {listed.formula_units:g}, but the cell holds {total / header_total:g} "
                "formula units."
            )
    if listed.volume:
        difference = abs(volume / listed.volume - 1)
        if difference > _VOLUME_REFUSED:
            raise InputError(
                f"The header of {listed.name} gives a cell volume of {listed.volume:g} Å³, but its cell has "
                f"{volume:.2f} Å³: correct the cell."
            )
        if difference > _VOLUME_NOTED:
            notes.append(
                f"The header gives a cell volume of {listed.volume:g} Å³; the cell has {volume:.2f} Å³."
            )
    _check_masses(listed, counts, volume, notes)


def _check_masses(
    listed: ListedCrystal, counts: Mapping[str, float], volume: float, notes: list[str]
) -> None:
    """Compare density and formula weight of the header with the atoms that were read."""
    from pymatgen.core import Element

    mass = sum(float(Element(symbol).atomic_mass) * count for symbol, count in counts.items())
    statements: list[tuple[str, float, float, str]] = []
    if listed.density:
        stated = listed.density / (1000 if listed.density > _MAX_DENSITY else 1)
        statements.append(("density", stated, mass / volume / _DENSITY_UNIT, "g/cm³"))
    if listed.formula_weight and listed.formula_units:
        weight = mass / listed.formula_units
        statements.append(("formula weight", listed.formula_weight, weight, "u"))
    for quantity, stated, read, unit in statements:
        difference = abs(read / stated - 1)
        # A formula that fits the sites is the stronger statement: these are often of another sample.
        if difference > _MASS_REFUSED and not listed.formula:
            raise InputError(
                f"The header of {listed.name} gives a {quantity} of {stated:g} {unit}, but its atoms give "
                f"{read:.4g} {unit}: complete or correct the file."
            )
        if difference > _MASS_NOTED:
            notes.append(
                f"The header gives a {quantity} of {stated:g} {unit}; the atoms give {read:.4g} {unit}."
            )


def formula_text(amounts: Mapping[str, float]) -> str:
    """Amounts by element as text, e.g. "Na4 Cl4"."""
    return " ".join(f"{symbol}{amount:g}" for symbol, amount in amounts.items())
