"""Energy above the convex hull of a reference set that the user names."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.ranking._computed_entries import ComputedPhase
    from alphacrystal.ranking._phase_table import KnownPhase

#: Shares of a decomposition below this (fraction of atoms) are rounding errors.
_NO_SHARE = 1e-6
#: eV/atom above all phases: the energy of an element that no phase stands for. A mixture that contains it
#: shows that the phases cannot give the composition.
_ABSENT = 100.0
KNOWN_PHASES = "known phases of the Materials Project with energies of CHGNet"


@dataclass(frozen=True, slots=True, eq=False)
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
        energy: eV/atom; a formation energy or an enthalpy, as the reference set contains.
        products: Phases on the hull there; shares sum to one.
    """

    energy: float
    products: tuple[DecompositionProduct, ...]


@dataclass(frozen=True, slots=True)
class HullReference:
    """Competing phases of one chemical system.

    Attributes:
        name: Name in reports.
        entries: Phases with energies.
        formation: True where energies are formation energies; False where they are energies (under pressure:
            enthalpies) of the run's potential, corrected if its scale needs it.
        structures: Phases without energies, by id, for the run's potential to relax.
        elements: Symbols of the chemical system.
        lost: Phases that the potential could not relax.
        notes: Sentences on phases that were left out, corrected or relaxed, for the report.
    """

    name: str
    entries: tuple[HullEntry, ...] = ()
    formation: bool = True
    structures: Mapping[str, Structure] = field(default_factory=dict)
    elements: frozenset[str] = frozenset()
    lost: int = 0
    notes: tuple[str, ...] = ()

    def at(self, composition: Mapping[str, float]) -> HullPoint | None:
        """The lowest mixture of phases with this composition; None where no mixture has it."""
        from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
        from pymatgen.core import Composition

        phases = [entry for entry in self.entries if entry.fractions.keys() <= composition.keys()]
        if not phases:
            return None
        highest = max(entry.energy for entry in phases)
        present = {next(iter(entry.fractions)) for entry in phases if len(entry.fractions) == 1}
        absent = [
            _entry("absent element", {symbol: 1.0}, highest + _ABSENT)
            for symbol in composition.keys() - present
        ]
        candidates = [*phases, *absent]
        points = [
            PDEntry(Composition(dict(entry.fractions)), entry.energy, name=str(number))
            for number, entry in enumerate(candidates)
        ]
        diagram: Any = PhaseDiagram(points)  # its entries are typed as their base class, without a name
        target = Composition(dict(composition)).fractional_composition
        shares = {
            candidates[int(point.name)]: float(share)
            for point, share in diagram.get_decomposition(target).items()
            if share > _NO_SHARE
        }
        if any(entry in absent for entry in shares):
            return None
        products = (DecompositionProduct(entry.id, entry.formula, share) for entry, share in shares.items())
        return HullPoint(
            float(diagram.get_hull_energy_per_atom(target)),
            tuple(sorted(products, key=lambda product: (-product.share, product.id))),
        )

    def with_energies(
        self, energies: Mapping[str, float], elemental: Mapping[str, float] | None = None
    ) -> HullReference:
        """The phases in ``structures`` with energies of the run's potential.

        Args:
            energies: eV/atom by id.
            elemental: The potential's energies of the elements, eV/atom, for elements that the phases lack.
        """
        entries = [
            _entry(name, self.structures[name].composition.get_el_amt_dict(), energy)
            for name, energy in energies.items()
        ]
        entries += _missing_elements(entries, self.elements, elemental or {})
        lost = len(self.structures) - len(energies)
        return replace(self, entries=tuple(entries), formation=False, structures={}, lost=lost)


def hull_of_known_phases(
    phases: Iterable[KnownPhase], elements: Iterable[str], elemental: Mapping[str, float]
) -> HullReference:
    """Competing phases from the table of known phases, of each formula the lowest one.

    Args:
        phases: Phases that contain no other than the given elements.
        elements: Symbols of the chemical system.
        elemental: The potential's energies of the elements in eV/atom, for elements that the phases lack.
    """
    from pymatgen.core import Composition

    lowest: dict[str, KnownPhase] = {}
    for phase in phases:
        if phase.formula not in lowest or phase.energy < lowest[phase.formula].energy:
            lowest[phase.formula] = phase
    entries = [
        _entry(phase.id, Composition(formula).get_el_amt_dict(), phase.energy)
        for formula, phase in lowest.items()
    ]
    entries += _missing_elements(entries, elements, elemental)
    return HullReference(KNOWN_PHASES, tuple(entries), formation=False, elements=frozenset(elements))


