"""The rows of a run that are exported."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alphacrystal.data import read_crystals
from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.report import RunSummary, SummaryRow

MAX_ROWS_TEXT = 1000  # characters


@dataclass(frozen=True, slots=True, eq=False)
class ListedStructure:
    """A row of a run with its structure.

    Attributes:
        row: The row of ``summary.csv``.
        structure: Conventional cell, else the primitive one or a supercell, as requested.
        name: Name of its file without the ending, e.g. "001_Zr4Al3_sg191".
    """

    row: SummaryRow
    structure: Structure
    name: str


def parse_rows(text: str) -> tuple[int, ...]:
    """Ranks from a text such as "1-5,8", in ascending order.

    Raises:
        InputError: It is no such text.
    """
    ranks: set[int] = set()
    for part in text[:MAX_ROWS_TEXT].split(","):
        match = re.fullmatch(r"\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last:
            raise InputError(f"--rows takes ranks such as 1-5 or 1,3,8, not {text[:40]!r}.")
        ranks |= set(range(first, last + 1))
    return tuple(sorted(ranks))


def listed_structures(
    run: RunSummary, rows: Sequence[int], *, supercell: Sequence[int] = (1, 1, 1), primitive: bool = False
) -> list[ListedStructure]:
    """The structures of some rows of a run.

    Args:
        run: The run.
        rows: Ranks.
        supercell: Multiples of the lattice vectors.
        primitive: Export primitive cells (before the supercell).

    Raises:
        InputError: A row does not exist, or its file is missing or damaged.
    """
    by_rank = {row.rank: row for row in run.rows}
    if missing := [rank for rank in rows if rank not in by_rank]:
        ranks = f"1 to {max(by_rank)}" if by_rank else "none"
        raise InputError(f"The run {run.folder} has no row {missing[0]}: choose from its rows ({ranks}).")
    listed = []
    for rank in rows:
        path = run.folder / by_rank[rank].file
        crystals = read_crystals(path)
        if len(crystals) != 1:
            raise InputError(f"{path} holds {len(crystals)} structures: repeat the run to write it again.")
        structure = crystals[0].structure.get_sorted_structure()
        if primitive:
            structure = structure.get_primitive_structure(tolerance=0.01).get_sorted_structure()
        if tuple(supercell) != (1, 1, 1):
            structure = structure.make_supercell(list(supercell), in_place=False).get_sorted_structure()
        listed.append(ListedStructure(by_rank[rank], structure, path.stem))
    return listed
