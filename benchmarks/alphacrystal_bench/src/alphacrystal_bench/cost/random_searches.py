"""Baseline searches without machine learning, limited by processor time or evaluations."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, cast

import numpy as np

from alphacrystal.generate import Budget, EnergyFunction, GnoaGenerator, RandomSymmetricGenerator
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.composition import Formula
    from alphacrystal.generate import SearchName
    from alphacrystal.typing import FloatArray

GNOA, GNOA_RANDOM, RANDOM_RELAXED = "gnoa-tpe", "gnoa-random", "random_relaxed"
SEARCHES = (GNOA, GNOA_RANDOM, RANDOM_RELAXED)
UNLIMITED = 10**9
BATCH = 16  # random structures that are relaxed together


@dataclass(frozen=True, slots=True)
class EvaluatedStructure:
    """A structure whose energy was evaluated.

    Attributes:
        structure: The evaluated, or relaxed, structure.
        energy: Energy in eV/atom.
        cpu_seconds: Processor seconds of the search until then.
        evaluations: Energy evaluations of the search until then.
    """

    structure: Structure
    energy: float
    cpu_seconds: float
    evaluations: int


class _BudgetUsedError(Exception):
    pass


class _RecordedEnergies:
    """Energy function that records every structure and ends the search when the budget is used up."""

    def __init__(self, energies: EnergyFunction, seconds: float, max_evaluations: int | None) -> None:
        self.evaluated: list[EvaluatedStructure] = []
        self._energies, self._seconds = energies, seconds
        self._max_evaluations = max_evaluations
        self._begin, self._evaluations = time.process_time(), 0

    def __call__(self, structures: Sequence[Structure]) -> FloatArray:
        values = self._energies(structures)
        self._evaluations += len(structures)
        now = time.process_time() - self._begin
        self.evaluated += [
            EvaluatedStructure(structure, float(value), now, self._evaluations)
            for structure, value in zip(structures, values, strict=True)
        ]
        self.check()
        return values

    def check(self, *_: object) -> None:
        """End the search if its budget is used up."""
        if _used_up(self._begin, self._seconds, self._evaluations, self._max_evaluations):
            raise _BudgetUsedError


def _used_up(begin: float, seconds: float, evaluations: int, max_evaluations: int | None) -> bool:
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
    """All structures that a search evaluates, in order.

    Args:
        method: One of SEARCHES.
        formula: Reduced formula.
        units: Formula units in the primitive cell.
        energies: Energies that GNOA minimises.
        potential: Potential that relaxes random structures.
        seconds: Processor seconds; the search ends after the batch that exceeds them.
        seed: Random seed.
        max_evaluations: Energy evaluations; the search ends after the batch that exceeds them.

    Raises:
        InputError: No space group permits the cell content.
    """
    rng = np.random.default_rng(seed)
    if method == RANDOM_RELAXED:
        return _random_relaxed(formula, units, potential, seconds, rng, max_evaluations)
    recorded = _RecordedEnergies(energies, seconds, max_evaluations)
    generator = GnoaGenerator(
        [units],
        recorded,
        search=cast("SearchName", method.removeprefix("gnoa-")),
        budget=Budget(proposals=UNLIMITED),
        on_progress=recorded.check,
    )
    with contextlib.suppress(_BudgetUsedError):
        list(generator.generate(formula, 1, rng))
    return recorded.evaluated


def _random_relaxed(
    formula: Formula,
    units: int,
    potential: str,
    seconds: float,
    rng: np.random.Generator,
    max_evaluations: int | None,
) -> list[EvaluatedStructure]:
    """Random structures with symmetry, each relaxed (AIRSS, doi:10.1088/0953-8984/23/5/053201)."""
    from alphacrystal.config import PredictConfig
    from alphacrystal.pipeline.energies import relax_settings
    from alphacrystal.relaxation import load_potential, relax

    begin = time.process_time()
    evaluations = 0

    def check(*_: object) -> None:
        if _used_up(begin, seconds, evaluations, max_evaluations):
            raise _BudgetUsedError

    relaxing, settings = (
        load_potential(potential),
        relax_settings(PredictConfig(known_phases=False, dispersion="none")),
    )
    generator = RandomSymmetricGenerator([units], budget=Budget(proposals=UNLIMITED), on_progress=check)
    drawn = generator.generate(formula, UNLIMITED, rng)
    evaluated: list[EvaluatedStructure] = []
    with contextlib.suppress(_BudgetUsedError):
        while True:
            ends = relax([candidate.structure for candidate in islice(drawn, BATCH)], relaxing, settings)
            now = time.process_time() - begin
            for end in ends:
                evaluations += 1 + end.steps
                if end.usable and end.energy_per_atom is not None:
                    evaluated.append(EvaluatedStructure(end.structure, end.energy_per_atom, now, evaluations))
            check()
    return evaluated
