"""An exploration in progress: rounds of tasks, their phases and hulls."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from alphacrystal.config import PredictConfig
from alphacrystal.errors import AlphaCrystalError
from alphacrystal.exploration._exploration import Exploration
from alphacrystal.exploration._hull import Hull, Phase
from alphacrystal.exploration._log import ExploreLog, LoggedTask, Round
from alphacrystal.exploration._phases import (
    distinct,
    known_phases_of_system,
    missing_known,
    phases_of_run,
    reference_phases,
)
from alphacrystal.exploration._results import write_results
from alphacrystal.exploration._selection import QUICK, THOROUGH, next_tasks
from alphacrystal.exploration._system import ChemicalSystem, Compositions, enumerate_compositions
from alphacrystal.exploration._tasks import Batch, Budget, ExploreTask, run_folder, setting_name
from alphacrystal.report import EventLog, finished_run
from alphacrystal.runtime.interrupts import interrupts_held
from alphacrystal.scale import CampaignTask, Executor, TaskOutcome, compute
from alphacrystal.typing import Progress

#: Settings of the quick search; those of the user where they are smaller.
QUICK_CANDIDATES, QUICK_ATOMS = 10, 20
MIN_ROUND, ROUND_SHARE = 8, 8  # formulas of a round: at least so many, and this part of all earlier ones
PATIENCE = 60  # formulas without a change of the hull after which an exploration ends
CHANGED = 1e-3  # eV/atom by which the hull must change

OnRound = Callable[[Exploration], None]
#: Phases of a run folder of an exploration: its folder, name of the run, settings; None if it has not ended.
ReadPhases = Callable[[Path, str, PredictConfig], list[Phase] | None]


def stored_phases(folder: Path, name: str, config: PredictConfig) -> list[Phase] | None:
    """The phases of a finished prediction, None if it has not ended or has failed."""
    run = finished_run(folder / name, page=False)
    return None if run is None or run.failure else phases_of_run(run, folder, config)


class ExplorationRun:
    """An exploration in progress: its log, and the phases of the finished predictions.

    Args:
        system: The chemical system.
        config: Settings of the thorough predictions.
        pressures: GPa.
        folder: Folder of the exploration.
        log: Its log.
        page: Whether to write the page and the pictures.
        read: Reads the phases of a prediction; simulations give another function.
        patience: Formulas without a change of the hull after which it ends.
    """

    def __init__(
        self,
        system: ChemicalSystem,
        config: PredictConfig,
        pressures: Sequence[float],
        folder: Path,
        log: ExploreLog,
        events: EventLog,
        *,
        page: bool,
        read: ReadPhases | None = None,
        patience: int = PATIENCE,
    ) -> None:
        self.read, self.patience = read or stored_phases, patience
        self.system, self.config, self.pressures = system, config, pressures
        self.folder, self.log, self.events, self.page = folder, log, events, page
        self.compositions: Compositions = enumerate_compositions(system, config.max_atoms, config.models)
        self.predicted: dict[float, dict[str, list[Phase]]] = {value: {} for value in pressures}
        self.reference = {value: reference_phases(system, config, value) for value in pressures}
        self.known = {value: known_phases_of_system(system, config, value) for value in pressures}
        self.hulls: dict[float, Hull] = {}
        quick = config.model_copy(
            update={
                "candidates": min(config.candidates, QUICK_CANDIDATES),
                "max_atoms": min(config.max_atoms, QUICK_ATOMS),
            }
        )
        self.settings = {
            setting_name(level, value): settings.model_copy(update={"pressure": value}).model_dump(
                mode="json"
            )
            for level, settings in ((QUICK, quick), (THOROUGH, config))
            for value in pressures
        }
        self.task = ExploreTask(str(folder.resolve()), self.settings)

    def explore(
        self,
        budget: Budget,
        executor: Executor,
        progress: Progress | None,
        on_round: OnRound | None,
    ) -> None:
        """Compute rounds until the budget is spent, nothing new comes, or nothing is left."""
        deadline = None if budget.seconds is None else time.monotonic() + budget.seconds
        self._read_finished(progress)
        self.log.stopped = ""
        with interrupts_held() as hold, hold.lifted(), executor:
            while not self.log.stopped:
                pending = self._pending()
                if not pending:
                    self.log.stopped = self._reason_to_stop(budget, deadline)
                    tasks = [] if self.log.stopped else self._next_round(budget)
                    if not tasks:
                        self.log.stopped = self.log.stopped or "all formulas of the system are predicted"
                        break
                    self.log.rounds.append(Round(tasks=tasks))
                    self.log.write(self.folder)
                    pending = self._pending()
                try:
                    self._compute(pending, executor, deadline, progress, budget)
                finally:
                    with interrupts_held():
                        ended = not self._pending()
                        self._conclude(ended=ended)
                if on_round is not None and self.hulls:
                    on_round(self.result())
                if not ended:
                    self.log.stopped = self._reason_to_stop(budget, deadline)
        with interrupts_held():
            self.log.write(self.folder)
            self._write()

    def _read_finished(self, progress: Progress | None) -> None:
        """Read the predictions of earlier starts."""
        count = 0
        for item in self.log.rounds:
            if item.changed is None:  # the round has not ended: it is compared with the hull before it
                self._update_hulls()
            for task in item.tasks:
                folder = run_folder(task.level, task.pressure_gpa, task.formula)
                if folder not in self.log.failures:
                    self._read(folder, task)
                count += 1
                if progress is not None:
                    progress("formulas read", count, self.log.formulas)
        if self.log.rounds and self.log.rounds[-1].changed is None:
            if not self._pending():
                self._conclude(ended=True)
        else:
            self._update_hulls()

    def _read(self, name: str, task: LoggedTask) -> None:
        phases = self.read(self.folder, name, self.config)
        if phases is not None:
            self.predicted[task.pressure_gpa][name] = phases

    def _pending(self) -> list[LoggedTask]:
        """Tasks of the last round without a result."""
        if not self.log.rounds:
            return []
        return [
            task
            for task in self.log.rounds[-1].tasks
            if (name := run_folder(task.level, task.pressure_gpa, task.formula)) not in self.log.failures
            and name not in self.predicted[task.pressure_gpa]
        ]

    def _reason_to_stop(self, budget: Budget, deadline: float | None) -> str:
        if deadline is not None and time.monotonic() > deadline:
            return f"the budget of {budget} is spent"
        if budget.formulas is not None and self.log.formulas >= budget.formulas:
            return f"the budget of {budget} is spent"
        return ""

    def _next_round(self, budget: Budget) -> list[LoggedTask]:
        """The formulas of the next round at all pressures."""
        done = self.log.formulas
        size = max(MIN_ROUND, done // ROUND_SHARE)
        if budget.formulas is not None:
            size = min(size, budget.formulas - done)
        tasks: list[LoggedTask] = []
        for value in self.pressures:
            if value not in self.hulls:
                tasks += self._element_tasks(value)
        unchanged = self.log.unchanged >= self.patience
        share = max(1, size // len(self.pressures))
        for value in self.pressures:
            if value in self.hulls:
                chosen = next_tasks(
                    self.compositions,
                    self.hulls[value],
                    self._done(value),
                    share,
                    only_thorough=unchanged,
                    quick_atoms=QUICK_ATOMS,
                )
                tasks += [
                    LoggedTask(level=t.level, formula=t.formula, pressure_gpa=value, reason=t.reason)
                    for t in chosen
                ]
        if not tasks and unchanged:
            self.log.stopped = f"the last {self.log.unchanged} formulas did not change the hull"
        return tasks if not self.hulls else tasks[:size]

    def _element_tasks(self, pressure: float) -> list[LoggedTask]:
        have = {phase.formula for phase in self._phases(pressure)}
        missing = [symbol for symbol in self.system.elements if symbol not in have]
        for symbol in missing:
            name = run_folder(THOROUGH, pressure, symbol)
            if name in self.log.failures:
                raise AlphaCrystalError(
                    f"The hull needs the energy of {symbol}, and its prediction failed: "
                    f"{self.log.failures[name]}"
                )
        return [
            LoggedTask(level=THOROUGH, formula=symbol, pressure_gpa=pressure, reason="element")
            for symbol in missing
        ]

    def _done(self, pressure: float) -> dict[str, set[str]]:
        """Formulas of all rounds at a pressure by level."""
        done: dict[str, set[str]] = {QUICK: set(), THOROUGH: set()}
        for item in self.log.rounds:
            for task in item.tasks:
                if task.pressure_gpa == pressure:
                    done[task.level].add(task.formula)
        return done

    def _compute(
        self,
        pending: Sequence[LoggedTask],
        executor: Executor,
        deadline: float | None,
        progress: Progress | None,
        budget: Budget,
    ) -> None:
        by_name = {run_folder(task.level, task.pressure_gpa, task.formula): task for task in pending}

        def on_outcome(outcome: TaskOutcome) -> None:
            task = by_name[outcome.key]
            if outcome.failure is None:
                self._read(outcome.key, task)
            if outcome.key not in self.predicted[task.pressure_gpa]:
                self.log.failures[outcome.key] = outcome.failure or "Its run folder cannot be read."

        before = self.log.formulas - len(pending)
        logged = -1

        def on_progress(stage: str, done: int, total: int) -> None:
            nonlocal logged
            if done != logged:
                self.events.emit("formulas", event="progress", done=before + done, total=budget.formulas or 0)
                logged = done
            if progress is not None and budget.formulas is not None:
                progress("formulas", before + done, budget.formulas)
            elif progress is not None:
                progress(f"round {len(self.log.rounds)}", done, total)

        tasks = [CampaignTask(name, task.formula, None, None, name) for name, task in by_name.items()]
        compute(Batch(tasks, on_outcome, deadline), executor, on_progress=on_progress)

    def _conclude(self, *, ended: bool) -> None:
        """The hulls after a round; the log and the results are written."""
        changed = self._update_hulls()
        if ended and self.log.rounds:
            self.log.rounds[-1].changed = changed
        self.log.write(self.folder)
        self._write()

    def _write(self) -> None:
        if self.hulls:
            write_results(self.result(), page=self.page)

    def _phases(self, pressure: float) -> list[Phase]:
        predicted = distinct([phase for phases in self.predicted[pressure].values() for phase in phases])
        return [*self.reference[pressure], *missing_known(self.known[pressure], predicted), *predicted]

    def _update_hulls(self) -> bool:
        """Compute the hulls of the present phases; whether one of them changed."""
        changed = False
        for value in self.pressures:
            phases = self._phases(value)
            if not {phase.formula for phase in phases if phase.trusted} >= set(self.system.elements):
                continue
            hull, old = Hull(self.system, tuple(phases), value), self.hulls.get(value)
            if old is None or _differs(old, hull):
                changed = True
            self.hulls[value] = hull
        return changed

    def result(self) -> Exploration:
        """The present result.

        Raises:
            AlphaCrystalError: The elements have no energies yet.
        """
        if not self.hulls:
            raise AlphaCrystalError(
                f"The exploration of {self.system.name} ended before the elements had energies: "
                "repeat the command with a larger --budget."
            )
        return Exploration(
            self.system,
            self.hulls,
            self.compositions,
            sum(map(len, self.predicted.values())) + len(self.log.failures),
            sum(item.changed is not None for item in self.log.rounds),
            self.log.stopped,
            dict(self.log.failures),
            self.folder,
            self.config.full_potential,
            tuple(self.pressures),
        )


def _differs(old: Hull, new: Hull) -> bool:
    """Whether a phase on one of two hulls is not on the other, or is lower, by more than CHANGED."""
    if (old.energy_at(new.fractions) - new.energy_at(new.fractions) > CHANGED).any():
        return True
    stable = [{hull.phases[index].formula for index in hull.stable} for hull in (old, new)]
    return stable[0] != stable[1]
