"""Steps 2 and 3 of the pipeline: relaxation of the candidates, and energies of a hull without energies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from alphacrystal.generate import Candidate
from alphacrystal.pipeline.candidate_copies import (
    MEASURED_CELL_COPY,
    UNRELAXED_COPY,
    measured_cell_copies,
    unrelaxed_copies,
)
from alphacrystal.pipeline.energies import relax_settings, with_hull_energies

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.pipeline.preflight import Request
    from alphacrystal.pipeline.store import RunStore
    from alphacrystal.ranking import EnergyReference
    from alphacrystal.relaxation import Relaxation, Relaxer, RelaxSettings

PRESCREEN_WINDOW = 0.5  # eV/atom above the best of the loose pass; beyond it, only listed structures
BULK_CONSTANT = 1000.0  # GPa Å³/atom: bulk modulus times volume per atom
BULK_DERIVATIVE = 4.0
RESERVE = 5  # structures beyond the list in the tight pass, because relaxation merges and reorders
#: Passes, by their names in the checkpoint.
LOOSE, TIGHT, UNRELAXED, IN_CELL = "loose", "tight", "unrelaxed", "measured cell"


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The candidates of a run with their relaxations.

    Attributes:
        candidates: Those of the generators, then the copies that are unrelaxed or keep a measured cell.
        relaxations: Last usable relaxation by number of the candidate.
        duplicates: Number of the equal candidate that represents a candidate, by number of the latter.
        plain_energies: eV/atom without dispersion by number of the candidate; None in a run without it.
    """

    candidates: Sequence[Candidate]
    relaxations: Mapping[int, Relaxation] = field(default_factory=dict)
    duplicates: Mapping[int, int] = field(default_factory=dict)
    plain_energies: Mapping[int, float] | None = None


def relax_candidates(
    request: Request, candidates: Sequence[Candidate], store: RunStore, relaxer: Relaxer | None
) -> Relaxed:
    """Relax in two passes: loosely all distinct candidates, tightly the distinct and promising ones.

    Likely candidates that relax into a different structure are kept unrelaxed too. Not so
    under pressure, where the generated volumes are not those of the crystals. With a powder pattern, likely
    candidates whose cell the relaxation changes much are also relaxed in the cell that indexes the pattern.

    Args:
        request: The run.
        candidates: Candidates of the generators.
        store: Finished relaxations; new ones are added.
        relaxer: Relaxes the candidates that the store lacks; with None, the result holds finished ones only.
    """
    from alphacrystal.crystal import group_duplicates
    from alphacrystal.ranking import SEED, likely_order

    config = request.config
    settings = relax_settings(config)
    duplicates: dict[int, int] = {}
    groups = group_duplicates([candidate.structure for candidate in candidates])
    for group in groups:
        duplicates.update(dict.fromkeys(group[1:], group[0]))
    starts = {group[0]: compressed(candidates[group[0]].structure, config.pressure) for group in groups}
    if config.relaxation == "bayesian":  # its cost is set by the number of parameters: one pass
        tight = relax_pass(store, relaxer, TIGHT, starts, settings)
        return Relaxed(candidates, _last_usable(tight=tight), duplicates)
    loose = relax_pass(store, relaxer, LOOSE, starts, relax_settings(config, loose=True))
    if len(loose) < len(starts):
        return Relaxed(candidates, _last_usable(loose), duplicates)
    energies = {i: r.energy_per_atom for i, r in loose.items() if r.usable and r.energy_per_atom is not None}
    order = sorted(energies, key=lambda i: (energies[i], i))
    leaders = []
    for equal in group_duplicates([loose[i].structure for i in order]):
        members = sorted(order[k] for k in equal)  # the first is the most probable
        duplicates.update(dict.fromkeys(members[1:], members[0]))
        leaders.append(members[0])
    likely = likely_order(candidates, {i: loose[i] for i in leaders}, pressure_gpa=config.pressure)
    survivors = set(likely[: config.top + RESERVE])
    survivors |= {i for i in leaders if energies[i] - energies[order[0]] < PRESCREEN_WINDOW}
    survivors |= {i for i in leaders if candidates[i].generator == SEED}
    chosen = {i: loose[i].structure for i in sorted(survivors)}
    tight = relax_pass(store, relaxer, TIGHT, chosen, settings)
    relaxations = _last_usable(loose, tight)
    if len(tight) < len(chosen):
        return Relaxed(candidates, relaxations, duplicates)
    if config.pressure != 0:
        return Relaxed(candidates, relaxations, duplicates)
    copies = unrelaxed_copies(candidates, relaxations, starts)
    numbered = {len(candidates) + index: copy.structure for index, copy in enumerate(copies)}
    unrelaxed = relax_pass(store, relaxer, UNRELAXED, numbered, settings.model_copy(update={"max_steps": 0}))
    candidates = [*candidates, *copies]
    if request.peaks is None:
        return Relaxed(candidates, _last_usable(loose, tight, unrelaxed), duplicates)
    copies = measured_cell_copies(candidates, relaxations, starts)
    numbered = {len(candidates) + index: copy.structure for index, copy in enumerate(copies)}
    in_cell = relax_pass(store, relaxer, IN_CELL, numbered, settings.model_copy(update={"relax_cell": False}))
    return Relaxed([*candidates, *copies], _last_usable(loose, tight, unrelaxed, in_cell), duplicates)


