"""Put computed entries on one energy scale: one functional, MP2020 corrections where they belong."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from alphacrystal.errors import InputError, PotentialError
from alphacrystal.ranking._computed_entries import ComputedPhase

#: PBE with or without a Hubbard U; MP2020 corrections make the two one scale.
GGA = "GGA/GGA+U"
UNKNOWN = "no run_type"

_GGA_NAMES = {"GGA", "GGA+U", "GGA_U", "PBE", "PBE+U", "PBE_U"}
#: Names of stored corrections to the MP2020 scale; pymatgen gives a bare number the second or third name.
_GGA_CORRECTIONS = ("mp2020", "manual", "constant energy adjustment")
#: Names that pymatgen gives a bare number.
_UNNAMED = ("manual", "constant energy adjustment")
#: eV/atom. Stored corrections that differ from those of MP2020 by less are those of MP2020.
_SAME = 1e-3
#: eV/atom. Largest difference from MP2020 of a correction without the name of a scheme.
_UNEXPLAINED = 0.05
_OXIDE = re.compile(r"mp2020 anion correction \((oxide|peroxide|superoxide|ozonide)\)")
#: Words in the names of corrections that do not belong to a functional other than GGA: those of MP2020, of
#: the r2SCAN mixing scheme, of older and of aqueous schemes.
_OTHER_SCALES = (
    "mp2020",
    "mixing adjustment",
    "mp gas",
    "mp anion",
    "mp gga",
    "mp advanced",
    "mit ",
    "aqueous",
)


def functional(run_type: str | None) -> str:
    """The energy scale that a run type belongs to; two functionals never share one."""
    if run_type is None:
        return UNKNOWN
    name = run_type.strip().upper()
    return GGA if name in _GGA_NAMES else name


def potential_functional(potential: str) -> str | None:
    """The functional whose energies a potential reproduces; None where its package does not say."""
    from alphacrystal.relaxation import EnergyScale, energy_scale

    if energy_scale(potential) is not EnergyScale.OTHER:
        return GGA
    return "R2SCAN" if "r2scan" in potential.lower() else None


def by_functional(phases: Iterable[ComputedPhase]) -> dict[str, list[ComputedPhase]]:
    """Phases grouped by functional, the largest group first."""
    groups: dict[str, list[ComputedPhase]] = {}
    for phase in phases:
        groups.setdefault(functional(phase.run_type), []).append(phase)
    return dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])))


def missing_elements(phases: Sequence[ComputedPhase], elements: Iterable[str]) -> list[str]:
    """Elements without a phase of that element alone, sorted."""
    present = {next(iter(phase.composition)) for phase in phases if len(phase.composition) == 1}
    return sorted(set(elements) - present)


def largest_offset(groups: Mapping[str, Sequence[ComputedPhase]]) -> str:
    """How far the functionals of a file are apart, as a clause with the compound that shows it best."""
    lowest: dict[str, dict[str, float]] = {}
    for name, phases in groups.items():
        for phase in phases:
            per_atom = phase.energy / phase.atoms
            energies = lowest.setdefault(reduced_formula(phase.composition), {})
            energies[name] = min(per_atom, energies.get(name, math.inf))
    offsets = [
        (high - low, formula, low_name, high_name)
        for formula, energies in lowest.items()
        if len(energies) > 1
        for low, low_name in [min((energy, name) for name, energy in energies.items())]
        for high, high_name in [max((energy, name) for name, energy in energies.items())]
    ]
    if not offsets:
        return "energies of different functionals differ by several eV/atom"
    size, formula, low_name, high_name = max(offsets)
    low_label, high_label = (_label(name, groups[name]) for name in (low_name, high_name))
    return (
        f"{formula}: {low_label} entries lie {size:.2f} eV/atom below {high_label}; energies of different "
        "functionals differ by eV/atom"
    )


def _label(name: str, phases: Sequence[ComputedPhase]) -> str:
    if name == UNKNOWN:
        return "entries without run_type"
    return "/".join(sorted({phase.run_type for phase in phases if phase.run_type}))


def reduced_formula(composition: Mapping[str, float]) -> str:
    """Reduced formula as pymatgen writes it."""
    from pymatgen.core import Composition

    return Composition(dict(composition)).reduced_formula


def corrected_energies(phases: Sequence[ComputedPhase], name: str) -> tuple[list[float], list[str]]:
    """Energies per atom of phases of one functional, with the corrections of its scale.

    Stored corrections to another scale (MP2020 on another functional than GGA, r2SCAN mixing, schemes before
    MP2020, aqueous) are removed. Entries of GGA and GGA+U get the corrections of MP2020 where theirs are
    missing or differ.

    Args:
        phases: Of one functional.
        name: That functional, see `functional`.

    Returns:
        Energies in eV/atom, and notes on added, replaced and removed corrections.

    Raises:
        InputError: MP2020 cannot correct a phase, e.g. because its Hubbard U is not that of the scheme, or a
            phase has a correction without a name that is not that of MP2020.
    """
    energies = []
    changes: dict[str, list[tuple[float, str]]] = {"added": [], "replaced": [], "removed": []}
    for phase in phases:
        kept = [
            (label, value) for label, value in phase.corrections if _belongs(label.lower(), name) and value
        ]
        stored = math.fsum(value for _, value in kept)
        unnamed = any(label.lower().startswith(_UNNAMED) or not label for label, _ in kept)
        correction = stored
        if name == GGA:
            scheme = _mp2020(phase)
            if abs(scheme - stored) > _SAME * phase.atoms:
                correction = scheme
        formula = reduced_formula(phase.composition)
        expected = correction if name == GGA else 0.0
        if unnamed and abs(stored - expected) > _UNEXPLAINED * phase.atoms:
            meant = f"MP2020 gives {expected / phase.atoms:+.3f}" if name == GGA else f"{name} has none"
            raise InputError(
                f"The entry {phase.id} ({formula}, {phase.run_type}) has a correction of "
                f"{stored / phase.atoms:+.3f} eV/atom without the name of a scheme, and {meant}: remove the "
                "correction, or correct the entry by MP2020."
            )
        removed = math.fsum(value for _, value in phase.corrections) - stored
        if correction != stored:
            changes["replaced" if kept else "added"].append(((correction - stored) / phase.atoms, formula))
        elif removed and name != GGA:
            changes["removed"].append((removed / phase.atoms, formula))
        energies.append((phase.energy + correction) / phase.atoms)
    sentences = {
        "added": "MP2020 corrections were added to {} GGA or GGA+U entries that had none ({}).",
        "replaced": "The stored corrections of {} GGA or GGA+U entries are not those of MP2020 and were "
        "replaced (change for {}).",
        "removed": f"Corrections that do not belong to {name} were removed from {{}} entries ({{}}).",
    }
    notes = []
    for change, items in changes.items():
        if items:
            size, formula = max(items, key=lambda item: (abs(item[0]), item[1]))
            notes.append(sentences[change].format(len(items), f"{formula}: {size:+.3f} eV/atom"))
    return energies, notes


def _belongs(label: str, name: str) -> bool:
    """Whether a stored correction belongs to the scale of a functional."""
    if name == GGA:
        return not label or label.startswith(_GGA_CORRECTIONS)
    return not any(word in label for word in _OTHER_SCALES)


def _mp2020(phase: ComputedPhase) -> float:
    """MP2020 correction of a cell in eV.

    Raises:
        InputError: The scheme has none for this calculation.
    """
    from pymatgen.core import Composition
    from pymatgen.entries.computed_entries import ComputedEntry, ComputedStructureEntry

    from alphacrystal.relaxation import mp2020_correction

    parameters = {"run_type": "GGA+U" if phase.hubbards else "GGA", "hubbards": dict(phase.hubbards)}
    data = dict(phase.classes)
    oxides = [match[1] for label, _ in phase.corrections if (match := _OXIDE.search(label.lower()))]
    if oxides and phase.structure is None:
        # Without a structure only the name of the stored correction tells a peroxide from an oxide.
        data.setdefault("oxide_type", oxides[0])
    composition = Composition(phase.composition)
    entry = (
        ComputedEntry(composition, phase.energy, parameters=parameters, data=data)
        if phase.structure is None
        else ComputedStructureEntry(
            phase.structure, phase.energy, composition=composition, parameters=parameters, data=data
        )
    )
    try:
        return mp2020_correction(entry)
    except PotentialError as error:
        state = "corrections that cannot be checked" if phase.corrections else "no corrections"
        raise InputError(
            f"The entry {phase.id} ({composition.reduced_formula}, {phase.run_type}) has {state}, and "
            f"the MP2020 scheme cannot correct it: {str(error).rstrip('.')}. Give corrected entries with "
            "their hubbards, or structures (a folder of CIF files) for the potential to relax."
        ) from error
