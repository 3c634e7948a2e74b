"""Limits of a generator, and the interface of energy functions."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Energies in eV/atom of crystals of one composition, shape (n,); NaN where there is none. The scale does not
#: matter; formation energies are as good as total ones.
EnergyFunction = Callable[[Sequence["Structure"]], FloatArray]


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a generator, which stops at the first that it reaches; None is no limit.

    Attributes:
        evaluations: Energy evaluations.
        trials: Structures proposed, those that are rejected without an energy included.
        seconds: Processor time of this process. Only in runs that this limit ends, the seed does not decide
            alone.
    """

    evaluations: int | None = None
    trials: int | None = None
    seconds: float | None = None


UNLIMITED = Budget()


@dataclass(slots=True)
class BudgetUse:
    """The used part of a budget."""

    budget: Budget
    evaluations: int = 0
    trials: int = 0
    begin: float = field(default_factory=time.process_time)

    @property
    def seconds(self) -> float:
        """Processor time since the start."""
        return time.process_time() - self.begin

    @property
    def over(self) -> bool:
        """True where nothing more may be done."""
        limits = self.budget
        return (
            (limits.evaluations is not None and self.evaluations >= limits.evaluations)
            or (limits.trials is not None and self.trials >= limits.trials)
            or self.late
        )

    @property
    def late(self) -> bool:
        """True where the time is over."""
        return self.budget.seconds is not None and self.seconds >= self.budget.seconds

    def trials_left(self, most: int) -> int:
        """How many of ``most`` trials may still be made."""
        if self.budget.trials is None:
            return most
        return max(0, min(most, self.budget.trials - self.trials))

    def evaluations_left(self, most: int) -> int:
        """How many of ``most`` evaluations may still be done."""
        if self.budget.evaluations is None:
            return most
        return max(0, min(most, self.budget.evaluations - self.evaluations))

    def progress(self) -> tuple[int, int]:
        """Done and total of the limit that is nearest, in whole numbers (trials, evaluations or seconds)."""
        limits = self.budget
        pairs = [
            (done, total)
            for done, total in (
                (self.trials, limits.trials),
                (self.evaluations, limits.evaluations),
                (self.seconds, limits.seconds),
            )
            if total is not None
        ]
        done, total = max(pairs, key=lambda pair: pair[0] / max(pair[1], 1e-9), default=(0, 0))
        return min(int(done), int(total)), int(total)
