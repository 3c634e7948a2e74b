"""Crystals of a CIF: every data block, with the symmetry that it states."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.composition import element_table
from alphacrystal.crystal import ISOTOPES, MAX_SITES
from alphacrystal.data.structure_files._checks import SAME_ATOM, CrystalRead, checked_crystal
from alphacrystal.data.structure_files._cif_items import CifItems, number
from alphacrystal.data.structure_files._listed import Array, ListedCrystal, ListedSite
from alphacrystal.data.structure_files._symmetry_operations import (
    SymmetryOperations,
    listed_operations,
    operations_of_group,
    operations_of_hall,
    settings_of_number,
    settings_of_symbol,
)
from alphacrystal.errors import InputError

if TYPE_CHECKING:
    import gemmi

_OPERATIONS = (
    "space_group_symop_operation_xyz",
    "symmetry_equiv_pos_as_xyz",
    "space_group_symop_magn_operation_xyz",
)
_MAGNETIC_CENTRING = "space_group_symop_magn_centering_xyz"
_HALL = ("space_group_name_hall", "symmetry_space_group_name_hall")
_SYMBOLS = (
    "space_group_name_h-m_alt",
    "symmetry_space_group_name_h-m",
    "space_group_name_h-m_full",
    "space_group_name_h-m",
    "space_group_name_h-m_ref",
)
_NUMBERS = ("space_group_it_number", "symmetry_int_tables_number", "space_group_int_tables_number")
_COORDINATES = ("atom_site_fract_x", "atom_site_fract_y", "atom_site_fract_z")
#: Relative change of the metric tensor under the operations: noted, and refused, beyond.
_STRAIN_NOTED, _STRAIN_REFUSED = 2e-3, 2e-2
#: Å. Shifts onto special positions below this are rounding in the fourth digit and not worth a note.
_SHIFT_NOTED = 1e-3


def read_cif(text: str, name: str) -> list[CrystalRead]:
    """Read all data blocks of a CIF that describe a crystal.

    Blocks that cannot be read are named in the notes of the others.

    Args:
        text: Of the file.
        name: What messages call the file.

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
    crystals = [items for items in blocks if items.has(_COORDINATES[0])]
    if not crystals:
        raise InputError(
            f"{name} holds no data block with fractional coordinates of atoms: give a crystal's CIF."
        )
    reads: list[CrystalRead] = []
    failures: list[str] = []
    for items in crystals:
        block = name if len(crystals) == 1 else f"{name} (data block {items.name[:40]})"
        try:
            reads.append(_read_block(items, block))
        except InputError as error:
            failures.append(str(error))
    if not reads:
        raise InputError(failures[0])
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


def _read_block(items: CifItems, name: str) -> CrystalRead:
    if items.starting_with("cell_modulation_dimension") or items.starting_with("space_group_ssg_"):
        raise InputError(
            f"{name} describes a modulated structure (superspace): only three-dimensional crystals can be "
            "used."
        )
    lattice = _lattice(items, name)
    notes: list[str] = []
    formula = _header_formula(items, notes)
    rows = _rows(items, formula, name, notes)
    header = ListedCrystal(
        name, lattice, (), formula, items.number("cell_formula_units_z"), items.number("cell_volume")
    )
    header = replace(
        header,
        formula_units=_positive(header.formula_units),
        volume=_positive(header.volume),
    )
    settings = _settings(items, lattice, name, notes)
    reads: list[tuple[CrystalRead, SymmetryOperations]] = []
    first_error: InputError | None = None
    for operations in settings:
        try:
            reads.append((_expanded(header, rows, operations, notes), operations))
        except InputError as error:
            first_error = first_error or error
    if not reads:
        raise first_error or InputError(f"{name} states no symmetry that can be read.")
    read, chosen = min(reads, key=lambda pair: _implausibility(pair[0], header))
    if len(settings) > 1:
        note = f"The setting of the space group is not stated: read as {chosen.source}."
        read = replace(read, notes=(*read.notes, note))
    if chosen.only_identity:
        _check_listing(items, read, header, name)
    return read


def _positive(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) and value > 0 else None


def _expected_atoms(header: ListedCrystal) -> float | None:
    """Atoms of the cell by the header's formula and Z, None where it lacks one."""
    if not header.formula or not header.formula_units:
        return None
    return sum(header.formula.values()) * header.formula_units


def _implausibility(read: CrystalRead, header: ListedCrystal) -> tuple[bool, int]:
    """Sort key of possible settings: those that give the header's Z, then the fewest atoms."""
    expected = _expected_atoms(header)
    atoms = len(read.structure)
    return expected is not None and abs(atoms - expected) > 1e-2 * expected, atoms


