"""Pairs of experimental polymorphs whose order by DFT is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from alphacrystal.crystal import SymmetryDescription, describe_symmetry
from alphacrystal.data import StructureRecord
from alphacrystal.errors import InputError
from alphacrystal_bench.harness.rows import sample

#: eV/atom; DFT energies of smaller differences are not converged to this order.
SMALLEST_GAP = 0.001


@dataclass(frozen=True, slots=True)
class PolymorphPair:
    """Two experimental crystals of one formula, with different structure types.

    Attributes:
        lower: The crystal of lower energy by DFT.
        higher: The other crystal.
        gap: Difference of their DFT energies in eV/atom, positive.
    """

    lower: StructureRecord
    higher: StructureRecord
    gap: float

    @property
    def split(self) -> str:
        """Split of the formula, "train" or "val"."""
        return self.lower.split or "train"


def polymorph_pairs(
    records: Iterable[StructureRecord],
    *,
    elements: Collection[str],
    max_atoms: int = 40,
    per_formula: int = 3,
    seed: int = 0,
) -> list[PolymorphPair]:
    """Pairs of experimental records of one formula and one source of energies, in the order of the formulas.

    Args:
        records: Records with energies.
        elements: Symbols that all potentials know; formulas with others are left out.
        max_atoms: Atoms in each primitive cell at most.
        per_formula: Pairs of one formula at most, drawn at random.
        seed: Seed of this choice.
    """
    known = frozenset(elements)
    groups: dict[tuple[str, str, str], list[StructureRecord]] = defaultdict(list)
    for record in records:
        if not record.icsd or energy(record) is None or record.energy_source is None:
            continue
        if len(record.species) <= max_atoms and known.issuperset(record.species):
            key = (record.reduced_formula, record.energy_source, record.functional or "")
            groups[key].append(record)
    by_formula: dict[str, list[PolymorphPair]] = defaultdict(list)
    for (formula, _, _), members in sorted(groups.items()):
        by_formula[formula] += _pairs(members) if len(members) > 1 else []
    return [pair for pairs in by_formula.values() for pair in sample(pairs, per_formula, seed)]


def energy(record: StructureRecord) -> float | None:
    """DFT energy in eV/atom relative to a reference that equal formulas of one source share."""
    return record.e_above_hull if record.e_form is None else record.e_form


def structure_type(record: StructureRecord) -> tuple[int, tuple[str, ...]] | None:
    """Space group and Wyckoff letters of each element in electronegativity order; None without symmetry."""
    found = symmetry(record)
    return None if found is None else (found.space_group, tuple(found.occupation().values()))


def symmetry(record: StructureRecord) -> SymmetryDescription | None:
    """Symmetry of a record at 0.1 Å; None if none can be found."""
    crystal = record.structure()
    numbers = np.array(crystal.atomic_numbers, dtype=np.int64)
    try:
        return describe_symmetry(crystal.lattice.matrix, crystal.frac_coords, numbers)
    except InputError:
        return None


def _pairs(members: Sequence[StructureRecord]) -> list[PolymorphPair]:
    typed = [(member, structure_type(member)) for member in sorted(members, key=lambda item: item.id)]
    pairs = []
    for (first, type_1), (second, type_2) in combinations(typed, 2):
        if type_1 is None or type_2 is None or type_1 == type_2:
            continue
        gap = (energy(second) or 0.0) - (energy(first) or 0.0)
        if abs(gap) >= SMALLEST_GAP:
            lower, higher = (first, second) if gap > 0 else (second, first)
            pairs.append(PolymorphPair(lower, higher, abs(gap)))
    return pairs
