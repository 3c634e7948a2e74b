"""Crystals of a CIF: every data block, with the symmetry that it states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from alphacrystal.crystal import MAX_SITES
from alphacrystal.data.structure_files._checks import SAME_ATOM, CrystalRead, checked_crystal
from alphacrystal.data.structure_files._cif_groups import assemblies_of, image_cells, refuse_groups
from alphacrystal.data.structure_files._cif_items import CifItems
from alphacrystal.data.structure_files._cif_sites import COORDINATES, header_formula, listed_sites
from alphacrystal.data.structure_files._cif_symmetry import STRAIN_REFUSED, StatedSymmetry, stated_symmetry
from alphacrystal.data.structure_files._listed import (
    MAX_CRYSTALS,
    ListedCrystal,
    ListedSite,
    count_of,
)
from alphacrystal.data.structure_files._symmetry_operations import SymmetryOperations, operations_of_group
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray

#: Å. Shifts onto special positions below this are rounding in the fourth digit and not worth a note.
_SHIFT_NOTED = 1e-3


def read_cif(text: str, name: str, *, disordered: bool = False) -> list[CrystalRead]:
    """Read all data blocks of a CIF that describe a crystal.

    Blocks that cannot be read are named in the notes of the others.

    Args:
        text: Of the file.
        name: Name of the file in messages.
        disordered: Accept sites that are partly occupied or shared.

    Raises:
        InputError: The syntax is wrong, or no block describes a crystal that can be read.
    """
    from gemmi import cif

    try:
        document = cif.read_string(text)
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).removeprefix("string:").split())
        reason += _odd_character(text)
        raise InputError(f"{name} is not a valid CIF (line {reason}): correct the file.") from error
    blocks = [CifItems(block) for block in document]
    crystals = [items for items in blocks if items.has(COORDINATES[0])]
    if not crystals:
        raise InputError(
            f"{name} holds no data block with fractional coordinates of atoms: give a crystal's CIF."
        )
    if len(crystals) > MAX_CRYSTALS:
        raise InputError(f"{name} holds {len(crystals)} crystals; at most {MAX_CRYSTALS} can be read.")
    reads: list[CrystalRead] = []
    failures: list[str] = []
    for items in crystals:
        block = name if len(crystals) == 1 else f"{name} (data block {items.name[:40]})"
        try:
            reads.append(_read_block(items, block, disordered))
        except InputError as error:
            failures.append(str(error).replace(f"{name} (data block {items.name[:40]})", items.name[:40]))
    if not reads:
        raise InputError(
            failures[0] if len(crystals) == 1 else f"{name} holds no usable crystal: {failures[0]}"
        )
    if failures:
        note = f"Other data blocks could not be read: {' '.join(failures)}"
        reads = [replace(read, notes=(*read.notes, note)) for read in reads]
    return reads


def _odd_character(text: str) -> str:
    """A clause on the first character outside ASCII that no quotes or text block protects."""
    for line in text.split("\n"):
        if line.startswith(("#", ";")):
            continue
        for word in line.split():
            if not word.isascii() and word[0] not in "'\"":
                return f"; {word[:20]!r} is not ASCII"
    return ""


def _read_block(items: CifItems, name: str, disordered: bool) -> CrystalRead:
    if (items.number("cell_modulation_dimension") or 0) > 0 or items.containing("_ssg_"):
        raise InputError(
            f"{name} describes a modulated structure (superspace): only three-dimensional crystals can be "
            "used."
        )
    lattice = _lattice(items, name)
    notes: list[str] = []
    formula = header_formula(items, notes)
    rows = listed_sites(items, formula, name, notes)
    if not disordered:
        refuse_groups(rows, name)
    header = ListedCrystal(
        name,
        lattice,
        (),
        formula,
        formula_units=_positive(items.number("cell_formula_units_z")),
        volume=_positive(items.number("cell_volume")),
        density=_positive(items.number("exptl_crystal_density_diffrn")),
        formula_weight=_positive(items.number("chemical_formula_weight")),
    )
    symmetry = stated_symmetry(items, lattice, name, notes)
    reads: list[tuple[CrystalRead, SymmetryOperations]] = []
    first_error: InputError | None = None
    for operations in symmetry.settings:
        try:
            reads.append((_expanded(header, rows, operations, notes, disordered), operations))
        except InputError as error:
            first_error = first_error or error
    if not reads:
        raise first_error or InputError(f"{name} states no symmetry that can be read.")
    read, chosen = min(reads, key=lambda pair: _implausibility(pair[0], header))
    if len(symmetry.settings) > 1:
        note = f"The setting of the space group is not stated: read as {chosen.source}."
        read = replace(read, notes=(*read.notes, note))
    confirmed = bool(header.possible_atoms()) and not header.contradicts(read.atoms)
    if symmetry.contradiction and not confirmed:
        raise InputError(symmetry.contradiction)
    if symmetry.contradiction:
        note = (
            f"{chosen.source} are not those of the stated space group, but give the header's formula and Z."
        )
        read = replace(read, notes=(*read.notes, note[0].upper() + note[1:]))
    _check_multiplicities(items, rows, chosen, header)
    if chosen.only_identity and not confirmed:
        _check_listing(read, header, symmetry)
    return read


def _positive(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) and value > 0 else None


def _implausibility(read: CrystalRead, header: ListedCrystal) -> tuple[bool, float]:
    """Sort key of possible settings: those that give the header's Z, then the fewest atoms."""
    return header.contradicts(read.atoms), round(read.atoms, 6)


