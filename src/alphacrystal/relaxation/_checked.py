"""Evaluations of potentials that may fail: the structure at fault fails alone, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.crystal import Crystal
from alphacrystal.relaxation._energy_model import EnergyModel
from alphacrystal.relaxation._potential import CrystalPotential, Evaluation, Potential
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


#: Entered around each call of a potential: the limits of a worker process.
Guard = Callable[[], AbstractContextManager[object]]

#: What a potential may raise; a library that calls ``sys.exit`` must not end the run.
_RAISED = (Exception, SystemExit)

_LONGEST_REASON = 200


class _AnswerError(Exception):
    """An answer that violates the protocol."""


def evaluate_checked(
    potential: Potential, crystals: Sequence[Crystal], guard: Guard = nullcontext
) -> Evaluation:
    """Energies, forces and stresses in float64 and in the shapes of `Evaluation`.

    Where the potential raises or returns something else for several crystals, each is evaluated alone; a
    crystal for which it does so alone has the reason in ``failures`` and NaN in the arrays.
    """
    try:
        with guard():
            return _checked_evaluation(_evaluate(potential, crystals), crystals)
    except _RAISED as error:
        if len(crystals) == 1:
            return _failed_evaluation(crystals[0], _reason(potential.name, error))
    return joined([evaluate_checked(potential, [crystal], guard) for crystal in crystals])


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

    Where the model raises or returns another shape for several structures, each is evaluated alone.
    """
    if not structures:
        return np.zeros(0), []
    try:
        with guard():
            answer = model.energies_per_atom(structures)
        return _numbers(answer, (len(structures),), "energies"), [""] * len(structures)
    except _RAISED as error:
        if len(structures) == 1:
            return np.full(1, np.nan), [_reason(model.name, error)]
    parts = [energies_checked(model, [structure], guard) for structure in structures]
    return np.concatenate([energies for energies, _ in parts]), [reason for _, (reason,) in parts]


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