def _lattice(items: CifItems, name: str) -> Array:
    """Rows in Å, shape (3, 3)."""
    values = []
    for tag in ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"):
        value = items.number(f"cell_{tag}")
        if value is None:
            raise InputError(f"{name} lacks _cell_{tag}: complete the cell.")
        if not np.isfinite(value):
            raise InputError(f"{name} gives {items.text(f'cell_{tag}')!r} for _cell_{tag}: give a number.")
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


def _header_formula(items: CifItems, notes: list[str]) -> Mapping[str, float] | None:
    text = items.text("chemical_formula_sum")
    if text is None:
        return None
    amounts: dict[str, float] = {}
    rest = re.sub(r"[\s']", "", text)
    if re.fullmatch(r"(?:[A-Z][a-z]?\d*\.?\d*)+", rest):
        for symbol, amount in re.findall(r"([A-Z][a-z]?)(\d*\.?\d*)", rest):
            element = ISOTOPES.get(symbol, symbol)
            amounts[element] = amounts.get(element, 0.0) + float(amount or 1)
    amounts = {symbol: amount for symbol, amount in amounts.items() if amount > 0}
    if not amounts or not amounts.keys() <= set(element_table().symbols):
        notes.append(f"The formula {text[:40]!r} of the header could not be read and was not compared.")
        return None
    return amounts


def _rows(
    items: CifItems, formula: Mapping[str, float] | None, name: str, notes: list[str]
) -> list[ListedSite]:
    """The listed sites, before symmetry is applied."""
    columns = [items.column(tag) for tag in _COORDINATES]
    count = len(columns[0] or ())
    labels = items.column("atom_site_label") or [None] * count
    symbols = items.column("atom_site_type_symbol") or [None] * count
    if any(len(column or ()) != count for column in (*columns, labels, symbols)):
        raise InputError(f"{name} lists atom sites with missing columns: correct the loop of atom sites.")
    if count > MAX_SITES:
        raise InputError(f"{name} lists {count} sites; at most {MAX_SITES} can be read.")
    occupancies = items.column("atom_site_occupancy") or [None] * count
    flags = items.column("atom_site_calc_flag") or [None] * count
    attached = items.column("atom_site_attached_hydrogens") or [None] * count
    _check_disorder_groups(items, name)
    rows = []
    for place in range(count):
        symbol, label = symbols[place], labels[place] or symbols[place] or f"number {place + 1}"
        if (flags[place] or "").lower() == "dum":
            raise InputError(f"Site {label[:30]} of {name} is a dummy site: remove it.")
        if attached[place] is not None and number(attached[place] or "0") > 0:
            raise InputError(
                f"Site {label[:30]} of {name} has attached hydrogen atoms without positions: add them to the "
                "file."
            )
        if symbol is None:
            symbol = _symbol_of_label(label, formula, name, notes)
        position = [_coordinate(column[place] if column else None, label, name) for column in columns]
        text = occupancies[place]
        occupancy = 1.0 if text is None else number(text)
        rows.append(ListedSite(label, symbol, np.array(position), occupancy))
    return rows


def _check_disorder_groups(items: CifItems, name: str) -> None:
    groups = {text for text in items.column("atom_site_disorder_group") or () if text not in (None, "0")}
    if len(groups) > 1:
        raise InputError(
            f"{name} is disordered (its sites belong to the disorder groups "
            f"{', '.join(sorted(map(str, groups))[:5])}): "
            "only fully ordered structures can be used."
        )


def _coordinate(text: str | None, label: str, name: str) -> float:
    if text is None:
        raise InputError(f"Site {label[:30]} of {name} has no coordinates: add them or remove the site.")
    value = number(text)
    if not np.isfinite(value):
        raise InputError(f"Site {label[:30]} of {name} has the coordinate {text[:20]!r}, which is no number.")
    return value


def _symbol_of_label(label: str, formula: Mapping[str, float] | None, name: str, notes: list[str]) -> str:
    """The element that a label such as "Na1" or "OW2" stands for, where the file gives no symbols."""
    known = set(element_table().symbols[1:]) | set(ISOTOPES)
    letters = re.match(r"[A-Za-z]*", label)
    word = letters.group() if letters else ""
    if "," in label or "+" in label.strip("+-0123456789"):
        return label  # several elements: refused as disordered
    if word in known or (len(word) > 1 and word[1].islower() and word[:2] in known):
        return word[:2]
    choices = [
        word[:size].capitalize() for size in (2, 1) if word[:size].capitalize() in known and word[:size]
    ]
    if formula is not None:
        choices = [symbol for symbol in choices if ISOTOPES.get(symbol, symbol) in formula] or choices
    if not choices:
        raise InputError(
            f"Site {label[:30]} of {name} has no chemical symbol, and its label stands for no element: "
            "add the column _atom_site_type_symbol."
        )
    if len(set(choices)) > 1:
        notes.append(f"The label {label[:30]} of a site without chemical symbol was read as {choices[0]}.")
    return choices[0]


