"""The tasks of a round, as the loop of a campaign takes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from alphacrystal.scale import CampaignTask, Counts, TaskOutcome

OnOutcome = Callable[[TaskOutcome], None]


class Batch:
    """Tasks of one round; tasks that a deadline cuts off stay for the next start.

    Args:
        tasks: The tasks.
        on_outcome: Called with each outcome.
        deadline: `time.monotonic` after which no task is started, None for no limit.
    """

    def __init__(
        self, tasks: Sequence[CampaignTask], on_outcome: OnOutcome, deadline: float | None = None
    ) -> None:
        self._tasks = tasks
        self._on_outcome = on_outcome
        self._deadline = deadline
        self._done = self._failed = 0

    def counts(self) -> Counts:
        """Numbers of tasks by status."""
        return Counts(len(self._tasks) - self._done - self._failed, self._done, self._failed)

    def waiting(self) -> Iterator[CampaignTask]:
        """The tasks, until the deadline."""
        for task in self._tasks:
            if self._deadline is not None and time.monotonic() > self._deadline:
                return
            yield task

    def record(self, outcomes: Iterable[TaskOutcome]) -> None:
        """Accept outcomes."""
        for outcome in outcomes:
            if outcome.failure is None:
                self._done += 1
            else:
                self._failed += 1
            self._on_outcome(outcome)
