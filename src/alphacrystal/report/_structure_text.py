"""A crystal as text: symmetrised CIF that rebuilds the cell exactly, POSCAR, and typeset names."""

from __future__ import annotations

import math
import re
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal import __version__
from alphacrystal.report._asymmetric_unit import SymmetryOperations, asymmetric_unit

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from alphacrystal.typing import FloatArray

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def cif_text(structure: Structure, space_group_number: int, *, name: str | None = None) -> str:
    """CIF of an ordered structure with its symmetry operations and asymmetric unit.

    The structure should be the conventional cell in the ITA standard setting (unique axis b, hexagonal axes,
    origin choice 2), as ``RankedStructure.structure`` is. Where the operations of that setting do not map the
    cell on itself, the file states the operations of the cell in its present setting.

    Args:
        structure: Ordered cell; lengths in Å.
        space_group_number: International number, 1-230.
        name: Name of the data block; the reduced formula by default.
    """
    formula = structure.composition.reduced_formula
    operations, sites = asymmetric_unit(structure, space_group_number)
    lines = [f"data_{_block_name(name or formula)}", ""]
    lines += _header(structure, formula, operations)
    lines += ["", "loop_", "_space_group_symop_id", "_space_group_symop_operation_xyz"]
    lines += [f"{index} '{text}'" for index, text in enumerate(_operation_texts(operations), start=1)]
    lines += ["", "loop_", "_atom_site_label", "_atom_site_type_symbol", "_atom_site_symmetry_multiplicity"]
    lines += ["_atom_site_Wyckoff_symbol", "_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z"]
    lines += ["_atom_site_occupancy"]
    counts: dict[str, int] = {}
    for site in sites:
        counts[site.element] = counts.get(site.element, 0) + 1
        label = f"{site.element}{counts[site.element]}"
        position = " ".join(f"{coordinate:.10f}" for coordinate in site.position)
        lines.append(f"{label} {site.element} {site.multiplicity} {site.wyckoff_letter or '.'} {position} 1")
    return "\n".join(lines) + "\n"


def _header(structure: Structure, formula: str, operations: SymmetryOperations) -> list[str]:
    lattice = structure.lattice
    counts = {element.symbol: round(amount) for element, amount in structure.composition.items()}
    lines = [
        f"_audit_creation_method 'AlphaCrystal {__version__}'",
        f"_chemical_name_common '{formula}'",
        f"_chemical_formula_sum '{_hill_formula(counts)}'",
        f"_cell_formula_units_Z {math.gcd(*counts.values())}",
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


def _hill_formula(counts: dict[str, int]) -> str:
    """Counts in Hill order: carbon, hydrogen, then alphabetical; without carbon all alphabetical."""
    first = [symbol for symbol in ("C", "H") if symbol in counts] if "C" in counts else []
    order = first + sorted(symbol for symbol in counts if symbol not in first)
    return " ".join(f"{symbol}{counts[symbol]}" if counts[symbol] > 1 else symbol for symbol in order)


def _block_name(name: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)


def _operation_texts(operations: SymmetryOperations) -> list[str]:
    from pymatgen.core.operations import SymmOp

    return [
        SymmOp.from_rotation_and_translation(rotation, translation % 1.0).as_xyz_str()
        for rotation, translation in zip(operations.rotations, operations.translations, strict=True)
    ]


def poscar_text(structure: Structure) -> str:
    """POSCAR of the conventional cell, atoms grouped by element; the text of pymatgen's ``Poscar``.

    VASP refuses left-handed cells, so their vectors are inverted.
    """
    crystal = structure.get_sorted_structure()
    vectors = crystal.lattice.matrix
    if np.linalg.det(vectors) < 0:
        vectors = -vectors
    symbols = [
        (symbol, len(list(sites))) for symbol, sites in groupby(crystal, lambda site: site.specie.symbol)
    ]
    lines = [
        crystal.formula,
        "1.0",
        *(_numbers(vector) for vector in vectors),
        " ".join(symbol for symbol, _ in symbols),
        " ".join(str(count) for _, count in symbols),
        "direct",
        *(f"{_numbers(site.frac_coords)} {site.species_string}" for site in crystal),
    ]
    return "\n".join(lines) + "\n"


def _numbers(values: FloatArray) -> str:
    return " ".join(f"{value:15.10f}" for value in values)


def typeset_formula(formula: str) -> str:
    """Counts as subscripts: "TiO2" becomes "TiO₂"."""
    return re.sub(r"(?<=[A-Za-z)\]])\d+", lambda count: count[0].translate(_SUBSCRIPTS), formula)


def typeset_symbol(symbol: str) -> str:
    """Screw axes as subscripts: "P4_2/mnm" becomes "P4₂/mnm"."""
    return re.sub(r"_(\d)", lambda axis: axis[1].translate(_SUBSCRIPTS), symbol)
