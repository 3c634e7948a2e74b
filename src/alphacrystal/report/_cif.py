"""Symmetrised CIF text: asymmetric unit and the operations that rebuild the cell exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alphacrystal import __version__

if TYPE_CHECKING:
    from moyopy import Cell
    from pymatgen.core.structure import Structure

# A standard cell is refined to rounding error; anything further off is another setting or another structure.
_SITE_TOLERANCE = 0.01  # Å
_METRIC_TOLERANCE = 1e-4  # relative
_OWN_SETTING_SYMPREC = 0.01  # Å
_STANDARD_SETTINGS = ("", "b", "b1", "2", "H")  # axis b, cell choice 1; origin choice 2; hexagonal axes


@dataclass(frozen=True, slots=True)
class _SymmetryOperations:
    """Operations x' = R x + t on fractional coordinates: rotations (m, 3, 3), translations (m, 3)."""

    number: int
    rotations: NDArray[np.int64]
    translations: NDArray[np.float64]
    hermann_mauguin: str | None
    hall: str | None


@dataclass(frozen=True, slots=True)
class _Orbit:
    symbol: str
    multiplicity: int
    position: NDArray[np.float64]  # (3,), fractional, exactly on its special position


def cif_text(structure: Structure, space_group_number: int, *, name: str | None = None) -> str:
    """CIF of an ordered structure with its symmetry operations and asymmetric unit.

    The structure should be the conventional cell in the ITA standard setting (unique axis b, hexagonal axes,
    origin choice 2), as ``RankedStructure.structure`` is. Where the operations of that setting do not map the
    cell on itself, the file states the operations found in the cell as it stands, so that it is right anyway.

    Args:
        structure: Ordered cell; lengths in Å.
        space_group_number: International number, 1-230.
        name: Name of the data block; the reduced formula by default.
    """
    formula = structure.composition.reduced_formula
    operations = _standard_operations(space_group_number)
    orbits = _orbits(structure, operations)
    if orbits is None:
        operations = _own_operations(structure)
        orbits = _orbits(structure, operations)
    if orbits is None:
        operations = _standard_operations(1)
        orbits = [_Orbit(site.specie.symbol, 1, _wrapped(site.frac_coords)) for site in structure]
    lines = [f"data_{_block_name(name or formula)}", ""]
    lines += _header(structure, formula, operations)
    lines += ["", "loop_", "_space_group_symop_id", "_space_group_symop_operation_xyz"]
    lines += [f"{index} '{text}'" for index, text in enumerate(_operation_texts(operations), start=1)]
    lines += [
        "",
        "loop_",
        "_atom_site_label",
        "_atom_site_type_symbol",
        "_atom_site_symmetry_multiplicity",
        "_atom_site_fract_x",
        "_atom_site_fract_y",
        "_atom_site_fract_z",
        "_atom_site_occupancy",
    ]
    counts: dict[str, int] = {}
    for orbit in orbits:
        counts[orbit.symbol] = counts.get(orbit.symbol, 0) + 1
        label = f"{orbit.symbol}{counts[orbit.symbol]}"
        x, y, z = orbit.position
        lines.append(f"{label} {orbit.symbol} {orbit.multiplicity} {x:.10f} {y:.10f} {z:.10f} 1")
    return "\n".join(lines) + "\n"


def _header(structure: Structure, formula: str, operations: _SymmetryOperations) -> list[str]:
    lattice = structure.lattice
    counts = {element.symbol: round(amount) for element, amount in structure.composition.items()}
    # Hill order: carbon, then hydrogen, then the alphabet (the alphabet alone without carbon).
    first = ["C", "H"] if "C" in counts else []
    order = [symbol for symbol in first if symbol in counts]
    order += sorted(symbol for symbol in counts if symbol not in order)
    hill = " ".join(f"{symbol}{counts[symbol] if counts[symbol] > 1 else ''}" for symbol in order)
    units = math.gcd(*counts.values())
    lines = [
        f"_audit_creation_method 'AlphaCrystal {__version__}'",
        f"_chemical_name_common '{formula}'",
        f"_chemical_formula_sum '{hill}'",
        f"_cell_formula_units_Z {units}",
        f"_cell_length_a {lattice.a:.8f}",
        f"_cell_length_b {lattice.b:.8f}",
        f"_cell_length_c {lattice.c:.8f}",
        f"_cell_angle_alpha {lattice.alpha:.8f}",
        f"_cell_angle_beta {lattice.beta:.8f}",
        f"_cell_angle_gamma {lattice.gamma:.8f}",
        f"_cell_volume {lattice.volume:.6f}",
        f"_space_group_IT_number {operations.number}",
    ]
    if operations.hermann_mauguin is not None:
        lines.append(f"_space_group_name_H-M_alt '{operations.hermann_mauguin}'")
    if operations.hall is not None:
        lines.append(f"_space_group_name_Hall '{operations.hall}'")
    return lines


