"""The tasks of an exploration: predictions with the settings of a level, their rounds, and the budget."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from alphacrystal.errors import InputError, one_line
from alphacrystal.scale import CampaignTask, Counts, PredictTask, TaskOutcome

RUNS_FOLDER = "runs"
OnOutcome = Callable[[TaskOutcome], None]
_BUDGET = re.compile(r"(\d+(?:\.\d+)?)\s*(formulas?|s|seconds?|min|minutes?|h|hours?)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def run_folder(level: str, pressure_gpa: float, formula: str) -> str:
    """Run folder of a formula relative to the folder of the exploration."""
    return f"{RUNS_FOLDER}/{setting_name(level, pressure_gpa)}/{formula}"


def setting_name(level: str, pressure_gpa: float) -> str:
    """Name of the settings of a level at a pressure, e.g. "quick" or "quick-20GPa"."""
    return level if pressure_gpa == 0 else f"{level}-{pressure_gpa:g}GPa"


@dataclass(frozen=True, slots=True)
class ExploreTask:
    """Predicts the formula of a task; the second part of its folder names the settings.

    Attributes:
        folder: Folder of the exploration, at the same path for all workers.
        settings: Settings of the predictions as plain values, by name.
    """

    folder: str
    settings: Mapping[str, dict[str, object]]

    def __call__(self, task: CampaignTask) -> TaskOutcome:
        """Predict; an error becomes the failure of the outcome."""
        _, name, _ = task.folder.split("/")
        return PredictTask(self.folder, self.settings[name])(task)


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


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit; one of the two is None.

    Attributes:
        seconds: Wall seconds of this start.
        formulas: Predicted formulas, those of earlier starts included.
    """

    seconds: float | None = None
    formulas: int | None = None

    def __str__(self) -> str:
        return f"{self.formulas} formulas" if self.seconds is None else f"{self.seconds / 60:g} min"


def parse_budget(text: str) -> Budget:
    """A budget such as "30min", "2h", "90s" or "200formulas".

    Raises:
        InputError: It is none of them, or zero.
    """
    found = _BUDGET.fullmatch(text.strip().lower())
    if found is None or float(found[1]) == 0:
        raise InputError(
            f"The budget {one_line(text[:30])!r} cannot be read: give a time or a number of formulas, "
            "e.g. 30min, 2h or 200formulas."
        )
    amount, unit = float(found[1]), found[2]
    if unit.startswith("formula"):
        if amount != int(amount) or amount > 1e6:
            raise InputError("A budget of formulas is a whole number up to 1000000, e.g. 200formulas.")
        return Budget(formulas=int(amount))
    return Budget(seconds=amount * _SECONDS[unit[0]])
