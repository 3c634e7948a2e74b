"""Symmetry operations of a CIF: from its list, Hall symbol, Hermann-Mauguin symbol or number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np

from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    import gemmi

#: Operations of the largest space group in its conventional cell.
MOST_OPERATIONS = 192
#: Operations of the longest list that is read; supercells have more than a space group.
_LONGEST_LIST = 2000
#: Translations are multiples of 1/24 in every space group (ITA).
_DENOMINATOR = 24


@dataclass(frozen=True)
class SymmetryOperations:
    """A group of symmetry operations x' = R x + t.

    Attributes:
        rotations: Integer matrices, shape (n, 3, 3).
        translations: In 1/24 of the lattice vectors, from 0 to 23, shape (n, 3).
        source: Where they come from, for messages.
    """

    rotations: IntArray
    translations: IntArray
    source: str

    def __len__(self) -> int:
        return len(self.rotations)

    @property
    def only_identity(self) -> bool:
        """Whether the group is P 1 in a primitive cell."""
        return len(self) == 1

    @property
    def point_group_order(self) -> int:
        """Number of different rotations."""
        return len(np.unique(self.rotations, axis=0))

    @property
    def centrings(self) -> int:
        """Number of pure translations, the zero one included: 4 for F."""
        return len(self) // self.point_group_order

    def same_type(self, other: SymmetryOperations) -> bool:
        """Whether both may be of one space group type: by the table, else by their numbers of operations."""
        if self.group is not None and other.group is not None:
            return bool(self.group.number == other.group.number)
        return self.point_group_order == other.point_group_order

    @cached_property
    def group(self) -> gemmi.SpaceGroup | None:
        """The tabulated setting with these operations, None where there is none."""
        import gemmi

        operations = gemmi.GroupOps([gemmi.Op(text) for text in self.triplets()])
        return gemmi.find_spacegroup_by_ops(operations)

    def triplets(self) -> list[str]:
        """The operations as text, e.g. "x+1/2,-y,z"."""
        import gemmi

        texts = []
        for rotation, translation in zip(self.rotations, self.translations, strict=True):
            operation = gemmi.Op("x,y,z")
            operation.rot = (rotation * _DENOMINATOR).tolist()
            operation.tran = translation.tolist()
            texts.append(operation.triplet())
        return texts

    def images(self, position: FloatArray) -> FloatArray:
        """Images of a position in fractional coordinates, shape (n, 3)."""
        return np.asarray(self.rotations @ position + self.translations / _DENOMINATOR)

    def largest_strain(self, lattice: FloatArray) -> float:
        """How far the lattice is from obeying the operations: relative change of the metric tensor."""
        metric = lattice @ lattice.T
        scale = np.sqrt(np.outer(np.diag(metric), np.diag(metric)))
        images = np.einsum("nji,jk,nkl->nil", self.rotations, metric, self.rotations)
        return float(np.abs((images - metric) / scale).max())


def listed_operations(texts: Sequence[str], source: str, name: str) -> tuple[SymmetryOperations, bool]:
    """The group that listed operations generate, and whether the list was complete.

    Args:
        texts: Operations such as "1/2+x, -y, z".
        source: Where they come from, for messages.
        name: Name of the file in messages.

    Raises:
        InputError: One is no symmetry operation, or they generate no group of finite size.
    """
    import gemmi

    if len(texts) > _LONGEST_LIST:
        raise InputError(
            f"{name} lists {len(texts)} symmetry operations; at most {_LONGEST_LIST} can be read."
        )
    rotations, translations = [], []
    for text in texts:
        try:
            operation = gemmi.Op(text.strip().strip("'\""))
        except (RuntimeError, UnicodeDecodeError) as error:
            raise InputError(
                f"{name} lists {text[:40]!r}, which is no symmetry operation that can be read: correct it."
            ) from error
        rotation = np.array(operation.rot, dtype=np.int64)
        if (rotation % _DENOMINATOR).any() or round(abs(np.linalg.det(rotation / _DENOMINATOR))) != 1:
            raise InputError(f"{name} lists {text[:40]!r}, which is no symmetry operation: correct it.")
        rotations.append(rotation // _DENOMINATOR)
        translations.append(np.array(operation.tran, dtype=np.int64) % _DENOMINATOR)
    given = _unique(np.array(rotations), np.array(translations))
    group = _closed(*given)
    if group is None:
        raise InputError(
            f"The symmetry operations that {name} lists generate no space group: correct the list."
        )
    return SymmetryOperations(*group, source), len(group[0]) == len(given[0])


def operations_of_group(group: gemmi.SpaceGroup, source: str) -> SymmetryOperations:
    """The operations of a tabulated setting."""
    return _of_gemmi(group.operations(), source)


def operations_of_hall(symbol: str) -> SymmetryOperations | None:
    """The operations of a Hall symbol (Acta Cryst. A37, 517 (1981)), None where it is none."""
    import gemmi

    try:
        return _of_gemmi(gemmi.symops_from_hall(" ".join(symbol.split())), f"the Hall symbol {symbol[:40]}")
    except (RuntimeError, ValueError):
        return None


def _of_gemmi(operations: gemmi.GroupOps, source: str) -> SymmetryOperations:
    rotations = np.array([operation.rot for operation in operations], dtype=np.int64) // _DENOMINATOR
    translations = np.array([operation.tran for operation in operations], dtype=np.int64) % _DENOMINATOR
    return SymmetryOperations(rotations, translations, source)


#: How databases mark the setting behind a symbol, and gemmi's mark: ICSD writes S and Z for the origin
#: choices 1 and 2, RS and HR for rhombohedral and hexagonal axes.
_SETTING_MARKS = {
    "1": ":1", "S": ":1", "O1": ":1",
    "2": ":2", "Z": ":2", "O2": ":2",
    "R": ":R", "RS": ":R", "RHO": ":R",
    "H": ":H", "HR": ":H", "HS": ":H", "HEX": ":H",
}  # fmt: skip
_MARK = re.compile(
    r"^(?P<symbol>.+?)(?:"
    r"\s*:\s*(?P<after_colon>[12SZRH])"
    r"|\s*\(?\s*(?:origin\s*(?:choice|at)?|o\.?\s*c\.?)\s*(?P<after_word>[12])\s*\)?"
    r"|\s*\(?(?P<letters>O[12]|S|Z|RS|RHOMB\w*|R|HR|HS|HEX\w*|H)\)?"
    r")$",
    re.IGNORECASE,
)


def settings_of_symbol(symbol: str, lattice: FloatArray) -> list[gemmi.SpaceGroup]:
    """Tabulated settings that a Hermann-Mauguin symbol may mean.

    Args:
        symbol: As written, e.g. "F d -3 m Z", "P6(3)/mmc" or "R -3 c :R".
        lattice: Rows in Å; distinguishes rhombohedral from hexagonal axes if the symbol does not.

    Returns:
        None if the symbol is unknown; both origin choices where the symbol leaves the origin open.
    """
    import gemmi

    plain = " ".join(symbol.strip().strip("'\"").replace("\u2212", "-").split())
    plain = re.sub(r"(\d)\((\d)\)", r"\1\2", plain)
    plain = re.sub(r"\s*\(\d{1,3}\)$", "", plain)  # the number behind the symbol
    plain = re.sub(r"^H(?=\s*-?3)", "R", plain)
    lengths_angles = _angles(lattice)
    match = _MARK.match(plain)
    written = match and next(text for text in match.group("after_colon", "after_word", "letters") if text)
    if match and written and (mark := _SETTING_MARKS.get(written.upper()[:3])):
        base = match["symbol"].strip()
        group = _tabulated(base + mark)
        if group is not None:
            return [group]
        if mark in (":1", ":2") and (group := _tabulated(base)) is not None:
            return [group]  # a symbol with one origin only
    group = _tabulated(plain, *lengths_angles) or _tabulated(_short_symbol(plain), *lengths_angles)
    if group is None:
        return []
    same = [other for other in gemmi.spacegroup_table_itb() if other.hm == group.hm]
    if group.ext in ("1", "2"):
        return sorted(same, key=lambda other: str(other.ext))
    return [group]


def _short_symbol(symbol: str) -> str:
    """The short form of a full Hermann-Mauguin symbol: "F 4/m -3 2/m" gives "F m -3 m" (ITA, section 1.4)."""
    centring, *parts = symbol.split()
    plane = r"^\d{1,2}/([a-z])$"
    orthorhombic = len(parts) == 3 and all(re.match(r"^21?/[a-z]$", part) for part in parts)
    cubic = len(parts) == 3 and parts[1] in ("-3", "3")
    begin = 0 if orthorhombic or cubic else 1
    return " ".join([centring, *parts[:begin], *(re.sub(plane, r"\1", part) for part in parts[begin:])])


def _tabulated(symbol: str, alpha: float = 0.0, gamma: float = 0.0) -> gemmi.SpaceGroup | None:
    import gemmi

    # gemmi's types leave out that unknown symbols give None.
    return cast("gemmi.SpaceGroup | None", gemmi.find_spacegroup_by_name(symbol, alpha, gamma))


def with_code(groups: list[gemmi.SpaceGroup], code: str | None) -> list[gemmi.SpaceGroup]:
    """The settings that a coordinate system code of the CIF core dictionary means, e.g. "b2", "2" or "h".

    A code that fits none of them leaves them all.
    """
    if not code:
        return groups
    plain = code.strip().lower().removeprefix("-")
    chosen = [group for group in groups if plain in (str(group.ext).lower(), str(group.qualifier).lower())]
    return chosen or groups


def settings_of_number(number: int) -> list[gemmi.SpaceGroup]:
    """All tabulated settings of a space group type, the reference settings of ITA first."""
    import gemmi

    settings = [group for group in gemmi.spacegroup_table_itb() if group.number == number]
    return sorted(settings, key=lambda group: not group.is_reference_setting())


def _angles(lattice: FloatArray) -> tuple[float, float]:
    """Alpha and gamma in degrees."""
    a, b, c = lattice
    alpha = np.degrees(np.arccos(np.clip(b @ c / np.linalg.norm(b) / np.linalg.norm(c), -1, 1)))
    gamma = np.degrees(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)))
    return float(alpha), float(gamma)


def _unique(rotations: IntArray, translations: IntArray) -> tuple[IntArray, IntArray]:
    rows = np.concatenate([rotations.reshape(-1, 9), translations], axis=1)
    _, first = np.unique(rows, axis=0, return_index=True)
    order = np.sort(first)  # the identity stays first where the list begins with it
    return rotations[order], translations[order]


def _closed(rotations: IntArray, translations: IntArray) -> tuple[IntArray, IntArray] | None:
    """The group generated by operations; None if it has more than `_LONGEST_LIST` members."""
    identity = np.eye(3, dtype=np.int64)
    rotations = np.concatenate([identity[None], rotations])
    translations = np.concatenate([np.zeros((1, 3), dtype=np.int64), translations])
    rotations, translations = _unique(rotations, translations)
    while True:
        if len(rotations) > _LONGEST_LIST or np.abs(rotations).max() > _DENOMINATOR:
            return None
        generators = slice(None) if len(rotations) <= MOST_OPERATIONS else slice(0, MOST_OPERATIONS)
        products = np.einsum("aij,bjk->abik", rotations[generators], rotations).reshape(-1, 3, 3)
        moved = np.einsum("aij,bj->abi", rotations[generators], translations) + translations[generators, None]
        all_rotations = np.concatenate([rotations, products])
        all_translations = np.concatenate([translations, moved.reshape(-1, 3) % _DENOMINATOR])
        grown = _unique(all_rotations, all_translations)
        if len(grown[0]) == len(rotations):
            return rotations, translations
        rotations, translations = grown
