"""Phases of finished predictions, of the table of known phases and of the elemental references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.composition import parse_formula
from alphacrystal.config import PredictConfig
from alphacrystal.exploration._hull import KNOWN, PREDICTED, REFERENCE, Phase, row_facts
from alphacrystal.exploration._system import ChemicalSystem, plain_formula

if TYPE_CHECKING:
    from alphacrystal.report import RunSummary, SummaryRow

POLYMORPHS = 5  # phases of one formula at most
WINDOW = 0.05  # eV/atom above the lowest phase of the formula
SAME_ENERGY = 0.003  # eV/atom between a known phase and the predicted phase that is it


def phases_of_run(run: RunSummary, folder: Path, config: PredictConfig) -> list[Phase]:
    """The low phases of a prediction, the lowest first, and the one that explains a measured pattern best.

    Args:
        run: A finished prediction.
        folder: Folder of the exploration.
        config: Settings of the exploration.
    """
    counts = parse_formula(run.formula).counts
    converged = [row for row in run.rows if row.converged]
    found: list[tuple[float, SummaryRow]] = []
    for row in converged or run.rows:
        energy = _energy(row, run.folder, config)
        if energy is not None:
            found.append((energy, row))
    found.sort(key=lambda item: (item[0], item[1].rank))
    lowest = next((energy for energy, row in found if "unknown" not in row.flags.split()), None)
    if lowest is None and found:
        lowest = found[0][0]
    name = run.folder.relative_to(folder).as_posix()
    low = [item for item in found if lowest is not None and item[0] <= lowest + WINDOW][:POLYMORPHS]
    compared = [item for item in found if item[1].unexplained_peaks is not None]
    if compared and (first := min(compared, key=lambda item: item[1].rank)) not in low:
        low.append(first)
    return [
        Phase(
            counts=counts,
            energy_per_atom_ev=energy,
            source=PREDICTED,
            r_wp=row.r_wp,
            folder=name,
            file=row.file,
            **row_facts(row),
        )
        for energy, row in low
    ]


def _energy(row: SummaryRow, folder: Path, config: PredictConfig) -> float | None:
    """Energy (enthalpy) of a row in eV/atom, with the corrections that its scale needs."""
    from alphacrystal.ranking import EnergyReference
    from alphacrystal.relaxation import EnergyScale, energy_scale

    energy = row.energy_or_enthalpy_ev
    if energy is None or energy_scale(config.potential) is not EnergyScale.MP_RAW:
        return energy
    from alphacrystal.data import read_structures

    (structure,) = read_structures(folder / row.file)
    return EnergyReference(config.potential).corrected_energy(structure, energy)


def reference_phases(system: ChemicalSystem, config: PredictConfig, pressure_gpa: float) -> list[Phase]:
    """The elements with the potential's reference energies; empty under pressure and with dispersion.

    Raises:
        InputError: The file of references cannot be read.
    """
    from alphacrystal.relaxation import elemental_references, read_references

    if pressure_gpa != 0 or config.dispersion == "d3":
        return []
    energies: Mapping[str, float] = (
        read_references(config.references, config.potential)
        if config.references
        else elemental_references(config.potential) or {}
    )
    return [
        Phase({symbol: 1}, energies[symbol], REFERENCE) for symbol in system.elements if symbol in energies
    ]


def known_phases_of_system(system: ChemicalSystem, config: PredictConfig, pressure_gpa: float) -> list[Phase]:
    """The lowest known phase of each compound in the shipped table; empty under pressure."""
    from alphacrystal.pipeline.energies import known_phases_of

    settings = config.model_copy(update={"pressure": pressure_gpa})
    if config.dispersion == "d3":
        return []
    lowest: dict[str, Phase] = {}
    for known in known_phases_of(system.elements, settings) or ():
        counts = parse_formula(known.formula).counts
        name = plain_formula(counts)
        if len(counts) > 1 and (name not in lowest or known.energy < lowest[name].energy_per_atom_ev):
            group = known.label.partition(":")[0]
            lowest[name] = Phase(
                counts,
                known.energy,
                KNOWN,
                space_group_number=int(group) if group.isdigit() else None,
                known=known.id,
            )
    return list(lowest.values())


def distinct(phases: Sequence[Phase]) -> list[Phase]:
    """Phases without those that both levels of a search found; the lowest stays.

    Two phases are the same if formula, space group and number of atoms are equal and their energies differ by
    less than SAME_ENERGY.
    """
    kept: dict[tuple[object, ...], list[Phase]] = {}
    for phase in sorted(phases, key=lambda item: item.energy_per_atom_ev):
        others = kept.setdefault((phase.formula, phase.space_group_number, phase.n_atoms), [])
        if not any(phase.energy_per_atom_ev - other.energy_per_atom_ev < SAME_ENERGY for other in others):
            others.append(phase)
    return [phase for group in kept.values() for phase in group]


def missing_known(known: Sequence[Phase], predicted: Sequence[Phase]) -> list[Phase]:
    """Known phases whose structures no prediction has: those that are lower than all predictions."""
    lowest: dict[str, float] = {}
    found = {phase.known for phase in predicted}
    for phase in predicted:
        energy = lowest.get(phase.formula, phase.energy_per_atom_ev)
        lowest[phase.formula] = min(energy, phase.energy_per_atom_ev)
    return [
        phase
        for phase in known
        if phase.known not in found
        and phase.energy_per_atom_ev < lowest.get(phase.formula, float("inf")) - SAME_ENERGY
    ]
