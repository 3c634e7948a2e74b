"""Energy above the convex hull of a reference set that the user names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Shares of a decomposition below this (fraction of atoms) are rounding of the linear programme.
_NO_SHARE = 1e-6


@dataclass(frozen=True, slots=True)
class HullEntry:
    """A competing phase.

    Attributes:
        id: Its name in the reference set.
        formula: Reduced formula.
        fractions: Atomic fraction by element symbol.
        energy: eV/atom: formation energy, or enthalpy with the run's potential (see `HullReference`).
    """

    id: str
    formula: str
    fractions: Mapping[str, float]
    energy: float


@dataclass(frozen=True, slots=True)
class DecompositionProduct:
    """A phase of the hull that a composition falls apart into; ``share`` is its fraction of the atoms."""

    id: str
    formula: str
    share: float

    def __str__(self) -> str:
        return f"{self.share:.3g} {self.formula} ({self.id})"


@dataclass(frozen=True, slots=True)
class HullPoint:
    """The hull at one composition.

    Attributes:
        energy: eV/atom, of the kind that the reference set holds.
        products: Phases on the hull there; shares sum to one.
    """

    energy: float
    products: tuple[DecompositionProduct, ...]


@dataclass(frozen=True, slots=True)
class HullReference:
    """Competing phases of one chemical system.

    Attributes:
        name: What reports call it.
        entries: Phases with energies.
        formation: True where energies are formation energies; False where they are energies (under pressure:
            enthalpies) of the run's own potential, corrected where its scale asks for it.
        structures: Phases without energies, by id, for the run's potential to relax.
        elements: Symbols of the chemical system.
        lost: Phases that the potential could not relax.
    """

    name: str
    entries: tuple[HullEntry, ...] = ()
    formation: bool = True
    structures: Mapping[str, Structure] = field(default_factory=dict)
    elements: frozenset[str] = frozenset()
    lost: int = 0

    def at(self, composition: Mapping[str, float]) -> HullPoint | None:
        """The lowest mixture of phases with this composition; None where no mixture has it."""
        from scipy.optimize import linprog

        total = sum(composition.values())
        wanted = {symbol: amount / total for symbol, amount in composition.items()}
        phases = [entry for entry in self.entries if entry.fractions.keys() <= wanted.keys()]
        if not phases:
            return None
        balance = np.array([[entry.fractions.get(symbol, 0.0) for entry in phases] for symbol in wanted])
        found = linprog(
            [entry.energy for entry in phases], A_eq=balance, b_eq=list(wanted.values()), method="highs"
        )
        if not found.success:
            return None
        products = tuple(
            DecompositionProduct(entry.id, entry.formula, float(share))
            for entry, share in zip(phases, found.x, strict=True)
            if share > _NO_SHARE
        )
        return HullPoint(float(found.fun), tuple(sorted(products, key=lambda p: -p.share)))

    def with_energies(
        self, energies: Mapping[str, float], elemental: Mapping[str, float] | None = None
    ) -> HullReference:
        """The phases in ``structures`` with energies of the run's potential.

        Args:
            energies: eV/atom by id.
            elemental: The potential's energies of the elements, eV/atom, for what the phases lack.
        """
        entries = [
            _entry(name, self.structures[name].composition.get_el_amt_dict(), energy)
            for name, energy in energies.items()
        ]
        entries += _missing_elements(entries, self.elements, elemental or {})
        lost = len(self.structures) - len(energies)
        return replace(self, entries=tuple(entries), formation=False, structures={}, lost=lost)


def read_hull_reference(path: Path, elements: Iterable[str], *, enthalpies: bool = False) -> HullReference:
    """The phases of a file that hold no other than the given elements.

    Args:
        path: Records (.jsonl, .jsonl.gz, or a folder: what `alphacrystal data build` writes or reads), or a
            JSON list of pymatgen's ComputedEntry or ComputedStructureEntry.
        elements: Symbols of the chemical system.
        enthalpies: Stored energies do not count, for they are of no pressure: all structures are returned.

    Returns:
        With formation energies where the file has energies: those of its records (of the ``energy_source``
        that most of them share, for sources must not be mixed), or those of its entries against its own
        elements, corrections included. Without any, with the structures.

    Raises:
        InputError: The file cannot be read, or says nothing about this chemical system.
    """
    wanted = set(elements)
    if path.is_file() and path.suffix == ".json":
        return _of_entries(path, wanted, enthalpies)
    return _of_records(path, wanted, enthalpies)


def _of_records(path: Path, wanted: set[str], enthalpies: bool) -> HullReference:
    from alphacrystal.data import read_records

    records = [record for record in read_records(path) if set(record.species) <= wanted]
    if not records:
        raise InputError(
            f"{path} holds no phase of {'-'.join(sorted(wanted))}: no hull can be drawn from it."
        )
    known = [record for record in records if record.e_form is not None]
    if enthalpies or not known:
        structures = {record.id: record.structure() for record in records}
        return HullReference(path.name, structures=structures, elements=frozenset(wanted))
    sources = [record.energy_source for record in known]
    source = max(sorted(set(sources), key=str), key=sources.count)
    name = path.name if source is None else f"{path.name} ({source})"
    entries = []
    for record in known:
        if record.energy_source == source and record.e_form is not None:
            counts = {symbol: float(record.species.count(symbol)) for symbol in set(record.species)}
            entries.append(_entry(record.id, counts, record.e_form))
    # An element's own formation energy is zero by definition, whether or not the file lists it.
    entries += _missing_elements(entries, wanted, dict.fromkeys(wanted, 0.0))
    return HullReference(name, tuple(entries), elements=frozenset(wanted))


def _of_entries(path: Path, wanted: set[str], enthalpies: bool) -> HullReference:
    chosen = [
        item
        for item in _computed_entries(path)
        if {element.symbol for element in item.composition.elements} <= wanted
    ]
    names = [str(item.entry_id or f"{path.stem}-{i}") for i, item in enumerate(chosen)]
    if enthalpies:
        structures = {
            name: item.structure
            for name, item in zip(names, chosen, strict=True)
            if hasattr(item, "structure")
        }
        if not structures:
            raise InputError(f"{path} holds no structures, so its phases have no enthalpies under pressure.")
        return HullReference(path.name, structures=structures, elements=frozenset(wanted))
    references: dict[str, float] = {}
    for item in chosen:
        if item.composition.is_element:
            symbol = item.composition.elements[0].symbol
            references[symbol] = min(references.get(symbol, np.inf), float(item.energy_per_atom))
    if missing := sorted(wanted - references.keys()):
        raise InputError(
            f"{path} holds no entry of the element {missing[0]}, so formation energies cannot be had from it."
        )
    entries = []
    for name, item in zip(names, chosen, strict=True):
        counts = {symbol: float(n) for symbol, n in item.composition.get_el_amt_dict().items()}
        elements = sum(n * references[symbol] for symbol, n in counts.items()) / sum(counts.values())
        entries.append(_entry(name, counts, float(item.energy_per_atom) - elements))
    return HullReference(path.name, tuple(entries), elements=frozenset(wanted))


def _computed_entries(path: Path) -> Sequence[Any]:
    """Pymatgen entries of a JSON file.

    Raises:
        InputError: It is no JSON, or holds something else.
    """
    from pymatgen.entries.computed_entries import ComputedEntry, ComputedStructureEntry

    kinds = {kind.__name__: kind for kind in (ComputedEntry, ComputedStructureEntry)}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        found = found.get("entries", []) if isinstance(found, dict) else found
        items = [kinds[item["@class"]].from_dict(item) for item in found if isinstance(item, dict)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} could not be read as JSON of pymatgen entries ({error}).") from error
    if not items:
        raise InputError(
            f"{path} is no list of pymatgen ComputedEntry or ComputedStructureEntry: give such a JSON file, "
            "or records in .jsonl."
        )
    return items


def _missing_elements(
    entries: Sequence[HullEntry], wanted: Iterable[str], energies: Mapping[str, float]
) -> list[HullEntry]:
    """Elements (energies in eV/atom) that no entry stands for, or only one that is less stable."""
    lowest: dict[str, float] = {}
    for entry in entries:
        if len(entry.fractions) == 1:
            (symbol,) = entry.fractions
            lowest[symbol] = min(entry.energy, lowest.get(symbol, np.inf))
    return [
        _entry("element", {symbol: 1.0}, energies[symbol])
        for symbol in sorted(wanted)
        if symbol in energies and energies[symbol] < lowest.get(symbol, np.inf)
    ]


def _entry(name: str, counts: Mapping[str, float], energy: float) -> HullEntry:
    from pymatgen.core import Composition

    total = sum(counts.values())
    fractions = {symbol: amount / total for symbol, amount in counts.items()}
    return HullEntry(name, Composition(dict(counts)).reduced_formula, fractions, energy)
