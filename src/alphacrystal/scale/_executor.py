"""The tasks of a campaign, and the interface of the executors that compute them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from alphacrystal.errors import AlphaCrystalError

if TYPE_CHECKING:
    from alphacrystal.report import SummaryRow

#: Attempts at a task whose process dies before it counts as failed.
MAX_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class CampaignTask:
    """One formula to predict; the same request always has the same key and the same folder.

    Attributes:
        key: Digest of the reduced formula, the cell and the space group.
        formula: As the user wrote it.
        cell: Cell content, None if not given.
        space_group: International number, None if not given.
        folder: Folder of its result, relative to the folder of the campaign.
    """

    key: str
    formula: str
    cell: str | None
    space_group: int | None
    folder: str


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """The end of a task.

    Attributes:
        key: Key of the task.
        failure: One sentence where it failed, else None.
        failure_type: "input" (the formula or a setting), "relaxation", "internal", "died" (its process),
            "time", or "" where it did not fail.
        result: File or folder of the result, relative to the folder of the campaign; "" without one.
        structures: Number of structures in its ranked list.
        best: The first structure of its ranked list, None without one.
        seconds: Wall time of the task, None where it did not run.
        processor_seconds: Processor time of the process that computed it, None where unknown. Where a process
            computes several tasks at a time, it includes the others.
        timings_s: Wall seconds by stage.
    """

    key: str
    failure: str | None = None
    failure_type: str = ""
    result: str = ""
    structures: int = 0
    best: SummaryRow | None = None
    seconds: float | None = None
    processor_seconds: float | None = None
    timings_s: Mapping[str, float] = field(default_factory=dict)


#: An executor calls it with each task, in another process: pickled by its name.
TaskFunction = Callable[[CampaignTask], TaskOutcome]


def empty_task(task: CampaignTask, seconds: float = 0.0) -> TaskOutcome:
    """A task function that only sleeps, to measure the cost of a campaign itself."""
    time.sleep(seconds)
    return TaskOutcome(task.key, seconds=seconds, processor_seconds=0.0)


class SchedulerLostError(AlphaCrystalError):
    """The scheduler is gone; the store holds all finished results."""


class Executor(Protocol):
    """Computes tasks in any order; a context manager that stops all tasks at its end."""

    def __enter__(self) -> Self:
        """Start."""
        ...

    def __exit__(self, *error: object) -> None:
        """Stop all tasks at once."""
        ...

    @property
    def capacity(self) -> int:
        """Number of tasks to hold at once, at least 1: enough to keep all workers busy, and few waiting."""
        ...

    @property
    def workers(self) -> int:
        """Number of tasks that run at the same time."""
        ...

    def submit(self, task: CampaignTask) -> None:
        """Accept a task."""
        ...

    def finished(self, timeout_s: float) -> list[TaskOutcome]:
        """Available outcomes; waits up to ``timeout_s`` seconds for the first.

        Raises:
            SchedulerLostError: The scheduler is gone, so that no outcome will come.
        """
        ...