def _settings(items: CifItems, lattice: Array, name: str, notes: list[str]) -> Sequence[SymmetryOperations]:
    """The symmetry that the block states; several where it leaves the setting open."""
    listed = _listed_operations(items, name, notes)
    hall_text = items.text(*_HALL)
    hall = operations_of_hall(hall_text) if hall_text else None
    if hall_text and hall is None:
        notes.append(f"The Hall symbol {hall_text[:40]!r} could not be read.")
    symbol = items.text(*_SYMBOLS)
    named = settings_of_symbol(symbol, lattice) if symbol else []
    stated = _stated_number(items, named, symbol, name, notes)
    if listed is not None:
        _compare_numbers(listed, stated, items, name, notes)
        return _fitting([listed], lattice, name, notes)
    if hall is not None:
        _compare_numbers(hall, stated, items, name, notes)
        return _fitting([hall], lattice, name, notes)
    if named:
        settings = [operations_of_group(group, f"the space group {group.xhm()}") for group in named]
        return _fitting(settings, lattice, name, notes)
    if stated is not None:
        groups = settings_of_number(stated)
        reference = [group for group in groups if group.is_reference_setting()]
        origins = [group for group in groups if group.hm == groups[0].hm]
        open_settings = [
            operations_of_group(group, f"the space group {group.xhm()}")
            for group in (origins if len(origins) > 1 else reference or groups[:1])
        ]
        try:
            return _fitting(open_settings, lattice, name, notes)
        except InputError:  # another axis may be the unique one
            others = [operations_of_group(group, f"the space group {group.xhm()}") for group in groups]
            return _fitting(others, lattice, name, notes)
    if symbol:
        raise InputError(f"{name} gives the space group {symbol[:40]!r}, which is unknown: correct it.")
    notes.append("The file gives no symmetry: read as P 1, with only the atoms that it lists.")
    operations, _ = listed_operations(["x,y,z"], "P 1", name)
    return [operations]


def _listed_operations(items: CifItems, name: str, notes: list[str]) -> SymmetryOperations | None:
    texts = [text for text in items.column(*_OPERATIONS) or () if text]
    if not texts:
        return None
    texts = [_without_time_reversal(text) for text in texts]
    operations, complete = listed_operations(texts, "the symmetry operations", name)
    centrings = [_without_time_reversal(text) for text in items.column(_MAGNETIC_CENTRING) or () if text]
    if centrings:
        operations, _ = listed_operations([*operations.triplets(), *centrings], operations.source, name)
    elif not complete:
        stated = items.text(*_SYMBOLS) or items.text(*_NUMBERS) or items.text(*_HALL)
        if stated is None:
            raise InputError(
                f"{name} lists {len(texts)} symmetry operations, which form no group: complete the list."
            )
        notes.append(
            f"The list of symmetry operations was incomplete ({len(texts)} of {len(operations)}) and was "
            "completed."
        )
    return operations


def _without_time_reversal(text: str) -> str:
    """A magnetic operation "x,y,z,+1" without its last part."""
    parts = text.split(",")
    return ",".join(parts[:3]) if len(parts) == 4 and parts[3].strip() in ("+1", "-1", "1") else text


def _stated_number(
    items: CifItems, named: Sequence[gemmi.SpaceGroup], symbol: str | None, name: str, notes: list[str]
) -> int | None:
    """The space group number that symbol and number state."""
    value = items.number(*_NUMBERS)
    if value is not None and (value != round(value) or not 1 <= value <= 230):
        raise InputError(
            f"{name} gives the space group number {items.text(*_NUMBERS)!r}: it must be 1 to 230."
        )
    if named and value is not None and named[0].number != value:
        raise InputError(
            f"{name} contradicts itself: its space group symbol {symbol!r} is number {named[0].number}, "
            f"but it gives number {value:.0f}; correct one of them."
        )
    if named:
        return int(named[0].number)
    if symbol and value is not None:
        notes.append(f"The space group symbol {symbol[:40]!r} is unknown: the number {value:.0f} was used.")
    return None if value is None else int(value)


