"""The symmetry that a CIF data block states: its operations, Hall symbol, space group symbol and number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alphacrystal.data.structure_files._cif_items import CifItems
from alphacrystal.data.structure_files._symmetry_operations import (
    SymmetryOperations,
    listed_operations,
    operations_of_group,
    operations_of_hall,
    settings_of_number,
    settings_of_symbol,
    with_code,
)
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray

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
_SETTING_CODES = ("space_group_it_coordinate_system_code", "space_group_symop_it_coordinate_system_code")
#: Relative change of the metric tensor under the operations: noted, and refused, beyond.
_STRAIN_NOTED, STRAIN_REFUSED = 2e-3, 2e-2


@dataclass(frozen=True, slots=True)
class StatedSymmetry:
    """The symmetry that a data block states.

    Attributes:
        settings: Possible operations; several where the block leaves the setting open.
        contradiction: A sentence where two statements differ, else None. Only the header's formula and Z can
            then confirm the operations.
        named: Settings of the space group that the block names, none without a name.
    """

    settings: tuple[SymmetryOperations, ...]
    contradiction: str | None
    named: tuple[gemmi.SpaceGroup, ...]


def stated_symmetry(items: CifItems, lattice: FloatArray, name: str, notes: list[str]) -> StatedSymmetry:
    """Read the symmetry of a block; operations count most, then Hall symbol, symbol and number.

    Args:
        items: Of the block.
        lattice: Rows in Å, shape (3, 3).
        name: Name of the block in messages.
        notes: Sentences are added to it.

    Raises:
        InputError: The symmetry cannot be read, contradicts itself or does not fit the cell.
    """
    listed = _listed_operations(items, name, notes)
    hall_text = items.text(*_HALL)
    hall = operations_of_hall(hall_text) if hall_text else None
    if hall_text and hall is None:
        notes.append(f"The Hall symbol {hall_text[:40]!r} could not be read.")
    code = items.text(*_SETTING_CODES)
    symbol, named = _named(items, lattice, name)
    named = with_code(named, code)
    stated = _number(items, named, symbol, name)
    explicit = listed if listed is not None else hall
    if explicit is not None:
        groups = named or (settings_of_number(stated) if stated else [])
        contradiction = _contradiction(explicit, groups, name)
        if listed is not None and hall is not None and not listed.same_type(hall):
            contradiction = contradiction or (
                f"{name} contradicts itself: its symmetry operations are not those of its Hall symbol "
                f"{(hall_text or '')[:40]}; correct one of them."
            )
        return StatedSymmetry(tuple(_fitting([explicit], lattice, name, notes)), contradiction, tuple(groups))
    if named:
        return StatedSymmetry(tuple(_fitting(_operations(named), lattice, name, notes)), None, tuple(named))
    if stated is not None:
        groups = with_code(settings_of_number(stated), code)
        settings = _settings_of_number(groups, symbol, lattice, name, notes)
        return StatedSymmetry(tuple(settings), None, tuple(groups))
    if symbol:
        raise InputError(f"{name} gives the space group {symbol[:40]!r}, which is unknown: correct it.")
    notes.append("The file gives no symmetry: read as P 1, with only the atoms that it lists.")
    operations, _ = listed_operations(["x,y,z"], "P 1", name)
    return StatedSymmetry((operations,), None, ())


def _operations(groups: Sequence[gemmi.SpaceGroup]) -> list[SymmetryOperations]:
    return [operations_of_group(group, f"the space group {group.xhm()}") for group in groups]


def _named(items: CifItems, lattice: FloatArray, name: str) -> tuple[str | None, list[gemmi.SpaceGroup]]:
    """The symbol of the space group and the settings that it means."""
    symbols = [symbol for tag in _SYMBOLS if (symbol := items.text(tag))]
    meanings = [(symbol, settings) for symbol in symbols if (settings := settings_of_symbol(symbol, lattice))]
    if not meanings:
        return (symbols[0] if symbols else None), []
    for symbol, settings in meanings[1:]:
        if settings[0].number != meanings[0][1][0].number:
            raise InputError(
                f"{name} contradicts itself: it gives the space groups {meanings[0][0][:40]} and "
                f"{symbol[:40]}; correct one of them."
            )
    return min(meanings, key=lambda meaning: len(meaning[1]))  # the symbol that states the origin


def _number(items: CifItems, named: Sequence[gemmi.SpaceGroup], symbol: str | None, name: str) -> int | None:
    """The number of the space group."""
    values = {tag: items.number(tag) for tag in _NUMBERS if items.text(tag)}
    for tag, value in values.items():
        if value is None or not (1 <= value <= 230 and value == round(value)):
            raise InputError(
                f"{name} gives the space group number {(items.text(tag) or '')[:20]!r}: it must be 1 to 230."
            )
    numbers = sorted({int(value) for value in values.values() if value is not None})
    if len(numbers) > 1:
        raise InputError(
            f"{name} contradicts itself: it gives the space group numbers {numbers[0]} and {numbers[1]}; "
            "correct one of them."
        )
    if named and numbers and named[0].number != numbers[0]:
        raise InputError(
            f"{name} contradicts itself: its space group symbol {(symbol or '')[:40]!r} is number "
            f"{named[0].number}, but it gives number {numbers[0]}; correct one of them."
        )
    if named:
        return int(named[0].number)
    return numbers[0] if numbers else None


def _settings_of_number(
    groups: Sequence[gemmi.SpaceGroup], symbol: str | None, lattice: FloatArray, name: str, notes: list[str]
) -> list[SymmetryOperations]:
    """The settings that a number alone may mean."""
    several = {group.hm for group in groups}
    centring = groups[0].hm[0]
    if symbol and (len(several) > 1 or symbol.strip("'\" ")[:1].upper() != centring):
        raise InputError(
            f"{name} gives the space group {symbol[:40]!r}, which is unknown, and number {groups[0].number} "
            "has other settings: correct the symbol or add the symmetry operations."
        )
    if symbol:
        notes.append(
            f"The space group symbol {symbol[:40]!r} is unknown: the number {groups[0].number} was used."
        )
    reference = [group for group in groups if group.hm == groups[0].hm]
    if len(several) > 1:
        notes.append(
            f"Only the number {groups[0].number} of the space group is given, which has several settings: "
            f"read in the standard setting, {groups[0].hm}, where the cell allows it."
        )
    try:
        return _fitting(_operations(reference), lattice, name, notes)
    except InputError:  # another axis may be the unique one
        return _fitting(_operations(groups), lattice, name, notes)


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


def _contradiction(
    operations: SymmetryOperations, stated: Sequence[gemmi.SpaceGroup], name: str
) -> str | None:
    """A sentence where the operations are not of the stated space group, else None."""
    if not stated or operations.only_identity:
        return None
    group = operations.group
    if group is not None and group.number == stated[0].number:
        return None
    expected = _operations(stated[:1])[0]
    same_order = operations.point_group_order == expected.point_group_order
    if group is None and same_order and operations.centrings in (expected.centrings, 1):
        return None  # a setting that is not tabulated, or a primitive cell
    source = operations.source[0].upper() + operations.source[1:]
    return (
        f"{name} contradicts itself: {source} are not those of the stated space group {stated[0].xhm()}; "
        "correct one of them."
    )


def _fitting(
    settings: Sequence[SymmetryOperations], lattice: FloatArray, name: str, notes: list[str]
) -> list[SymmetryOperations]:
    """Those settings that the cell obeys."""
    strains = [operations.largest_strain(lattice) for operations in settings]
    fitting = [group for group, strain in zip(settings, strains, strict=True) if strain <= STRAIN_REFUSED]
    if not fitting:
        raise InputError(
            f"The cell of {name} does not obey {settings[0].source}: correct the cell or the symmetry."
        )
    if min(strains) > _STRAIN_NOTED:
        notes.append(f"The cell obeys {fitting[0].source} only within {min(strains):.1%}.")
    return fitting
