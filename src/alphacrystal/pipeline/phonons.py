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


def add_phonons(request: Request, ranked: Sequence[RankedStructure], store: RunStore) -> None:
    """Compute the phonons of the first relaxed structures and add them to the store.

    A structure whose phonons cannot be computed is left out, with a note in the event log.

    Raises:
        InputError: phonopy is missing.
    """
    from alphacrystal.relaxation import compute_phonons, load_potential, require_phonopy

    require_phonopy()
    config = request.config
    chosen = [item for item in ranked if item.relaxation is not None and item.relaxation.converged]
    chosen = chosen[: config.phonons]
    potential = None
    for done, item in enumerate(chosen):
        store.progress(STAGE, done, len(chosen))
        if item.candidate_index in store.phonons():
            continue
        potential = potential or load_potential(config.full_potential)
        try:
            with one_torch_thread():
                result = compute_phonons(item.primitive, potential, temperature=config.temperature)
        except AlphaCrystalError as error:
            store.events.emit(STAGE, event="failed", candidate=item.candidate_index, reason=str(error))
            continue
        store.add_phonons(item.candidate_index, result)
    store.progress(STAGE, len(chosen), len(chosen))