def _lattice(items: CifItems, name: str) -> FloatArray:
    """Rows in Å, shape (3, 3)."""
    values = []
    for tag in ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"):
        value = items.number(f"cell_{tag}")
        if value is None:
            raise InputError(f"{name} lacks _cell_{tag}: complete the cell.")
        if not np.isfinite(value):
            raise InputError(
                f"{name} gives {(items.text(f'cell_{tag}') or '')[:20]!r} for _cell_{tag}: give a number."
            )
        values.append(value)
    lengths, angles = values[:3], values[3:]
    if min(lengths) <= 0:
        raise InputError(f"{name} has a cell length of {min(lengths):g} Å: cell lengths are positive.")
    cosines = np.cos(np.radians(angles))
    square = 1 - (cosines**2).sum() + 2 * cosines.prod()
    if not all(0 < angle < 180 for angle in angles) or square <= 1e-8:
        raise InputError(
            f"{name} has the cell angles {', '.join(f'{angle:g}' for angle in angles)}°, "
            "which no cell can have: correct the cell."
        )
    from pymatgen.core import Lattice

    return np.array(Lattice.from_parameters(*lengths, *angles).matrix, dtype=np.float64)


def _expanded(
    header: ListedCrystal,
    rows: Sequence[ListedSite],
    operations: SymmetryOperations,
    notes: Sequence[str],
    disordered: bool,
) -> CrystalRead:
    """Apply the operations to the rows and check the cell."""
    if len(rows) * len(operations) > 10 * MAX_SITES:
        raise InputError(
            f"{header.name} lists {len(rows)} sites and {len(operations)} symmetry operations; "
            f"at most {MAX_SITES} sites in a cell can be read."
        )
    sites, shifts = [], []
    for row in rows:
        if not np.abs(row.position).max() <= 1e6:
            raise InputError(
                f"{header.name} cannot be a crystal: site {row.label[:30]} has a coordinate beyond a million "
                "cells."
            )
        orbit, images, shift = _orbit(row.position, operations, header.lattice)
        sites += [
            replace(
                row,
                position=position,
                images=() if row.group is None else image_cells(images, position, header.lattice),
            )
            for position in orbit
        ]
        shifts.append(shift)
    more = list(notes)
    if max(shifts, default=0.0) > _SHIFT_NOTED:
        moved = sum(shift > _SHIFT_NOTED for shift in shifts)
        more.append(
            f"Rounded coordinates of {count_of(moved, 'site')} were moved onto special positions, by up to "
            f"{max(shifts):.3f} Å, and their coincident images were merged."
        )
    read = checked_crystal(replace(header, sites=tuple(sites), notes=tuple(more)), disordered=disordered)
    if read.structure.is_ordered or not any(row.group for row in rows):
        return read
    return replace(read, assemblies=assemblies_of(sites, read.structure, header.name))


