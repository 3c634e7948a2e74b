"""The chemical systems of the benchmark, and their experimental phases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from alphacrystal.data import StructureRecord
from alphacrystal_bench.harness.rows import sample

MIN_PHASES = 3  # experimental compounds of exactly these elements
MAX_ATOMS = 40  # in the primitive cell
SYSTEMS = {2: 20, 3: 20}  # number of systems by number of elements


@dataclass(frozen=True, slots=True)
class KnownSystem:
    """A chemical system with its experimental phases.

    Attributes:
        name: Elements with hyphens, in alphabetical order.
        records: Experimental entries of at most MAX_ATOMS atoms of the system and the systems within it,
            without elements.
    """

    name: str
    records: tuple[StructureRecord, ...]


def known_systems(records: Iterable[StructureRecord], seed: int) -> list[KnownSystem]:
    """The systems of the benchmark: drawn at random by number of elements, binary ones first."""
    experimental: dict[tuple[str, ...], list[StructureRecord]] = {}
    for record in records:
        elements = tuple(sorted(set(record.species)))
        if record.icsd and 2 <= len(elements) <= max(SYSTEMS) and len(record.species) <= MAX_ATOMS:
            experimental.setdefault(elements, []).append(record)
    chosen: list[KnownSystem] = []
    for size, count in SYSTEMS.items():
        enough = sorted(
            elements
            for elements, members in experimental.items()
            if len(elements) == size and len({member.reduced_formula for member in members}) >= MIN_PHASES
        )
        chosen += [
            KnownSystem("-".join(elements), tuple(_within(experimental, elements)))
            for elements in sample(enough, count, seed)
        ]
    return chosen


def _within(
    experimental: Mapping[tuple[str, ...], Sequence[StructureRecord]], elements: tuple[str, ...]
) -> list[StructureRecord]:
    """Entries of a system and of the systems within it, by formula and identifier."""
    found = [
        member
        for subset, members in experimental.items()
        if set(subset) <= set(elements)
        for member in members
    ]
    return sorted(found, key=lambda record: (record.reduced_formula, record.id))
