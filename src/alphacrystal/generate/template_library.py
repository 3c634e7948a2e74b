"""A library of known crystals to take structures from, sorted by stoichiometry."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import compress
from math import gcd
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.data import StructureRecord, read_records
from alphacrystal.data.structure_files import atoms_overlap
from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from alphacrystal.composition import Formula

_log = logging.getLogger(__name__)

Stoichiometry = tuple[int, ...]  # reduced counts in ascending order


class TemplateLibrary:
    """Known crystals by stoichiometry.

    Attributes:
        source: Where they are from, for messages.
        forbidden: Templates that were left out because their formula is not allowed.
    """

    def __init__(
        self, records: Mapping[Stoichiometry, list[StructureRecord]], source: str, forbidden: int = 0
    ) -> None:
        self._records = records
        self._checked: dict[Stoichiometry, list[StructureRecord]] = {}
        self.source = source
        self.forbidden = forbidden

    def __len__(self) -> int:
        return sum(map(len, self._records.values()))

    @classmethod
    def read(
        cls, source: Path, *, forbid: Collection[str] = (), only: Collection[Formula] = ()
    ) -> TemplateLibrary:
        """Read a ``.jsonl``/``.jsonl.gz`` file of records, or a folder of CIF and POSCAR files.

        Args:
            source: As for ``read_records``.
            forbid: Reduced formulas that must not serve as templates; ``benchmark_formulas()`` of
                `alphacrystal.data` for a leak-free run.
            only: Keep only templates for these formulas; all if empty.

        Raises:
            InputError: The source cannot be read.
        """
        return cls.of_records(read_records(source), source=source.name, forbid=forbid, only=only)

    @classmethod
    def of_records(
        cls,
        records: Iterable[StructureRecord],
        *,
        source: str = "records",
        forbid: Collection[str] = (),
        only: Collection[Formula] = (),
    ) -> TemplateLibrary:
        """A library of records; their formulas are recomputed from the atoms, for any labels."""
        wanted = {stoichiometry(formula.counts) for formula in only}
        banned = {_counts_of(formula) for formula in forbid}
        by_ratio: dict[Stoichiometry, list[StructureRecord]] = {}
        forbidden = 0
        for record in records:
            counts = Counter(record.species)
            ratio = stoichiometry(counts)
            if wanted and ratio not in wanted:
                continue
            if banned and _reduced(counts) in banned:
                forbidden += 1
                continue
            by_ratio.setdefault(ratio, []).append(record)
        return cls(by_ratio, source, forbidden)

    def matching(self, formula: Formula) -> list[StructureRecord]:
        """Templates of the stoichiometry of a formula; records with overlapping atoms are left out.

        Raises:
            InputError: There is none.
        """
        templates = self._usable(stoichiometry(formula.counts))
        if not templates:
            ratio = ":".join(map(str, stoichiometry(formula.counts)))
            left_out = f" ({self.forbidden} of forbidden formulas were left out)" if self.forbidden else ""
            raise InputError(
                f"The template library {self.source} holds no crystal of the stoichiometry {ratio} of "
                f"{formula.text}{left_out}: give a larger --templates or another generator."
            )
        return templates

    def _usable(self, ratio: Stoichiometry) -> list[StructureRecord]:
        """Records of a stoichiometry without overlapping atoms; the check runs once."""
        if ratio not in self._checked:
            records = self._records.get(ratio, [])
            clear = [not _overlaps(record) for record in records]
            if not all(clear):
                _log.warning(
                    "%d of the crystals of %s have overlapping atoms and were left out, the first is %s.",
                    clear.count(False),
                    self.source,
                    records[clear.index(False)].id[:40],
                )
            self._checked[ratio] = list(compress(records, clear))
        return self._checked[ratio]


def _overlaps(record: StructureRecord) -> bool:
    return atoms_overlap(np.asarray(record.lattice, float), np.asarray(record.frac_coords, float))


def stoichiometry(counts: Mapping[str, int]) -> Stoichiometry:
    """Reduced counts in ascending order."""
    common = gcd(*counts.values())
    return tuple(sorted(count // common for count in counts.values()))


def _reduced(counts: Mapping[str, int]) -> frozenset[tuple[str, int]]:
    common = gcd(*counts.values())
    return frozenset((symbol, count // common) for symbol, count in counts.items())


def _counts_of(formula: str) -> frozenset[tuple[str, int]]:
    from alphacrystal.composition import parse_formula

    return _reduced(parse_formula(formula).counts)
