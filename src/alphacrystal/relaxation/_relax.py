"""Relaxation of a list of structures in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from alphacrystal.crystal import StructureLike, as_structures
from alphacrystal.relaxation._engine import RelaxationEngine
from alphacrystal.relaxation._groups import batch_size, fixed_groups
from alphacrystal.relaxation._potential import Potential, check_elements
from alphacrystal.relaxation._relaxation import Relaxation
from alphacrystal.relaxation._settings import RelaxSettings
from alphacrystal.runtime.torch_threads import one_torch_thread

OnResult = Callable[[int, Relaxation], None]


def relax(
    structures: Sequence[StructureLike],
    potential: Potential,
    settings: RelaxSettings | None = None,
    *,
    finished: Mapping[int, Relaxation] | None = None,
    on_result: OnResult | None = None,
) -> list[Relaxation]:
    """Relax atoms and cells of ordered structures, keeping their space groups.

    torch works on one thread meanwhile: results and processor time then do not depend on the number of
    processors. A potential that hangs cannot be stopped in this process; `RelaxPool` can stop it.

    Args:
        structures: Ordered crystals, pymatgen Structures or ASE Atoms; primitive cells are cheapest.
        potential: Potential of energies, forces and stresses.
        settings: Limits and options; defaults of `RelaxSettings` where None.
        finished: Results of an interrupted call with the same structures, by index. They are returned
            unchanged; the others get the results of an uninterrupted call, bit for bit.
        on_result: Called with (index, result) as soon as each structure that is not in ``finished`` is done.

    Returns:
        One result per structure, in order. The result of a failed structure has the reason.

    Raises:
        InputError: A structure holds an element the potential does not know.
    """
    crystals = as_structures(structures)
    check_elements(crystals, potential)
    results = dict(finished or {})
    with one_thread():
        for group in fixed_groups(len(crystals), batch_size(potential), results):
            engine = RelaxationEngine(potential, settings or RelaxSettings())
            for index in group:
                engine.add(index, crystals[index])
            while engine.active:
                for index, result in engine.step():
                    if index in results:  # relaxed again for its companions' sake
                        continue
                    results[index] = result
                    if on_result is not None:
                        on_result(index, result)
    return [results[i] for i in range(len(crystals))]


def one_thread() -> AbstractContextManager[None]:
    """One torch thread where torch is in use; potentials without torch need not wait for its import."""
    return one_torch_thread() if "torch" in sys.modules else nullcontext()
