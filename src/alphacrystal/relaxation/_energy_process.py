"""Energies by a potential in a separate process, which is ended if the potential hangs."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.errors import AlphaCrystalError, PotentialError
from alphacrystal.relaxation._checked import energies_checked
from alphacrystal.relaxation._potential import EnergyModel, check_known
from alphacrystal.relaxation.registry import declared_elements, load_energy_model
from alphacrystal.runtime.task_process import TaskProcess
from alphacrystal.runtime.torch_device import AUTO
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Processor seconds that a potential may take for one structure.
ENERGY_LIMIT_S = 60.0


class EnergyProcess:
    """Evaluates energies in a worker process.

    Args:
        name: Of the potential.
        limit_s: Processor seconds per structure. A potential that waits is ended after ten times as much wall
            time, at least 300 s.
        device: See `load_potential`.

    Raises:
        PotentialError: The potential cannot be loaded.
    """

    def __init__(self, name: str, limit_s: float = ENERGY_LIMIT_S, device: str = AUTO) -> None:
        self._name, self._limit_s, self._device = name, limit_s, device
        self._process = TaskProcess(preload=("alphacrystal.relaxation",))
        weakref.finalize(self, self._process.stop)
        self._load()

    def energies_per_atom(self, structures: Sequence[Structure]) -> FloatArray:
        """Energies in eV/atom, shape (n,), NaN where the potential raises, hangs or returns none."""
        if not structures:
            return np.zeros(0)
        if self._process.pid is None:
            self._load()  # outside the limit
        answer = self._process.run(
            _energies,
            (self._name, self._device, list(structures)),
            None,
            processor_limit_s=self._limit_s * len(structures),
        )
        if answer.failure is None:
            return np.asarray(answer.value, dtype=np.float64)
        if len(structures) == 1:
            return np.full(1, np.nan)
        return np.concatenate([self.energies_per_atom([structure]) for structure in structures])

    def close(self) -> None:
        """End the process."""
        self._process.stop()

    def _load(self) -> None:
        answer = self._process.run(_check, (self._name, self._device), None)
        if answer.failure is not None:
            raise PotentialError(f"The potential {self._name} cannot be used: {answer.failure}.")


def check_supported_elements(name: str, elements: Iterable[str], *, remedy: str, device: str = AUTO) -> None:
    """Refuse elements that a potential does not know.

    A potential that does not declare its elements is loaded, once, in a separate process.

    Args:
        name: Name of the potential.
        elements: Symbols.
        remedy: Last clause of the message.
        device: See `load_potential`.

    Raises:
        PotentialError: It cannot be loaded.
        InputError: Names the elements and the potential.
    """
    declared = declared_elements(name)
    known = _loaded_elements(name, device) if declared is None else declared
    check_known(elements, known, name, remedy=remedy)


@lru_cache(maxsize=8)
def _loaded_elements(name: str, device: str) -> frozenset[str]:
    process = TaskProcess(preload=("alphacrystal.relaxation",))
    try:
        answer = process.run(_elements, (name, device), None)
    finally:
        process.stop()
    if answer.failure is not None:
        raise PotentialError(f"The potential {name} cannot be used: {answer.failure}.")
    if isinstance(answer.value, AlphaCrystalError):
        raise answer.value
    return frozenset(answer.value)


def _elements(name: str, device: str) -> frozenset[str] | AlphaCrystalError:
    """Elements of a potential; an error of this package is returned, so that it can be raised unchanged."""
    try:
        return _model(name, device).supported_elements
    except AlphaCrystalError as error:
        return error


@lru_cache(maxsize=1)
def _model(name: str, device: str) -> EnergyModel:
    return load_energy_model(name, device)


def _check(name: str, device: str) -> None:
    _model(name, device)


def _energies(name: str, device: str, structures: Sequence[Structure]) -> FloatArray:
    return energies_checked(_model(name, device), structures)[0]
