"""A campaign: many formulas on an executor, with all finished results on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from alphacrystal import __version__
from alphacrystal.config import PredictConfig, check_unchanged, make_config
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.pipeline.formula_list import check_list_size, read_requests
from alphacrystal.report import prepare_output_folder
from alphacrystal.runtime.folder_lock import lock_folder
from alphacrystal.runtime.interrupts import interrupts_held
from alphacrystal.scale._executor import CampaignTask, Executor, TaskOutcome
from alphacrystal.scale._store import FILE, STORE_SUFFIXES, CampaignStore, Counts, remove_unborn_store
from alphacrystal.scale._tables import write_tables

#: Failures in a row, none because of bad input, after which a campaign stops.
MAX_CONSECUTIVE_FAILURES = 20

_WAIT_S = 1.0  # for outcomes

OnProgress = Callable[[str, int, int], None]
OnFailure = Callable[[CampaignTask, TaskOutcome], None]


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """The options of a campaign.

    Attributes:
        settings: Settings of each prediction.
        page: Whether to write a report page for each formula.
        pack: Whether to pack each run folder into one zip file.
    """

    settings: PredictConfig
    page: bool
    pack: bool


def begin_campaign(
    formulas: Path, folder: Path, plan: CampaignPlan, on_progress: OnProgress | None = None
) -> None:
    """Store the list and the plan of a new campaign.

    The folder is locked before anything is written. Where the list cannot be used, the files that this call
    wrote are deleted.

    Raises:
        FolderInUseError: Another process has locked the folder.
        InputError: The list, the plan or the folder cannot be used.
    """
    check_plan(plan)
    with lock_folder(folder, create=True):
        remove_unborn_store(folder)
        if not (folder / FILE).is_file() or _facts(folder):
            prepare_output_folder(folder)
        _fill(formulas, folder, plan, on_progress)


def _fill(formulas: Path, folder: Path, plan: CampaignPlan, on_progress: OnProgress | None) -> None:
    facts = {
        "list": _digest(formulas),
        "settings": plan.settings.model_dump(mode="json"),
        "page": plan.page,
        "pack": plan.pack,
        "version": __version__,
        "models": _models(plan.settings),
    }

    def on_read(count: int) -> None:
        if on_progress is not None and count % 10_000 == 0:
            on_progress("formulas read", count, count)

    is_new = not (folder / FILE).exists()
    try:
        with CampaignStore(folder) as store:
            store.fill(read_requests(formulas), facts, on_read)
    except InputError:
        if is_new:  # the lock keeps other processes out
            for suffix in STORE_SUFFIXES:
                folder.joinpath(FILE + suffix).unlink(missing_ok=True)
        raise


def stored_plan(folder: Path) -> CampaignPlan:
    """The plan of an existing campaign.

    Raises:
        InputError: There is none, or its networks were others.
    """
    facts = _facts(folder)
    if not facts:
        raise InputError(f"{folder} holds no campaign to resume: start one without --resume.")
    plan = CampaignPlan(make_config(**facts["settings"]), facts["page"], facts["pack"])
    if facts["models"] != _models(plan.settings):
        raise InputError(
            f"The campaign in {folder} used other network weights (version {facts['version']}): "
            "resume it with those, or start a new campaign with another --out."
        )
    return plan


def check_same(folder: Path, formulas: Path | None, settings: dict[str, Any]) -> None:
    """Refuse to resume with another list or other settings.

    Raises:
        InputError: The list or a setting differs.
    """
    facts = _facts(folder)
    if formulas is not None and facts.get("list") != _digest(formulas):
        raise InputError(f"The campaign in {folder} has another list of formulas: choose another --out.")
    before = make_config(**facts["settings"])
    check_unchanged(before, make_config(**{**facts["settings"], **settings}), folder)


def run_campaign(
    folder: Path,
    executor: Executor,
    *,
    on_progress: OnProgress | None = None,
    on_failure: OnFailure | None = None,
    retry_failed: bool = False,
) -> Counts:
    """Compute all unfinished tasks of a campaign, and write its tables.

    Args:
        folder: Folder of a campaign.
        executor: Computes the tasks; started and stopped by this function.
        on_progress: Called with ("formulas", finished, total).
        on_failure: Called with each failure.
        retry_failed: Also repeat failed tasks.

    Returns:
        Numbers of done, failed and waiting tasks.

    Raises:
        FolderInUseError: Another process runs this campaign.
        InputError: The store is damaged.
        SchedulerLostError: The scheduler is gone; the store and the tables hold all finished results.
        AlphaCrystalError: All tasks fail, or the store cannot be written.
        KeyboardInterrupt: Passed on after the tables have been written.
    """
    with lock_folder(folder), CampaignStore(folder) as store:
        if retry_failed:
            store.retry_failed()
        with interrupts_held() as hold:
            try:
                with hold.lifted(), executor:
                    compute(store, executor, on_progress=on_progress, on_failure=on_failure)
            finally:
                write_tables(folder, store)
        return store.counts()


class TaskSource(Protocol):
    """Where `compute` takes tasks from and puts outcomes: the store of a campaign, or tasks in memory."""

    def counts(self) -> Counts:
        """Numbers of tasks by status."""
        ...

    def waiting(self) -> Iterator[CampaignTask]:
        """Tasks to compute, in order."""
        ...

    def record(self, outcomes: Iterable[TaskOutcome]) -> None:
        """Keep outcomes."""
        ...


def compute(
    store: TaskSource,
    executor: Executor,
    *,
    on_progress: OnProgress | None = None,
    on_failure: OnFailure | None = None,
) -> None:
    """The loop of a campaign: submit tasks and store outcomes until none is left.

    Raises:
        AlphaCrystalError: MAX_CONSECUTIVE_FAILURES tasks failed in a row, none because of its formula.
    """
    counts = store.counts()
    if on_progress is not None:
        on_progress("formulas", counts.done + counts.failed, counts.total)
    waiting, consecutive_failures = store.waiting(), 0
    submitted: dict[str, CampaignTask] = {}
    while True:
        for _ in range(executor.capacity - len(submitted)):
            task = next(waiting, None)
            if task is None:
                break
            executor.submit(task)
            submitted[task.key] = task
        if not submitted:
            return
        outcomes = executor.finished(_WAIT_S)
        if outcomes:
            with interrupts_held():
                store.record(outcomes)
        for outcome in outcomes:
            counts_as_failure = outcome.failure is not None and outcome.failure_type != "input"
            consecutive_failures = consecutive_failures + 1 if counts_as_failure else 0
            task = submitted.pop(outcome.key)
            if outcome.failure is not None and on_failure is not None:
                on_failure(task, outcome)
        counts = store.counts()
        if on_progress is not None:
            on_progress("formulas", counts.done + counts.failed, counts.total)
        if consecutive_failures >= MAX_CONSECUTIVE_FAILURES:
            raise AlphaCrystalError(
                f"{consecutive_failures} formulas failed in a row, the last with: {outcomes[-1].failure} "
                "The campaign stopped; correct the cause and resume it with --retry-failed."
            )


def check_plan(plan: CampaignPlan) -> None:
    """Refuse settings that make every prediction fail.

    Raises:
        InputError: The settings fix a cell, a file or package is missing, or the pattern cannot be used.
        PotentialError: No potential has this name.
        WeightsError: A network's weights are missing or damaged.
    """
    from alphacrystal.composition import parse_formula
    from alphacrystal.learn import load_model, models_folder
    from alphacrystal.pipeline.pattern import measured_peaks, read_measurement
    from alphacrystal.pipeline.preflight import (
        check_dispersion,
        check_generators,
        check_phonons,
        models_in_use,
    )
    from alphacrystal.relaxation import check_potential

    settings = plan.settings
    if settings.cell is not None or settings.z:
        raise InputError("A campaign reads cells from the column cell of its list, not from the settings.")
    for name in ("hull", "references", "templates"):
        path = getattr(settings, name)
        if path is not None and not path.exists():
            raise InputError(f"There is no {path}, which the setting {name} names.")
    measured_peaks(read_measurement(settings))
    if settings.relax:
        forces = settings.relaxation == "gradient"
        check_potential(settings.full_potential, (), forces=forces, device=settings.device)
        check_dispersion(settings)
    check_phonons(settings)
    check_generators(parse_formula("NaCl"), [1], settings)
    for model in models_in_use(settings):
        load_model(model, models_folder(settings.models))


def _models(settings: PredictConfig) -> dict[str, str]:
    from alphacrystal.learn import model_hashes
    from alphacrystal.pipeline.preflight import models_in_use

    return dict(model_hashes(settings.models, models_in_use(settings)))


def _facts(folder: Path) -> dict[str, Any]:
    if not (folder / FILE).is_file():
        return {}
    with CampaignStore(folder) as store:
        facts = store.facts()
        types = {"list": str, "settings": dict, "page": bool, "pack": bool, "version": str, "models": dict}
        if facts and not all(isinstance(facts.get(name), type_) for name, type_ in types.items()):
            raise InputError(store.damaged())
        return facts


def _digest(path: Path) -> str:
    try:
        check_list_size(path)
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read as a list of formulas: {error.strerror}.") from error