def read_hull_reference(
    path: Path, elements: Iterable[str], *, enthalpies: bool = False, potential: str = "chgnet"
) -> HullReference:
    """The phases of a file that contain no other than the given elements.

    Phases of one name get the names "NAME", "NAME-2", "NAME-3".

    Args:
        path: Records (.jsonl, .jsonl.gz, or a folder, as for `alphacrystal data build`), or a
            JSON list (.json, .json.gz) of pymatgen's ComputedEntry or ComputedStructureEntry.
        elements: Symbols of the chemical system.
        enthalpies: Ignore stored energies, which are of zero pressure, and return all structures.
        potential: The run's potential; of a file with several functionals, its functional is used.

    Returns:
        With formation energies where the file has energies of one scale: those of its records (of the
        ``energy_source`` and functional that most of them share), or those of its entries of one functional
        against the elements among them, corrections included. With the structures where the file has no
        energies, or states no functional for them.

    Raises:
        InputError: The file cannot be read, has no phase of this chemical system, or its energies are on no
            common scale.
    """
    wanted = set(elements)
    if path.is_file() and path.name.lower().endswith((".json", ".json.gz")):
        return _of_entries(path, wanted, enthalpies=enthalpies, potential=potential)
    return _of_records(path, wanted, enthalpies)


def _unique(names: Sequence[str]) -> list[str]:
    """The names in their order, each once: repeated ones are numbered."""
    taken = set(names)
    counts: Counter[str] = Counter()
    unique = []
    for name in names:
        counts[name] += 1
        new = name
        while counts[name] > 1 and new in taken:
            new = f"{name}-{counts[name]}"
            counts[name] += new in taken
        taken.add(new)
        unique.append(new)
    return unique


def _of_records(path: Path, wanted: set[str], enthalpies: bool) -> HullReference:
    from alphacrystal.data import read_records

    records = [record for record in read_records(path) if set(record.species) <= wanted]
    if not records:
        raise InputError(
            f"{path} holds no phase of {'-'.join(sorted(wanted))}: no hull can be drawn from it."
        )
    structures = [record.checked_structure() for record in records]
    names = _unique([record.id for record in records])
    known = [
        (name, record, record.e_form)
        for name, record in zip(names, records, strict=True)
        if record.e_form is not None
    ]
    if enthalpies or not known:
        return HullReference(
            path.name, structures=dict(zip(names, structures, strict=True)), elements=frozenset(wanted)
        )
    scales = Counter((record.energy_source, record.functional) for _, record, _ in known)
    scale = max(sorted(scales, key=str), key=scales.__getitem__)
    label = ", ".join(word for word in scale if word is not None)
    entries = [
        _entry(name, Counter(record.species), e_form)
        for name, record, e_form in known
        if (record.energy_source, record.functional) == scale
    ]
    notes = []
    if left_out := len(records) - len(entries):
        notes.append(
            f"{left_out} phases of {path.name} have no energy, or one of another source or functional: "
            "they are left out of the hull."
        )
    # The formation energy of an element is zero by definition, whether or not the file lists it.
    entries += _missing_elements(entries, wanted, dict.fromkeys(wanted, 0.0))
    return HullReference(
        f"{path.name} ({label})" if label else path.name,
        tuple(entries),
        elements=frozenset(wanted),
        notes=tuple(notes),
    )


