"""Follow unstable phonon modes of listed structures to structures of lower symmetry and energy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from alphacrystal.pipeline.energies import relax_settings
from alphacrystal.pipeline.relaxation import Relaxed, relax_pass
from alphacrystal.ranking import MODE_OF

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.generate import Candidate
    from alphacrystal.pipeline.preflight import Request
    from alphacrystal.pipeline.store import RunStore
    from alphacrystal.ranking import RankedStructure
    from alphacrystal.relaxation import DisplacedStructure, Relaxation, Relaxer

MODES = "modes"  # pass, by its name in the checkpoint
MAX_STARTS = 8  # displaced structures of one crystal: four directions with two signs
MAX_FOLLOWED = 2  # structures of lower energy from one crystal that join the list
LEAST_GAIN = 0.001  # eV/atom below the unstable crystal


def follow_modes(
    request: Request,
    relaxed: Relaxed,
    ranked: Sequence[RankedStructure],
    store: RunStore,
    relaxer: Relaxer | None,
) -> tuple[Relaxed, list[str]]:
    """Relax the displaced structures of unstable crystals and add those of lower energy to the candidates.

    A structure joins if its relaxation converged, its energy is at least LEAST_GAIN below that of the
    unstable crystal, and it equals no listed structure. It has the log-probability of the unstable crystal,
    and its provenance names that one.

    Args:
        request: The run.
        relaxed: Its relaxed candidates.
        ranked: Its list.
        store: Has the displaced structures, and finished relaxations; new ones are added.
        relaxer: Relaxes the structures that the store lacks; with None, only finished ones are used.

    Returns:
        The candidates with the new ones at the end, and a sentence on each unstable crystal without a new
        one.
    """
    from alphacrystal.crystal import group_duplicates

    parents = {item.candidate_index: item for item in ranked}
    displaced = {index: starts for index, starts in store.displaced().items() if index in parents}
    structures = {
        parent * MAX_STARTS + number: start.structure
        for parent, starts in displaced.items()
        for number, start in enumerate(starts[:MAX_STARTS])
    }
    if not structures:
        return relaxed, _unreached(request, ranked, store)
    ends = relax_pass(store, relaxer, MODES, structures, relax_settings(request.config))
    candidates, relaxations = list(relaxed.candidates), dict(relaxed.relaxations)
    taken: list[Structure] = [item.primitive for item in ranked]
    notes = _unreached(request, ranked, store)
    for parent, starts in displaced.items():
        found = 0
        for number in _lower(parent, starts, ends, relaxed.relaxations[parent]):
            end = ends[parent * MAX_STARTS + number]
            if found == MAX_FOLLOWED or len(group_duplicates([*taken, end.structure])) == len(
                group_duplicates(taken)
            ):
                continue
            found += 1
            taken.append(end.structure)
            relaxations[len(candidates)] = end
            candidates.append(_candidate(relaxed.candidates[parent], parent, starts[number]))
        if not found:
            notes.append(f"The unstable mode of {_name(parents[parent])} leads to no new structure")
    return replace(relaxed, candidates=candidates, relaxations=relaxations), notes


def _lower(
    parent: int,
    starts: Sequence[DisplacedStructure],
    ends: dict[int, Relaxation],
    unstable: Relaxation,
) -> list[int]:
    """Numbers of the displaced structures that relaxed to an energy below the crystal's, lowest first."""
    energies: dict[int, float] = {}
    for number in range(len(starts[:MAX_STARTS])):
        end = ends.get(parent * MAX_STARTS + number)
        if end is None or not end.converged or end.energy_per_atom is None:
            continue
        if (
            unstable.energy_per_atom is not None
            and end.energy_per_atom < unstable.energy_per_atom - LEAST_GAIN
        ):
            energies[number] = end.energy_per_atom
    return sorted(energies, key=lambda number: (energies[number], number))


def _candidate(parent: Candidate, index: int, start: DisplacedStructure) -> Candidate:
    provenance = {
        **parent.provenance,
        MODE_OF: index,
        "wave_vector": [round(component, 4) for component in start.wave_vector],
        "frequency_thz": round(start.frequency_thz, 3),
        "displacement": start.amplitude,
    }
    return replace(parent, structure=start.structure, hypothesis=None, provenance=provenance)


def _unreached(request: Request, ranked: Sequence[RankedStructure], store: RunStore) -> list[str]:
    """A sentence on each unstable crystal without displaced structures."""
    from alphacrystal.relaxation import MAX_MODE_ATOMS

    phonons, displaced = store.phonons(), store.displaced()
    return [
        f"The unstable modes of {_name(item)} need cells of more than {MAX_MODE_ATOMS} atoms"
        for item in ranked[: request.config.phonons]
        if item.candidate_index in phonons
        and not phonons[item.candidate_index].stable
        and not displaced.get(item.candidate_index)
    ]


def _name(item: RankedStructure) -> str:
    return f"candidate {item.candidate_index}, {item.space_group_symbol} ({item.space_group_number}),"
