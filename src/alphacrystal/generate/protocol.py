"""The interface of generators: candidates, budgets and energy functions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    import numpy as np
    from pymatgen.core import Structure

    from alphacrystal.composition import Formula
    from alphacrystal.crystal import SymmetryHypothesis

#: Energies in eV/atom of crystals of one composition, shape (n,); NaN where there is none. Formation energies
#: and total energies give the same order.
EnergyFunction = Callable[[Sequence["Structure"]], FloatArray]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A crystal structure before relaxation.

    Attributes:
        structure: Primitive cell, ordered, no site properties.
        generator: Name of the generator, e.g. "distance_matrix".
        log_probability: Natural log of prior × geometry, or None if the generator has no such score;
            comparable within one composition only.
        hypothesis: The symmetry hypothesis of the structure, None without one.
        provenance: Plain JSON values that describe the generation (seed, fitness, template id, ...).
    """

    structure: Structure
    generator: str
    log_probability: float | None
    hypothesis: SymmetryHypothesis | None = None
    provenance: dict[str, object] = field(default_factory=dict)


class Generator(Protocol):
    """Proposes crystal structures for a composition."""

    @property
    def name(self) -> str:
        """Value of ``generator`` in its candidates."""
        ...

    def generate(self, formula: Formula, count: int, rng: np.random.Generator) -> Iterator[Candidate]:
        """Yield up to ``count`` candidates, best first."""
        ...


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a generator, which stops at the first one that it reaches; None is no limit.

    Attributes:
        energy_calls: Structures whose energy is evaluated.
        proposals: Proposed structures, including those that are rejected without an energy.
        seconds: Processor time of this process in s. A run that ends at this limit is not determined by its
            seed alone.
    """

    energy_calls: int | None = None
    proposals: int | None = None
    seconds: float | None = None


UNLIMITED = Budget()


@dataclass(slots=True)
class BudgetUse:
    """Use of a budget.

    Attributes:
        budget: The limits.
        energy_calls: Evaluated energies.
        proposals: Proposed structures.
        begin: Processor time at the start in s.
    """

    budget: Budget
    energy_calls: int = 0
    proposals: int = 0
    begin: float = field(default_factory=time.process_time)

    @property
    def seconds(self) -> float:
        """Processor time since the start in s."""
        return time.process_time() - self.begin

    @property
    def exhausted(self) -> bool:
        """Whether a limit is reached."""
        limits = self.budget
        return (
            (limits.energy_calls is not None and self.energy_calls >= limits.energy_calls)
            or (limits.proposals is not None and self.proposals >= limits.proposals)
            or self.time_exhausted
        )

    @property
    def time_exhausted(self) -> bool:
        """Whether the limit of processor time is reached."""
        return self.budget.seconds is not None and self.seconds >= self.budget.seconds

    def proposals_left(self, count: int) -> int:
        """Number of proposals that remain, at most ``count``."""
        if self.budget.proposals is None:
            return count
        return max(0, min(count, self.budget.proposals - self.proposals))

    def energy_calls_left(self, count: int) -> int:
        """Number of energy evaluations that remain, at most ``count``."""
        if self.budget.energy_calls is None:
            return count
        return max(0, min(count, self.budget.energy_calls - self.energy_calls))

    def progress(self) -> tuple[int, int]:
        """Use and limit of the quantity nearest to its limit (proposals, energy calls or s), rounded down."""
        limits = self.budget
        pairs = [
            (used, limit)
            for used, limit in (
                (self.proposals, limits.proposals),
                (self.energy_calls, limits.energy_calls),
                (self.seconds, limits.seconds),
            )
            if limit is not None
        ]
        used, limit = max(pairs, key=lambda pair: pair[0] / max(pair[1], 1e-9), default=(0, 0))
        return min(int(used), int(limit)), int(limit)
