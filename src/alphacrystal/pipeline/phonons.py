"""Phonons of the first structures of a list; finished ones come from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alphacrystal.errors import AlphaCrystalError
from alphacrystal.runtime.torch_threads import one_torch_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alphacrystal.pipeline.preflight import Request
    from alphacrystal.pipeline.store import RunStore
    from alphacrystal.ranking import RankedStructure

STAGE = "phonons"


def add_phonons(request: Request, ranked: Sequence[RankedStructure], store: RunStore) -> list[str]:
    """Compute the phonons of the first relaxed structures and add them to the store.

    Returns:
        A sentence for each structure whose phonons cannot be computed.
    """
    from alphacrystal.relaxation import compute_phonons, load_potential

    config = request.config
    chosen = [item for item in ranked if item.relaxation is not None and item.relaxation.converged]
    chosen = chosen[: config.phonons]
    potential, notes = None, []
    for done, item in enumerate(chosen):
        store.progress(STAGE, done, len(chosen))
        if item.candidate_index in store.phonons():
            continue
        potential = potential or load_potential(config.full_potential)
        try:
            with one_torch_thread():
                result = compute_phonons(item.primitive, potential, temperature=config.temperature)
        except AlphaCrystalError as error:
            notes.append(f"No phonons of structure {item.rank}: {str(error).rstrip('.')}.")
            continue
        store.add_phonons(item.candidate_index, result)
    store.progress(STAGE, len(chosen), len(chosen))
    return notes
