"""Space groups as users name them: a number, a Hermann-Mauguin symbol or a crystal system."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from alphacrystal.crystal._wyckoff import crystal_system, group_symbol

if TYPE_CHECKING:
    import gemmi

CRYSTAL_SYSTEMS = (
    "triclinic",
    "monoclinic",
    "orthorhombic",
    "tetragonal",
    "trigonal",
    "hexagonal",
    "cubic",
)
#: An international number from 1 to 230, or one of CRYSTAL_SYSTEMS for all its space groups.
SpaceGroupChoice = int | str

_MAX_SYMBOL = 40  # characters


def parse_space_group(text: str) -> SpaceGroupChoice:
    """The number of a space group, or the name of a crystal system.

    Symbols are those of all settings in gemmi's tables, short or full, with or without blanks and
    underscores.

    Raises:
        ValueError: There is no such space group; the message lists the choices.
    """
    name = " ".join(text.split())
    if re.fullmatch(r"\d{1,3}", name) and 1 <= int(name) <= 230:
        return int(name)
    if name.lower() in CRYSTAL_SYSTEMS:
        return name.lower()
    found = _find(name)
    if found is None:
        raise ValueError(
            f"space group {name[:_MAX_SYMBOL]} does not exist: give a number from 1 to 230, a symbol such as "
            f"Pm-3m, or a crystal system ({', '.join(CRYSTAL_SYSTEMS)})"
        )
    return found[0]


def has_standard_axes(text: str) -> bool:
    """Whether the cell of a setting has the axes of the standard setting; True for numbers and systems."""
    found = _find(" ".join(text.split()))
    return found is None or found[1]


def _find(name: str) -> tuple[int, bool] | None:
    """Number of the space group of a symbol, and whether its axes are the standard ones."""
    import gemmi

    if len(name) > _MAX_SYMBOL or re.fullmatch(r"[A-Za-z][-A-Za-z0-9/_:() ]+", name) is None:
        return None
    # None for an unknown name, which its type leaves out.
    entry = cast("gemmi.SpaceGroup | None", gemmi.find_spacegroup_by_name(name.replace("_", "")))
    if entry is None:
        return None
    reference = gemmi.get_spacegroup_reference_setting(entry.number)
    return entry.number, entry.hm == reference.hm and entry.ext != "R"


def allowed_groups(choice: SpaceGroupChoice | None) -> list[int]:
    """Numbers of the space groups that a choice allows; all without one."""
    if isinstance(choice, int):
        return [choice]
    return [number for number in range(1, 231) if choice in (None, crystal_system(number))]


def choice_name(choice: SpaceGroupChoice) -> str:
    """A choice in words, e.g. "space group 221 (Pm-3m)" or "any cubic space group"."""
    if isinstance(choice, int):
        return f"space group {choice} ({group_symbol(choice)})"
    return f"any {choice} space group"
