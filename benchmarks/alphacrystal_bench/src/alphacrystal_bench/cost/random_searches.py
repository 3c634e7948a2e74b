"""Searches without learning from data, stopped by processor time or evaluations, with all they evaluated."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, cast

import numpy as np

from alphacrystal.generate import Budget, EnergyFunction, GnoaGenerator, RandomSymmetricGenerator

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.composition import Formula
    from alphacrystal.generate import SearchName
    from alphacrystal.typing import FloatArray

GNOA, GNOA_RANDOM, RANDOM_RELAXED = "gnoa-tpe", "gnoa-random", "random_relaxed"
SEARCHES = (GNOA, GNOA_RANDOM, RANDOM_RELAXED)
ENDLESS = 10**9
BATCH = 16  # random crystals: two groups that are relaxed side by side


@dataclass(frozen=True, slots=True)
class EvaluatedStructure:
    """A crystal whose energy was asked for.

    Attributes:
        structure: As evaluated, or relaxed.
        energy: eV/atom.
        cpu_seconds: Processor seconds spent when it was known.
        evaluations: Energy evaluations spent when it was known.
    """

    structure: Structure
    energy: float
    cpu_seconds: float
    evaluations: int


class _BudgetSpentError(Exception):
    pass


class _Watched:
    """Energies that record every evaluated crystal, and stop when the budget is spent."""

    def __init__(self, energies: EnergyFunction, seconds: float, max_evaluations: int | None) -> None:
        self.found: list[EvaluatedStructure] = []
        self._energies, self._seconds = energies, seconds
        self._max_evaluations = max_evaluations
        self._begin, self._asked = time.process_time(), 0

    def __call__(self, structures: Sequence[Structure]) -> FloatArray:
        values = self._energies(structures)
        self._asked += len(structures)
        now = time.process_time() - self._begin
        self.found += [
            EvaluatedStructure(structure, float(value), now, self._asked)
            for structure, value in zip(structures, values, strict=True)
        ]
        self.check()
        return values

    def check(self, *_: object) -> None:
        """End the search if its budget is spent."""
        if _spent(self._begin, self._seconds, self._asked, self._max_evaluations):
            raise _BudgetSpentError


def _spent(begin: float, seconds: float, evaluations: int, max_evaluations: int | None) -> bool:
    late = time.process_time() - begin >= seconds
    return late or (max_evaluations is not None and evaluations >= max_evaluations)


def search(
    method: str,
    formula: Formula,
    units: int,
    energies: EnergyFunction,
    potential: str,
    seconds: float,
    seed: int,
    max_evaluations: int | None = None,
) -> list[EvaluatedStructure]:
    """Everything that a search evaluated, in order.

    Args:
        method: One of SEARCHES.
        formula: Reduced formula.
        units: Formula units in the primitive cell.
        energies: What GNOA minimises.
        potential: What relaxes random crystals.
        seconds: Processor seconds; the search ends after the batch that passes them.
        seed: Of the search.
        max_evaluations: Energy evaluations; the search ends after the batch that passes them.

    Raises:
        InputError: No space group can hold the cell.
    """
    rng = np.random.default_rng(seed)
    if method == RANDOM_RELAXED:
        return _random_relaxed(formula, units, potential, seconds, rng, max_evaluations)
    watched = _Watched(energies, seconds, max_evaluations)
    generator = GnoaGenerator(
        [units],
        watched,
        search=cast("SearchName", method.removeprefix("gnoa-")),
        budget=Budget(proposals=ENDLESS),
        on_progress=watched.check,
    )
    with contextlib.suppress(_BudgetSpentError):
        list(generator.generate(formula, 1, rng))
    return watched.found


def _random_relaxed(
    formula: Formula,
    units: int,
    potential: str,
    seconds: float,
    rng: np.random.Generator,
    max_evaluations: int | None,
) -> list[EvaluatedStructure]:
    """Random crystals with symmetry, relaxed (AIRSS)."""
    from alphacrystal.config import PredictConfig
    from alphacrystal.pipeline.energies import relax_settings
    from alphacrystal.relax import load_potential, relax

    begin = time.process_time()
    evaluations = 0

    def check(*_: object) -> None:
        if _spent(begin, seconds, evaluations, max_evaluations):
            raise _BudgetSpentError

    relaxing, settings = load_potential(potential), relax_settings(PredictConfig())
    generator = RandomSymmetricGenerator([units], budget=Budget(proposals=ENDLESS), on_progress=check)
    drawn = generator.generate(formula, ENDLESS, rng)
    found: list[EvaluatedStructure] = []
    with contextlib.suppress(_BudgetSpentError):
        while True:
            ends = relax([candidate.structure for candidate in islice(drawn, BATCH)], relaxing, settings)
            now = time.process_time() - begin
            for end in ends:
                evaluations += 1 + end.steps
                if end.usable and end.energy_per_atom is not None:
                    found.append(EvaluatedStructure(end.structure, end.energy_per_atom, now, evaluations))
            check()
    return found
