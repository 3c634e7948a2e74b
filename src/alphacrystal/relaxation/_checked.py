"""Checks during a relaxation: impossible geometries, and evaluations that fail, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.crystal import Crystal, identity_symmetry, symmetrise_crystal
from alphacrystal.relaxation._memory import (
    is_out_of_memory,
    lower_limit,
    memory_reason,
    release_memory,
    within_memory,
)
from alphacrystal.relaxation._potential import (
    EV_PER_A3_IN_GPA,
    CrystalPotential,
    EnergyModel,
    Evaluation,
    Potential,
)
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.relaxation._settings import RelaxSettings

#: Entered around each call of a potential: the limits of a worker process.
Guard = Callable[[], AbstractContextManager[object]]

#: What a potential may raise; a library that calls ``sys.exit`` must not end the run.
_RAISED = (Exception, SystemExit)

_LONGEST_REASON = 200

#: Atoms closer than this (Å) have fused: shorter than any chemical bond (H2 is 0.74 Å).
_FUSED = 0.5

#: A cell whose volume leaves this range around its start has collapsed or flown apart.
_VOLUME_RANGE = (0.2, 5.0)


class _AnswerError(Exception):
    """An answer that violates the protocol."""


def evaluate_checked(
    potential: Potential, crystals: Sequence[Crystal], guard: Guard = nullcontext
) -> Evaluation:
    """Energies, forces and stresses in float64 and in the shapes of `Evaluation`.

    Where the potential runs out of memory for several crystals, they are evaluated in smaller batches. Where
    it raises or returns something else, each is evaluated alone. A crystal for which it fails alone has the
    reason in ``failures`` and NaN in the arrays.
    """
    batches = within_memory(potential, crystals)
    if len(batches) > 1:
        return joined([evaluate_checked(potential, batch, guard) for batch in batches])
    try:
        with guard():
            return _checked_evaluation(_evaluate(potential, crystals), crystals)
    except _RAISED as error:
        lacks_memory = is_out_of_memory(error)
        reason = _reason(potential.name, error)
    if lacks_memory:
        release_memory()
        reason = memory_reason(potential.name, len(crystals[0]))
    if len(crystals) == 1:
        return _failed_evaluation(crystals[0], reason)
    if lacks_memory:
        lower_limit(potential, crystals)
        return evaluate_checked(potential, crystals, guard)
    return joined([evaluate_checked(potential, [crystal], guard) for crystal in crystals])


def evaluate_structures(potential: Potential, structures: Sequence[Structure]) -> Evaluation:
    """As `evaluate_checked`, for structures."""
    return evaluate_checked(potential, [Crystal.from_structure(structure) for structure in structures])


def joined(evaluations: Sequence[Evaluation]) -> Evaluation:
    """One evaluation of the crystals of several."""
    return Evaluation(
        energies=np.concatenate([part.energies for part in evaluations]),
        forces=[forces for part in evaluations for forces in part.forces],
        stresses=np.concatenate([part.stresses for part in evaluations]),
        failures=tuple(failure for part in evaluations for failure in part.failures),
    )


def energies_checked(
    model: EnergyModel, structures: Sequence[Structure], guard: Guard = nullcontext
) -> tuple[FloatArray, list[str]]:
    """Energies in eV/atom, shape (n,), and why an energy is NaN ("" where the model does not say).

    Where the model runs out of memory for several structures, they are evaluated in smaller batches. Where
    it raises or returns another shape, each is evaluated alone.
    """
    if not structures:
        return np.zeros(0), []
    batches = within_memory(model, structures)
    if len(batches) > 1:
        return _joined_energies(model, batches, guard)
    try:
        with guard():
            answer = model.energies_per_atom(structures)
        return _numbers(answer, (len(structures),), "energies"), [""] * len(structures)
    except _RAISED as error:
        lacks_memory = is_out_of_memory(error)
        reason = _reason(model.name, error)
    if lacks_memory:
        release_memory()
        reason = memory_reason(model.name, len(structures[0]))
    if len(structures) == 1:
        return np.full(1, np.nan), [reason]
    if lacks_memory:
        lower_limit(model, structures)
        return energies_checked(model, structures, guard)
    return _joined_energies(model, [[structure] for structure in structures], guard)


def _joined_energies(
    model: EnergyModel, batches: Sequence[Sequence[Structure]], guard: Guard
) -> tuple[FloatArray, list[str]]:
    parts = [energies_checked(model, batch, guard) for batch in batches]
    return np.concatenate([energies for energies, _ in parts]), [text for _, texts in parts for text in texts]


def _evaluate(potential: Potential, crystals: Sequence[Crystal]) -> Evaluation:
    if isinstance(potential, CrystalPotential):
        return potential.evaluate_crystals(crystals)
    return potential.evaluate([crystal.to_structure() for crystal in crystals])


def _checked_evaluation(answer: Any, crystals: Sequence[Crystal]) -> Evaluation:
    if answer is None:
        raise _AnswerError("returned None instead of an Evaluation")
    count = len(crystals)
    failures = tuple(answer.failures)
    for name, values in (("forces", answer.forces), ("failures", failures)):
        if len(values) != count:
            raise _AnswerError(f"returned {len(values)} {name} for {count} structures")
    return Evaluation(
        energies=_numbers(answer.energies, (count,), "energies"),
        forces=[
            _numbers(forces, (len(crystal), 3), "forces")
            for forces, crystal in zip(answer.forces, crystals, strict=True)
        ],
        stresses=_numbers(answer.stresses, (count, 3, 3), "stresses"),
        failures=tuple(None if failure is None else _one_line(str(failure)) for failure in failures),
    )


def _numbers(values: Any, shape: tuple[int, ...], name: str) -> FloatArray:
    """Float64 array of the expected shape."""
    if values is None:
        raise _AnswerError(f"returned None instead of {name}")
    array = np.asarray(values)
    if array.shape != shape:
        raise _AnswerError(f"returned {name} of shape {array.shape} instead of {shape}")
    if array.dtype.kind not in "fiu":
        raise _AnswerError(f"returned {name} of type {array.dtype} instead of real numbers")
    return array.astype(np.float64)


def _failed_evaluation(crystal: Crystal, reason: str) -> Evaluation:
    forces = np.full((len(crystal), 3), np.nan)
    return Evaluation(np.full(1, np.nan), [forces], np.full((1, 3, 3), np.nan), (reason,))


def _reason(name: str, error: BaseException) -> str:
    if isinstance(error, _AnswerError):
        return _one_line(f"the potential {name} {error}")
    return _one_line(f"the potential {name} failed: {type(error).__name__} {error}")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_REASON]


def starting_crystal(structure: Structure, settings: RelaxSettings) -> Crystal | str:
    """The crystal that a relaxation starts from, with the symmetry to keep, or why it cannot start."""
    if not structure.is_ordered:
        return "its sites are partly occupied"
    crystal = Crystal.from_structure(structure)
    problem = sanity_problem(crystal, crystal.volume)
    if problem is not None:
        return problem
    if settings.keep_symmetry:
        return symmetrise_crystal(crystal, settings.symprec)
    crystal.symmetry = identity_symmetry(crystal)
    return crystal


def enthalpy_checked(
    model: EnergyModel, crystal: Crystal, settings: RelaxSettings, guard: Guard = nullcontext
) -> tuple[float, str]:
    """Energy, enthalpy under pressure, in eV/atom, or NaN and why ("" where the model does not say)."""
    energies, reasons = energies_checked(model, [crystal.to_structure()], guard)
    work = settings.pressure_gpa / EV_PER_A3_IN_GPA * crystal.volume / len(crystal)
    return float(energies[0]) + work, reasons[0]


def sanity_problem(crystal: Crystal, start_volume: float) -> str | None:
    """One clause that says why this geometry cannot be a crystal, or None."""
    if not (np.isfinite(crystal.lattice).all() and np.isfinite(crystal.frac_coords).all()):
        return "coordinates are not finite"
    volume = crystal.volume
    if volume < 1e-3:
        return "the cell has no volume"
    low, high = _VOLUME_RANGE
    if not low < volume / start_volume < high:
        return f"the volume changed by a factor of {volume / start_volume:.2g}"
    if _shortest_distance(crystal) < _FUSED:
        return f"two atoms came closer than {_FUSED} Å"
    return None


def _shortest_distance(crystal: Crystal) -> float:
    """Shortest distance between two atoms or an atom and its image in Å, or infinity beyond 1 Å."""
    from pymatgen.optimization.neighbors import find_points_in_spheres

    cartesian = np.ascontiguousarray(crystal.frac_coords @ crystal.lattice)
    start, end, _, distance = find_points_in_spheres(
        cartesian,
        cartesian,
        r=1.0,
        pbc=np.ones(3, dtype=np.int64),
        lattice=np.ascontiguousarray(crystal.lattice),
        tol=1e-8,
    )
    others = distance[(start != end) | (distance > 1e-8)]
    return float(others.min()) if len(others) else np.inf
