"""Whatever computes the units of a campaign: processes here, or a cluster."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from alphacrystal.errors import AlphaCrystalError
from alphacrystal.scale._units import Outcome, Unit

#: Processes that a unit may kill before it counts as failed.
TRIES = 2


class SchedulerLostError(AlphaCrystalError):
    """The scheduler is gone; what was finished is in the store."""


class Executor(Protocol):
    """Computes units, in any order; a context manager that stops its work at the end."""

    def __enter__(self) -> Self:
        """Start."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all work at once."""
        ...

    @property
    def capacity(self) -> int:
        """Units to hold at once: enough that no worker waits, so few that none waits long; at least 1."""
        ...

    @property
    def workers(self) -> int:
        """Units that are computed at one time."""
        ...

    def submit(self, unit: Unit) -> None:
        """Take a unit."""
        ...

    def finished(self, timeout_s: float) -> list[Outcome]:
        """Outcomes that are there, at least one unless that takes longer than the timeout.

        Raises:
            SchedulerLostError: There will be none, for the scheduler is gone.
        """
        ...
