"""Relaxation of a list of structures in this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from alphacrystal.crystal import StructureLike, as_structures
from alphacrystal.relax._engine import RelaxationEngine
from alphacrystal.relax._potential import Potential, check_elements
from alphacrystal.relax._relaxation import Relaxation
from alphacrystal.relax._settings import RelaxSettings

#: Structures evaluated side by side; more gains little and delays the first results.
BATCH = 16

OnResult = Callable[[int, Relaxation], None]


def relax(
    structures: Sequence[StructureLike],
    potential: Potential,
    settings: RelaxSettings | None = None,
    *,
    on_result: OnResult | None = None,
) -> list[Relaxation]:
    """Relax atoms and cells of ordered structures, keeping their space groups.

    Args:
        structures: Ordered crystals, pymatgen Structures or ASE Atoms; primitive cells are cheapest.
        potential: What gives energies, forces and stresses.
        settings: Limits and options; defaults of `RelaxSettings` where None.
        on_result: Called with (index, result) as soon as each structure is done.

    Returns:
        One result per structure, in order. A structure that cannot be relaxed says why in its own result.

    Raises:
        InputError: A structure holds an element the potential does not know.
    """
    crystals = as_structures(structures)
    check_elements(crystals, potential)
    engine = RelaxationEngine(potential, settings or RelaxSettings())
    waiting = deque(enumerate(crystals))
    results: dict[int, Relaxation] = {}
    while waiting or engine.active:
        while waiting and engine.active < BATCH:
            engine.add(*waiting.popleft())
        for index, result in engine.step():
            results[index] = result
            if on_result is not None:
                on_result(index, result)
    return [results[i] for i in range(len(crystals))]
