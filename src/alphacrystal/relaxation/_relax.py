"""Relaxation of a list of structures in this process, in groups that do not depend on the workers."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Container, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from alphacrystal.crystal import StructureLike, as_structures
from alphacrystal.relaxation._checked import Guard, enthalpy_checked, starting_crystal
from alphacrystal.relaxation._engine import RelaxationEngine
from alphacrystal.relaxation._memory import on_accelerator
from alphacrystal.relaxation._potential import EnergyModel, Potential, check_elements
from alphacrystal.relaxation._relaxation import OnResult, Relaxation, RelaxationStatus
from alphacrystal.relaxation._settings import RelaxSettings
from alphacrystal.runtime.torch_setup import one_torch_thread

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Largest group of structures that are relaxed side by side; larger ones gain little and delay results.
GROUP_SIZE = 8

#: The same on an accelerator, which larger batches occupy better; `within_memory` divides them by atoms.
ACCELERATOR_GROUP_SIZE = 64


def fixed_groups(count: int, batch_size: int, finished: Container[int] = ()) -> list[tuple[int, ...]]:
    """Divide structures into groups that are relaxed side by side, each group for itself.

    Single precision rounds differently in batches of other structures, up to 3e-4 eV/atom after a relaxation.
    The groups therefore depend on nothing but ``count`` and ``batch_size``: not on the number of workers, not
    on which structure finishes first, and not on the finished part of an interrupted run.

    Args:
        count: Number of structures.
        batch_size: Most structures that the potential evaluates together, see `batch_size`.
        finished: Indices with a result; groups in which every structure has one are left out.

    Returns:
        Consecutive indices, at least two groups where there are two structures or more.
    """
    size = max(1, min(batch_size, math.ceil(count / 2)))
    groups = [tuple(range(count)[start : start + size]) for start in range(0, count, size)]
    return [group for group in groups if any(index not in finished for index in group)]


def batch_size(potential: object) -> int:
    """Most structures that a potential evaluates together.

    Its ``batch_size``, at most `GROUP_SIZE` on a CPU and `ACCELERATOR_GROUP_SIZE` on an accelerator.
    """
    most = ACCELERATOR_GROUP_SIZE if on_accelerator(potential) else GROUP_SIZE
    size = getattr(potential, "batch_size", most)
    return max(1, min(size, most)) if isinstance(size, int) else most


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


def single_point(
    model: EnergyModel, structure: Structure, settings: RelaxSettings, guard: Guard = nullcontext
) -> Relaxation:
    """The energy of a structure as it is, as the result of a relaxation without a step.

    For models without forces; see `RelaxationEngine` with ``max_steps`` 0 for potentials.
    """
    begin = time.thread_time()
    crystal = starting_crystal(structure, settings)
    if isinstance(crystal, str):
        return Relaxation.failed(structure, crystal)
    energy, reason = enthalpy_checked(model, crystal, settings, guard)
    if not math.isfinite(energy):
        return Relaxation.failed(structure, reason or f"{model.name} gives it no energy")
    status, seconds = RelaxationStatus.STEP_LIMIT, time.thread_time() - begin
    end = crystal.to_structure()
    return Relaxation(end, status, "not converged in 0 steps", energy, None, None, 0, seconds)


def one_thread() -> AbstractContextManager[None]:
    """One torch thread where torch is in use; potentials without torch need not wait for its import."""
    return one_torch_thread() if "torch" in sys.modules else nullcontext()