def _of_entries(path: Path, wanted: set[str], *, enthalpies: bool, potential: str) -> HullReference:
    from alphacrystal.ranking._computed_entries import read_computed_entries
    from alphacrystal.ranking._run_types import UNKNOWN, by_functional, corrected_energies

    phases = read_computed_entries(path, wanted)
    if not phases:
        raise InputError(
            f"{path} holds no phase of {'-'.join(sorted(wanted))}: no hull can be drawn from it."
        )
    phases = [
        replace(phase, id=name)
        for phase, name in zip(phases, _unique([phase.id for phase in phases]), strict=True)
    ]
    groups = by_functional(phases)
    unstated = set(groups) == {UNKNOWN}
    if enthalpies or (unstated and all(phase.structure is not None for phase in phases)):
        structures = {phase.id: phase.structure for phase in phases if phase.structure is not None}
        if not structures:
            raise InputError(f"{path} holds no structures, so its phases have no enthalpies under pressure.")
        note = (
            f"The entries of {path.name} state no run_type, so their energies are not used: {potential} "
            "computes energies of their structures."
        )
        return HullReference(
            path.name,
            structures=structures,
            elements=frozenset(wanted),
            notes=() if enthalpies else (note,),
        )
    name, notes = _choose_functional(path, groups, wanted, potential)
    chosen = groups[name]
    energies, more_notes = corrected_energies(chosen, name)
    references: dict[str, float] = {}
    for phase, energy in zip(chosen, energies, strict=True):
        if len(phase.composition) == 1:
            (symbol,) = phase.composition
            references[symbol] = min(references.get(symbol, math.inf), energy)
    entries = []
    for phase, energy in zip(chosen, energies, strict=True):
        elemental = math.fsum(n * references[symbol] for symbol, n in phase.composition.items()) / phase.atoms
        entries.append(_entry(phase.id, phase.composition, energy - elemental))
    return HullReference(
        f"{path.name} ({name})",
        tuple(entries),
        elements=frozenset(wanted),
        notes=(*notes, *more_notes),
    )


def _choose_functional(
    path: Path, groups: Mapping[str, Sequence[ComputedPhase]], wanted: set[str], potential: str
) -> tuple[str, list[str]]:
    """The functional whose entries are used, and notes on the others.

    Raises:
        InputError: No functional, or more than one that could be meant, has entries of all elements.
    """
    from alphacrystal.ranking._run_types import (
        UNKNOWN,
        largest_offset,
        missing_elements,
        potential_functional,
    )

    stated = [name for name in groups if name != UNKNOWN]
    if not stated:
        raise InputError(
            f"The entries of {path} state no run_type: energies of different functionals differ by several "
            'eV/atom, so set "run_type" in the parameters of each entry, or give structures (a folder of CIF '
            "files) for the potential to relax."
        )
    complete = [name for name in stated if not missing_elements(groups[name], wanted)]
    preferred = potential_functional(potential)
    if len(groups) == 1 and not complete:
        absent = missing_elements(groups[stated[0]], wanted)[0]
        raise InputError(
            f"{path} holds no entry of the element {absent}, so formation energies cannot be had from it."
        )
    if preferred in complete:
        name = preferred
    elif len(complete) == 1:
        (name,) = complete
    else:
        label = " and ".join(f"{len(phases)} {name}" for name, phases in groups.items())
        reason = "several of them have" if complete else "none of them has"
        raise InputError(
            f"{path} mixes functionals ({label} entries; {largest_offset(groups)}), and {reason} an entry of "
            "every element: keep the entries of one run_type."
        )
    notes = []
    if len(groups) > 1:
        others = sum(len(phases) for other, phases in groups.items() if other != name)
        notes.append(
            f"{path.name} mixes functionals ({largest_offset(groups)}): its {len(groups[name])} {name} "
            f"entries make the hull, the other {others} are left out."
        )
    if preferred is not None and name != preferred:
        notes.append(
            f"The hull is made of {name} energies, {potential} was trained on {preferred}: formation "
            "energies of the two differ by about 0.1 eV/atom, and the energies above hull too."
        )
    return name, notes


def _missing_elements(
    entries: Sequence[HullEntry], wanted: Iterable[str], energies: Mapping[str, float]
) -> list[HullEntry]:
    """Elements (energies in eV/atom) without an entry, or only with a less stable one."""
    lowest: dict[str, float] = {}
    for entry in entries:
        if len(entry.fractions) == 1:
            (symbol,) = entry.fractions
            lowest[symbol] = min(entry.energy, lowest.get(symbol, math.inf))
    return [
        _entry("element", {symbol: 1.0}, energies[symbol])
        for symbol in sorted(wanted)
        if symbol in energies and energies[symbol] < lowest.get(symbol, math.inf)
    ]


def _entry(name: str, counts: Mapping[str, float], energy: float) -> HullEntry:
    from alphacrystal.ranking._run_types import reduced_formula

    total = sum(counts.values())
    fractions = {symbol: amount / total for symbol, amount in counts.items()}
    return HullEntry(name, reduced_formula(counts), fractions, energy)
