"""Independent sites and symmetry operations of a cell, in the form of a CIF."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure


# A standard cell is refined to rounding error; larger deviations mean another setting or another structure.
_SITE_TOLERANCE = 0.01  # Å
_METRIC_TOLERANCE = 1e-4  # relative
_PRESENT_SETTING_SYMPREC = 0.01  # Å
_STANDARD_SETTINGS = ("", "b", "b1", "2", "H")  # axis b, cell choice 1; origin choice 2; hexagonal axes
_PRINTED_DECIMALS = 10
_LATTICE_SHIFTS: FloatArray = np.array(list(itertools.product((-2, -1, 0, 1, 2), repeat=3)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class IndependentSite:
    """One orbit of atoms.

    Attributes:
        element: Symbol.
        wyckoff_letter: Letter in the ITA standard setting, None in another setting.
        multiplicity: Atoms of the orbit in the cell.
        position: Fractional coordinates in [0, 1) of one of them, exactly on its special
            position and, in the standard setting, of the form ITA tabulates; shape (3,).
        atoms: Indices of the atoms of the orbit in the cell.
    """

    element: str
    wyckoff_letter: str | None
    multiplicity: int
    position: FloatArray
    atoms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SymmetryOperations:
    """Operations x' = R x + t on fractional coordinates, and the symbols of the setting.

    Attributes:
        number: International number of the space group.
        rotations: R, shape (operations, 3, 3).
        translations: t, shape (operations, 3).
        hermann_mauguin: Symbol in CIF notation, e.g. "F d -3 m :2"; None where the setting has no name.
        hall: Hall symbol, None where the setting has no name.
    """

    number: int
    rotations: FloatArray
    translations: FloatArray
    hermann_mauguin: str | None
    hall: str | None


_MOST_FINISHED = 200
_finished: dict[tuple[int | bytes, ...], tuple[SymmetryOperations, tuple[IndependentSite, ...]]] = {}


def asymmetric_unit(
    structure: Structure, space_group_number: int
) -> tuple[SymmetryOperations, tuple[IndependentSite, ...]]:
    """The operations and the independent sites that together rebuild a cell.

    Args:
        structure: Ordered cell, normally conventional and in the ITA standard setting. For another setting,
            the result has the operations of the present setting (of P1 where these fail too).
        space_group_number: International number, 1-230.
    """
    arrays = structure.lattice.matrix, structure.frac_coords, np.asarray(structure.atomic_numbers)
    key = (space_group_number, *(array.tobytes() for array in arrays))
    if key not in _finished:  # CIF, table of sites and chemistry of one structure need the same
        if len(_finished) == _MOST_FINISHED:
            _finished.pop(next(iter(_finished)))
        _finished[key] = _computed_unit(structure, space_group_number)
    return _finished[key]


def _computed_unit(
    structure: Structure, space_group_number: int
) -> tuple[SymmetryOperations, tuple[IndependentSite, ...]]:
    standard = _standard_operations(space_group_number)
    sites = _independent_sites(structure, standard)
    if sites is not None:
        return standard, sites
    present = _present_operations(structure)
    sites = _independent_sites(structure, present)
    if sites is not None:
        return present, sites
    all_sites = (
        IndependentSite(site.specie.symbol, "a", 1, _as_printed(np.asarray(site.frac_coords)), (index,))
        for index, site in enumerate(structure)
    )
    return _standard_operations(1), tuple(all_sites)


@cache
def _standard_operations(number: int) -> SymmetryOperations:
    from alphacrystal.crystal import space_group

    group = space_group(number)
    symbol, hall = _standard_symbols(number)
    return SymmetryOperations(number, group.rotations, group.translations, symbol, hall)


def _standard_symbols(number: int) -> tuple[str, str]:
    """Hermann-Mauguin symbol in CIF notation, and the Hall symbol, of the ITA standard setting."""
    import moyopy

    for hall_number in range(1, 531):
        entry = moyopy.HallSymbolEntry(hall_number)
        setting = str(entry.setting)
        if entry.number == number and setting in _STANDARD_SETTINGS:
            monoclinic = 3 <= number <= 15
            symbol = (entry.hm_full if monoclinic else entry.hm_short).replace("_", "")
            suffix = f" :{setting}" if setting in ("2", "H") else ""
            # CIF writes the double prime as '"', moyo as "=".
            return symbol + suffix, entry.hall_symbol.replace("=", '"')
    raise ValueError(f"space group number {number} is not in 1-230")


def _present_operations(structure: Structure) -> SymmetryOperations:
    """The operations of the cell in its present setting."""
    import moyopy

    cell = moyopy.Cell(
        structure.lattice.matrix.tolist(), structure.frac_coords.tolist(), list(structure.atomic_numbers)
    )
    dataset = moyopy.MoyoDataset(cell, symprec=_PRESENT_SETTING_SYMPREC)
    rotations = np.asarray(dataset.operations.rotations, dtype=np.float64)
    translations = np.asarray(dataset.operations.translations, dtype=np.float64)
    return SymmetryOperations(dataset.number, rotations, translations, None, None)


def _independent_sites(
    structure: Structure, operations: SymmetryOperations
) -> tuple[IndependentSite, ...] | None:
    """The orbits of the sites, or None where the operations do not map the crystal on itself."""
    lattice = structure.lattice.matrix
    metric = lattice @ lattice.T
    rotated = operations.rotations.transpose(0, 2, 1) @ metric @ operations.rotations
    if np.abs(rotated - metric).max() > _METRIC_TOLERANCE * np.abs(metric).max():
        return None
    positions = structure.frac_coords
    numbers = np.asarray(structure.atomic_numbers)
    taken = np.zeros(len(positions), dtype=bool)
    sites: list[IndependentSite] = []
    for index, position in enumerate(positions):
        if taken[index]:
            continue
        images = operations.rotations @ position + operations.translations  # (operations, 3)
        offsets = images[:, None, :] - positions[None, :, :]  # (operations, atoms, 3)
        offsets -= np.round(offsets)
        lengths = np.linalg.norm(offsets @ lattice, axis=2)
        same = (lengths < _SITE_TOLERANCE) & (numbers == numbers[index])
        members = same.any(axis=0)
        if not same.any(axis=1).all() or (members & taken).any():
            return None
        taken |= members
        # The mean over the site symmetry operations projects the site on its special position.
        stay = offsets[same[:, index], index]
        exact = _as_printed(position + stay.mean(axis=0))
        letter, multiplicity = None, int(members.sum())
        if operations.hermann_mauguin is not None:
            orbit = _as_printed(operations.rotations @ exact + operations.translations)
            letter, exact = _tabulated(operations.number, orbit, multiplicity)
        atoms = tuple(np.flatnonzero(members).tolist())
        sites.append(IndependentSite(structure[index].specie.symbol, letter, multiplicity, exact, atoms))
    return tuple(sites)


def _tabulated(number: int, orbit: FloatArray, multiplicity: int) -> tuple[str | None, FloatArray]:
    """Wyckoff letter of an orbit (points, 3) in the standard setting, and its point of the tabulated form.

    ITA gives one triplet per position, e.g. (x, 2x, z): of the points of that form the first one is chosen.
    """
    from alphacrystal.crystal import wyckoff_positions

    for wyckoff in wyckoff_positions(number).values():  # most special first
        if wyckoff.multiplicity != multiplicity:
            continue
        difference = orbit - wyckoff.constant[0]
        difference = (difference - np.floor(difference))[:, None, :] + _LATTICE_SHIFTS  # (points, shifts, 3)
        onto_free = wyckoff.linear[0] @ np.linalg.pinv(wyckoff.linear[0])  # (3, 3)
        rest = difference - difference @ onto_free.T  # outside of the space of the free parameters
        fits = np.abs(rest).max(axis=2).min(axis=1) < 10.0 ** (2 - _PRINTED_DECIMALS)
        if fits.any():
            return wyckoff.letter, min(orbit[fits], key=tuple)
    return None, orbit[0]


def _as_printed(position: FloatArray) -> FloatArray:
    """Fractional coordinates (..., 3) in [0, 1), rounded as in the CIF (no 1.0000000000, no -0)."""
    rounded = np.round(position, _PRINTED_DECIMALS)
    return np.asarray((rounded - np.floor(rounded)) % 1.0 + 0.0, dtype=np.float64)
