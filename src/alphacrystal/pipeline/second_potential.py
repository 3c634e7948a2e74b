"""Energies of the listed structures by a second potential; finished ones come from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from alphacrystal.pipeline.dispersion import takes_dispersion
from alphacrystal.pipeline.energies import relax_settings
from alphacrystal.pipeline.relaxation import relax_pass

if TYPE_CHECKING:
    from alphacrystal.pipeline.preflight import Request
    from alphacrystal.pipeline.store import RunStore
    from alphacrystal.ranking import RankedStructure
    from alphacrystal.relaxation import Relaxation, Relaxer

RERANK = "rerank"  # name of the pass in the checkpoint
DISAGREEMENT = 0.1  # eV/atom, difference of relative energies that is flagged


def compute_second_energies(
    request: Request, ranked: Sequence[RankedStructure], store: RunStore, shared: Relaxer | None = None
) -> None:
    """Compute the energies of the listed structures that the store lacks, and add them to it.

    The structures of the list are evaluated as they are, or relaxed for ``rerank_steps`` steps. A second
    potential of PBE data has the dispersion of the run.

    Args:
        request: The run; it names the second potential.
        ranked: The list.
        store: Finished energies; new ones are added.
        shared: Relaxer of the second potential to use instead of a new one; it stays open.

    Raises:
        PotentialError: The second potential cannot be loaded.
    """
    from alphacrystal.relaxation import EnergyScale, RelaxPool, energy_scale

    config = request.config
    assert config.rerank is not None
    structures = {item.candidate_index: item.primitive for item in ranked}
    if structures.keys() <= store.relaxations(RERANK).keys():
        return
    settings = relax_settings(config, dispersion=takes_dispersion(config.rerank))
    settings = settings.model_copy(update={"max_steps": config.rerank_steps})
    if shared is not None:
        relax_pass(store, shared, RERANK, structures, settings)
        return
    without_forces = energy_scale(config.rerank) is EnergyScale.FORMATION
    with RelaxPool(
        config.rerank,
        workers=config.workers,
        method="energy" if not config.rerank_steps else "bayesian" if without_forces else "gradient",
        seed=config.seed,
        device=config.device,
    ) as pool:
        relax_pass(store, pool, RERANK, structures, settings)


def with_second_energies(
    request: Request, ranked: Sequence[RankedStructure], store: RunStore
) -> tuple[list[RankedStructure], list[str]]:
    """The list with the finished energies of the second potential, and notes on those that failed.

    The order of the list stays.
    """
    from alphacrystal.ranking import EnergyReference, SecondEnergy

    config = request.config
    assert config.rerank is not None
    finished = store.relaxations(RERANK)
    energies = _energies(ranked, finished)
    dispersed = config.dispersion == "d3" and takes_dispersion(config.rerank)
    name = f"{config.rerank}+d3" if dispersed else config.rerank
    reference = EnergyReference(name, config.pressure)
    lowest = min(energies.values(), default=0.0)
    ranks = {index: place for place, index in enumerate(sorted(energies, key=lambda i: (energies[i], i)), 1)}
    disagreeing = _disagreeing(ranked, energies)
    listed = [
        item
        if (energy := energies.get(item.candidate_index)) is None
        else replace(
            item,
            flags=(*item.flags, *(("disagreement",) if item.candidate_index in disagreeing else ())),
            second=SecondEnergy(
                potential=name,
                energy_per_atom=energy,
                above_lowest=energy - lowest,
                energy_rank=ranks[item.candidate_index],
                formation_energy_per_atom=reference.formation_energy(item.primitive, energy),
            ),
        )
        for item in ranked
    ]
    failed = [
        finished[item.candidate_index]
        for item in ranked
        if item.candidate_index in finished and item.candidate_index not in energies
    ]
    if not failed:
        return listed, []
    reason = " ".join(failed[0].reason.split()).rstrip(".")
    note = f"{name} gives no energy of {len(failed)} of {len(ranked)} listed structures ({reason})."
    return listed, [note]


def _disagreeing(ranked: Sequence[RankedStructure], energies: Mapping[int, float]) -> set[int]:
    """Structures whose difference between the two energies is far from its median in the list."""
    differences = {
        item.candidate_index: energy - energies[item.candidate_index]
        for item in ranked
        if item.candidate_index in energies
        and item.relaxation is not None
        and (energy := item.relaxation.energy_per_atom) is not None
    }
    if not differences:
        return set()
    middle = median(differences.values())
    return {index for index, value in differences.items() if abs(value - middle) > DISAGREEMENT}


def _energies(ranked: Sequence[RankedStructure], finished: Mapping[int, Relaxation]) -> dict[int, float]:
    """Usable energies in eV/atom of listed structures, by number of the candidate."""
    return {
        item.candidate_index: energy
        for item in ranked
        if (relaxation := finished.get(item.candidate_index)) is not None
        and relaxation.usable
        and (energy := relaxation.energy_per_atom) is not None
    }