def compressed(structure: Structure, pressure_gpa: float) -> Structure:
    """A structure of zero pressure, scaled to the volume that its equation of state gives under pressure.

    Murnaghan's equation (doi:10.1073/pnas.30.9.244) with the bulk modulus BULK_CONSTANT / (volume per atom)
    of Anderson and Nafe (doi:10.1029/JZ070i016p03951) and its pressure derivative BULK_DERIVATIVE.
    """
    if pressure_gpa <= 0:
        return structure
    modulus = BULK_CONSTANT / (structure.volume / len(structure))  # GPa
    factor = (1 + BULK_DERIVATIVE * pressure_gpa / modulus) ** (-1 / BULK_DERIVATIVE)
    scaled = structure.copy()
    scaled.scale_lattice(structure.volume * factor)
    return scaled


def relax_pass(
    store: RunStore,
    relaxer: Relaxer | None,
    name: str,
    structures: Mapping[int, Structure],
    settings: RelaxSettings,
) -> dict[int, Relaxation]:
    """Relaxations of one pass by number of the candidate; finished ones come from the store.

    Args:
        store: Finished relaxations; new ones are added.
        relaxer: Relaxes the structures that the store lacks; with None, only finished ones are returned.
        name: LOOSE, TIGHT, UNRELAXED or IN_CELL.
        structures: Starting structures by number of the candidate.
        settings: Limits of the pass.
    """
    stored = store.relaxations(name)
    indices = sorted(structures)
    finished = {position: stored[index] for position, index in enumerate(indices) if index in stored}
    if relaxer is None:
        return {indices[position]: relaxation for position, relaxation in finished.items()}
    if not indices:
        return {}
    done = len(finished)
    stage = f"relax ({name})"
    store.progress(stage, done, len(indices))

    def on_result(position: int, relaxation: Relaxation) -> None:
        nonlocal done
        done += 1
        store.add_relaxation(name, indices[position], relaxation)
        store.progress(stage, done, len(indices))

    starts = [structures[index] for index in indices]
    relaxations = relaxer.relax(starts, settings, finished=finished, on_result=on_result)
    return dict(zip(indices, relaxations, strict=True))


def _last_usable(
    loose: Mapping[int, Relaxation] | None = None,
    tight: Mapping[int, Relaxation] | None = None,
    unrelaxed: Mapping[int, Relaxation] | None = None,
    in_cell: Mapping[int, Relaxation] | None = None,
) -> dict[int, Relaxation]:
    """The relaxations of the last pass that left a usable structure.

    A structure that converged in the loose pass only has not reached the force limit, an unrelaxed copy
    was not relaxed, and a copy in a measured cell has stress: all are marked as unconverged, with the reason.
    """
    from alphacrystal.relaxation import RelaxationStatus

    unconverged = RelaxationStatus.STEP_LIMIT
    result: dict[int, Relaxation] = {}
    for index, relaxation in (loose or {}).items():
        if relaxation.converged:
            reason = "relaxed only loosely: far above the best structure, or not reached yet"
            relaxation = replace(relaxation, status=unconverged, reason=reason)
        result[index] = relaxation
    for index, relaxation in (tight or {}).items():
        if relaxation.usable or index not in result:
            result[index] = relaxation
    for copies, reason in ((unrelaxed, UNRELAXED_COPY), (in_cell, MEASURED_CELL_COPY)):
        for index, relaxation in (copies or {}).items():
            if relaxation.usable:
                relaxation = replace(relaxation, status=unconverged, reason=reason)
            result[index] = relaxation
    return result


def complete_hull(
    request: Request, reference: EnergyReference | None, store: RunStore, relaxer: Relaxer
) -> EnergyReference | None:
    """The energy reference with energies for the phases of its hull that have none."""
    if reference is None or reference.hull is None or not reference.hull.structures:
        return reference
    with store.stage("hull"):
        return with_hull_energies(
            reference, request.config, relaxer, lambda done, total: store.progress("hull", done, total)
        )