def _compare_numbers(
    operations: SymmetryOperations, stated: int | None, items: CifItems, name: str, notes: list[str]
) -> None:
    """Refuse operations of another space group than the stated one, unless the header confirms them later."""
    group = operations.group
    if stated is None or group is None or group.number == stated or operations.only_identity:
        return
    if items.text("chemical_formula_sum") is None:
        raise InputError(
            f"{name} contradicts itself: {operations.source} belong to space group {group.number}, "
            f"but it states number {stated}; correct one of them."
        )
    notes.append(
        f"{operations.source[0].upper()}{operations.source[1:]} belong to space group {group.number}, not to "
        f"the stated {stated}: they were used, and they give the header's formula."
    )


def _fitting(
    settings: Sequence[SymmetryOperations], lattice: Array, name: str, notes: list[str]
) -> list[SymmetryOperations]:
    """Those settings that the cell obeys."""
    strains = [operations.largest_strain(lattice) for operations in settings]
    fitting = [own for own, strain in zip(settings, strains, strict=True) if strain <= _STRAIN_REFUSED]
    if not fitting:
        raise InputError(
            f"The cell of {name} does not obey {settings[0].source}: correct the cell or the symmetry."
        )
    if min(strains) > _STRAIN_NOTED:
        notes.append(f"The cell obeys {fitting[0].source} only within {min(strains):.1%}.")
    return fitting


def _expanded(
    header: ListedCrystal, rows: Sequence[ListedSite], operations: SymmetryOperations, notes: Sequence[str]
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
        orbit, shift = _orbit(row.position, operations, header.lattice)
        sites += [replace(row, position=position) for position in orbit]
        shifts.append(shift)
    more = list(notes)
    if max(shifts, default=0.0) > _SHIFT_NOTED:
        moved = sum(shift > _SHIFT_NOTED for shift in shifts)
        more.append(
            f"Rounded coordinates of {moved} sites were moved onto special positions, by up to "
            f"{max(shifts):.3f} Å, and their coincident images were merged."
        )
    return checked_crystal(replace(header, sites=tuple(sites), notes=tuple(more)))


def _orbit(position: Array, operations: SymmetryOperations, lattice: Array) -> tuple[Array, float]:
    """The atoms that symmetry makes of one, and how far it was moved onto a special position (Å)."""
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
    kept: list[Array] = []
    for image in images:
        offsets = np.array(kept).reshape(-1, 3) - image
        offsets -= np.round(offsets)
        if not (np.linalg.norm(offsets @ lattice, axis=1) < 1e-3).any():
            kept.append(image)
    return np.array(kept), float(np.linalg.norm((position - start) @ lattice))


def _check_listing(items: CifItems, read: CrystalRead, header: ListedCrystal, name: str) -> None:
    """Refuse a cell without symmetry that lists only a part of its atoms.

    All atoms are listed where the header's formula and Z say so, or where they obey the named space group.
    """
    expected = _expected_atoms(header)
    if expected is not None:
        if abs(len(read.structure) - expected) > 1e-2 * expected:
            raise InputError(
                f"{name} lists {len(read.structure)} atoms and no symmetry, but its formula and Z give "
                f"{expected:g}: add the space group or the missing atoms."
            )
        return
    symbol = items.text(*_SYMBOLS)
    lattice = read.structure.lattice.matrix
    named = settings_of_symbol(symbol, lattice) if symbol else []
    stated = items.number(*_NUMBERS)
    groups = named or (settings_of_number(int(stated)) if stated else [])
    if not groups or groups[0].number == 1:
        return
    candidates = [operations_of_group(group, group.xhm()) for group in groups]
    candidates = [group for group in candidates if group.largest_strain(lattice) <= _STRAIN_REFUSED]
    if candidates and not any(_obeys(read, group) for group in candidates):
        group = symbol or int(stated or 0)
        raise InputError(
            f"{name} contradicts itself: it names the space group {group}, but lists only "
            "the identity, and its atoms do not obey that group; add the symmetry operations."
        )


def _obeys(read: CrystalRead, operations: SymmetryOperations) -> bool:
    """Whether the atoms of a cell map onto atoms of the same element."""
    structure = read.structure
    positions = np.asarray(structure.frac_coords)
    symbols = np.array([site.specie.symbol for site in structure])
    for position, symbol in zip(positions, symbols, strict=True):
        same = positions[symbols == symbol]
        for image in operations.images(position):
            offsets = same - image
            offsets -= np.round(offsets)
            if np.linalg.norm(offsets @ structure.lattice.matrix, axis=1).min() > 2 * SAME_ATOM:
                return False
    return True