def _block_name(name: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)


@lru_cache(maxsize=230)
def _standard_operations(number: int) -> _SymmetryOperations:
    import moyopy

    operations = moyopy.operations_from_number(number, setting=moyopy.Setting.standard())
    symbol, hall = _standard_symbols(number)
    return _SymmetryOperations(
        number=number,
        rotations=np.asarray(operations.rotations, dtype=np.int64),
        translations=np.asarray(operations.translations, dtype=np.float64),
        hermann_mauguin=symbol,
        hall=hall,
    )


def _standard_symbols(number: int) -> tuple[str, str]:
    """Hermann-Mauguin symbol as CIF writes it, and the Hall symbol, of the ITA standard setting."""
    import moyopy

    for hall_number in range(1, 531):
        entry = moyopy.HallSymbolEntry(hall_number)
        setting = str(entry.setting)
        if entry.number == number and setting in _STANDARD_SETTINGS:
            monoclinic = 3 <= number <= 15
            symbol = (entry.hm_full if monoclinic else entry.hm_short).replace("_", "")
            suffix = f" :{setting}" if setting in ("2", "H") else ""
            # Readers know the double prime as '"'; moyo writes it "=".
            return symbol + suffix, entry.hall_symbol.replace("=", '"')
    raise ValueError(f"space group number {number} is not in 1-230")


def _own_operations(structure: Structure) -> _SymmetryOperations:
    """The operations of the cell as it stands, whatever its setting."""
    import moyopy

    dataset = moyopy.MoyoDataset(_moyo_cell(structure), symprec=_OWN_SETTING_SYMPREC)
    return _SymmetryOperations(
        number=dataset.number,
        rotations=np.asarray(dataset.operations.rotations, dtype=np.int64),
        translations=np.asarray(dataset.operations.translations, dtype=np.float64),
        hermann_mauguin=None,
        hall=None,
    )


def _moyo_cell(structure: Structure) -> Cell:
    import moyopy

    return moyopy.Cell(
        structure.lattice.matrix.tolist(),
        structure.frac_coords.tolist(),
        list(structure.atomic_numbers),
    )


def _operation_texts(operations: _SymmetryOperations) -> list[str]:
    from pymatgen.core.operations import SymmOp

    return [
        SymmOp.from_rotation_and_translation(rotation, translation % 1.0).as_xyz_str()
        for rotation, translation in zip(operations.rotations, operations.translations, strict=True)
    ]


def _orbits(structure: Structure, operations: _SymmetryOperations) -> list[_Orbit] | None:
    """The orbits of the sites, or None where the operations do not map the crystal on itself."""
    lattice = structure.lattice.matrix
    metric = lattice @ lattice.T
    turned = operations.rotations.transpose(0, 2, 1) @ metric @ operations.rotations
    if np.abs(turned - metric).max() > _METRIC_TOLERANCE * np.abs(metric).max():
        return None
    positions = structure.frac_coords
    numbers = np.asarray(structure.atomic_numbers)
    taken = np.zeros(len(positions), dtype=bool)
    orbits: list[_Orbit] = []
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
        # The mean over the operations that leave the site in place projects it on its special position.
        stay = offsets[same[:, index], index]
        symbol = structure[index].specie.symbol
        orbits.append(_Orbit(symbol, int(members.sum()), _wrapped(position + stay.mean(axis=0))))
    return orbits


def _wrapped(position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fractional coordinates in [0, 1) as they will be printed (no 1.0000000000, no -0)."""
    rounded = np.round(position, 10)
    return np.asarray((rounded - np.floor(rounded)) % 1.0 + 0.0, dtype=np.float64)
