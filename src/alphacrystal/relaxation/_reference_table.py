"""Builds the table of elemental energies that formation energies are measured against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from alphacrystal.relaxation._checked import evaluate_structures
from alphacrystal.relaxation._potential import Potential
from alphacrystal.relaxation._relax import relax
from alphacrystal.relaxation._relaxation import Relaxation
from alphacrystal.relaxation._settings import RelaxSettings
from alphacrystal.typing import StageProgress

if TYPE_CHECKING:
    from pymatgen.core import Structure

SETTINGS = RelaxSettings(fmax=0.05, max_steps=500, time_limit_s=600)

#: The potentials, like PBE, hardly bind molecules and chains to each other, and some entries of the halogens,
#: O, N and Se swell by half or more. Beyond this change of volume the energy at the entry's geometry counts.
VOLUME_CHANGE = 0.25

#: A crystal that DFT has relaxed gains less than this (eV/atom) when relaxed again; more is a hole in the
#: potential (SevenNet-0 sees one 5 eV/atom deep beside plutonium's ground state).
DEEPEST_FALL = 0.5

_PACKAGES = {"chgnet": "chgnet", "sevennet": "sevenn", "m3gnet": "matgl"}


def reference_table(
    crystals: Sequence[tuple[str, Structure]],
    potential: Potential,
    on_progress: StageProgress | None = None,
    note: str | None = None,
) -> dict[str, Any]:
    """Lowest energy per atom of each element among its crystals, relaxed with the potential.

    Args:
        crystals: Identifiers and structures; compounds and elements the potential does not know are left out.
        potential: Whose energies are wanted.
        on_progress: Called with elements done and in total.
        note: Where the crystals come from, for the table.

    Returns:
        The file of `alphacrystal data references`: energies and identifiers without structures.
    """
    entries: dict[str, list[tuple[str, Structure]]] = defaultdict(list)
    for identifier, structure in crystals:
        symbols = {element.symbol for element in structure.composition.elements}
        if len(symbols) == 1 and symbols <= potential.supported_elements:
            entries[symbols.pop()].append((identifier, structure))
    elements = {}
    for done, (symbol, own) in enumerate(sorted(entries.items())):
        if on_progress is not None:
            on_progress(done, len(entries))
        elements[symbol] = _lowest(own, potential)
    family = potential.name.partition(":")[0].partition("-")[0]
    return {
        "potential": potential.name,
        "unit": "eV/atom",
        "method": "Relaxed with the potential; lowest energy per element. Where that changes the volume by "
        f"more than {VOLUME_CHANGE:.0%} or gains more than {DEEPEST_FALL:g} eV/atom, the energy at the "
        "geometry of the entry counts",
        **({} if note is None else {"crystals": note}),
        "fmax_ev_per_a": SETTINGS.fmax,
        "versions": _versions(_PACKAGES.get(family)),
        "elements": elements,
    }


def _lowest(crystals: Sequence[tuple[str, Structure]], potential: Potential) -> Mapping[str, Any]:
    structures = [structure for _, structure in crystals]
    starts = evaluate_structures(potential, structures).energies
    ends = relax(structures, potential, SETTINGS)
    (energy, relaxed), identifier, end = min(
        (
            (_energy(float(energy) / len(structure), structure, end), identifier, end)
            for (identifier, structure), energy, end in zip(crystals, starts, ends, strict=True)
        ),
        key=lambda entry: entry[0][0],
    )
    _, number = end.structure.get_space_group_info(symprec=0.1)
    return {
        "energy_per_atom": round(energy, 5),
        "material": identifier,
        "space_group": number,
        "relaxed": relaxed,
        "candidates": len(crystals),
    }


def _energy(start_energy: float, start: Structure, end: Relaxation) -> tuple[float, bool]:
    """Energy per atom of an entry, and whether it is the relaxed one."""
    energy = end.energy_per_atom
    kept = abs(end.structure.volume / start.volume - 1) <= VOLUME_CHANGE
    if end.converged and energy is not None and kept and start_energy - energy <= DEEPEST_FALL:
        return energy, True
    return start_energy, False


def _versions(package: str | None) -> dict[str, str]:
    try:
        return {} if package is None else {package: version(package)}
    except PackageNotFoundError:
        return {}