def _orbit(
    position: FloatArray, operations: SymmetryOperations, lattice: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """The atoms that symmetry makes of one.

    Returns:
        Their positions, the images of the atom under each operation, and how far it was moved onto a special
        position in Å.
    """
    start = position
    for tolerance in (2 * SAME_ATOM, 1e-3):
        images = operations.images(position)
        offsets = images - position
        offsets -= np.round(offsets)
        stabiliser = np.linalg.norm(offsets @ lattice, axis=1) <= tolerance
        moved = position + offsets[stabiliser].mean(axis=0)
        if np.linalg.norm((moved - start) @ lattice) > SAME_ATOM:
            break
        position = moved
    images = operations.images(position)
    kept: list[FloatArray] = []
    for image in images:
        offsets = np.array(kept).reshape(-1, 3) - image
        offsets -= np.round(offsets)
        if not (np.linalg.norm(offsets @ lattice, axis=1) < 1e-3).any():
            kept.append(image)
    orbit = np.array(kept) % 1.0
    orbit[orbit > 1 - 1e-9] = 0.0
    return orbit, images, float(np.linalg.norm((position - start) @ lattice))


def _check_multiplicities(
    items: CifItems, rows: Sequence[ListedSite], operations: SymmetryOperations, header: ListedCrystal
) -> None:
    """Refuse sites whose stated multiplicity is not that of their orbit."""
    stated = items.column("atom_site_symmetry_multiplicity", "atom_site_site_symmetry_multiplicity")
    if stated is None or len(stated) != len(rows):
        return
    for text, row in zip(stated, rows, strict=True):
        if text is None or not text.strip().isdecimal():
            continue
        size = len(_orbit(row.position, operations, header.lattice)[0])
        if int(text) != size and not operations.only_identity:
            raise InputError(
                f"Site {row.label[:30]} of {header.name} has the multiplicity {text[:10]} in the file, but "
                f"{size} by its symmetry: correct one of them."
            )


def _check_listing(read: CrystalRead, header: ListedCrystal, symmetry: StatedSymmetry) -> None:
    """Refuse a cell without symmetry that lists only a part of its atoms.

    All atoms are listed where they obey the space group that the block names.
    """
    if header.possible_atoms():
        raise InputError(
            f"{header.name} lists {count_of(round(read.atoms), 'atom')} and no symmetry, but its formula and "
            f"Z = {header.formula_units:g} give another number: add the space group or the missing atoms."
        )
    if not symmetry.named or symmetry.named[0].number == 1:
        return
    groups = [operations_of_group(group, group.xhm()) for group in symmetry.named]
    groups = [group for group in groups if group.largest_strain(header.lattice) <= STRAIN_REFUSED]
    if groups and not any(_obeys(read, group) for group in groups):
        raise InputError(
            f"{header.name} contradicts itself: it names the space group {symmetry.named[0].xhm()}, but "
            "lists only the identity, and its atoms do not obey that group; add the symmetry operations."
        )


def _obeys(read: CrystalRead, operations: SymmetryOperations) -> bool:
    """Whether the sites of a cell map onto sites with the same content."""
    structure = read.structure
    positions = np.asarray(structure.frac_coords)
    symbols = np.array([site.species_string for site in structure])
    for position, symbol in zip(positions, symbols, strict=True):
        same = positions[symbols == symbol]
        for image in operations.images(position):
            offsets = same - image
            offsets -= np.round(offsets)
            if np.linalg.norm(offsets @ structure.lattice.matrix, axis=1).min() > 2 * SAME_ATOM:
                return False
    return True
