"""Phonons of the first structures of a list; finished ones come from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alphacrystal.errors import AlphaCrystalError
from alphacrystal.runtime.torch_setup import one_torch_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alphacrystal.pipeline.preflight import Request
    from alphacrystal.pipeline.store import RunStore
    from alphacrystal.ranking import RankedStructure

STAGE = "phonons"


def add_phonons(
    request: Request, ranked: Sequence[RankedStructure], store: RunStore, *, displace: bool = False
) -> list[str]:
    """Compute the phonons of the first relaxed structures and add them to the store.

    Args:
        request: The run.
        ranked: Its list.
        store: Finished phonons; new ones are added.
        displace: Also store structures displaced along the unstable modes.

    Returns:
        A sentence for each structure whose phonons cannot be computed.
    """
    from alphacrystal.relaxation import (
        displaced_structures,
        harmonic_crystal,
        load_potential,
        phonons_of,
    )

    config = request.config
    chosen = [item for item in ranked if item.relaxation is not None and item.relaxation.converged]
    chosen = chosen[: config.phonons]
    potential, notes = None, []
    for done, item in enumerate(chosen):
        store.progress(STAGE, done, len(chosen))
        if item.candidate_index in store.phonons():
            continue
        potential = potential or load_potential(config.full_potential, config.device)
        try:
            with one_torch_thread():
                harmonic = harmonic_crystal(item.primitive, potential)
                result = phonons_of(harmonic, temperature=config.temperature)
                displaced = displaced_structures(harmonic, potential) if displace else []
        except AlphaCrystalError as error:
            notes.append(f"No phonons of structure {item.rank}: {str(error).rstrip('.')}.")
            continue
        if displaced:
            store.add_displaced(item.candidate_index, displaced)
        store.add_phonons(item.candidate_index, result)  # last: it marks the structure as finished
    store.progress(STAGE, len(chosen), len(chosen))
    return notes
