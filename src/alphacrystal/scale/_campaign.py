"""A campaign: many formulas, on whatever computes them, with everything that is finished on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alphacrystal import __version__
from alphacrystal.config import PredictConfig, check_unchanged, make_config
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.pipeline.formula_list import read_requests
from alphacrystal.report import prepare_output_folder
from alphacrystal.runtime.folder_lock import lock_folder
from alphacrystal.runtime.interrupts import interrupts_held
from alphacrystal.scale._executor import Executor
from alphacrystal.scale._store import FILE, STORE_SUFFIXES, CampaignStore, Counts, remove_unborn_store
from alphacrystal.scale._tables import write_tables
from alphacrystal.scale._units import Outcome, Unit

#: Failures one after the other, none by bad input, after which something else must be wrong.
MAX_CONSECUTIVE_FAILURES = 20

_LOOK_S = 1.0  # between looks at the clock while nothing ends

OnProgress = Callable[[str, int, int], None]
OnFailure = Callable[[Unit, Outcome], None]


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What a campaign was asked for, besides its list.

    Attributes:
        settings: Of each prediction.
        page: Whether each gets a report page.
        pack: Whether each run folder becomes one zip file.
    """

    settings: PredictConfig
    page: bool
    pack: bool


def begin_campaign(
    formulas: Path, folder: Path, plan: CampaignPlan, on_progress: OnProgress | None = None
) -> None:
    """Write down the list and the plan of a new campaign.

    The folder is locked before anything is written. A list that cannot be used leaves no store: only files
    that this call wrote are deleted.

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
    """The plan of a campaign that was begun.

    Raises:
        InputError: There is none, or it was begun with other networks.
    """
    facts = _facts(folder)
    if not facts:
        raise InputError(f"{folder} holds no campaign to resume: start one without --resume.")
    plan = CampaignPlan(make_config(**facts["settings"]), facts["page"], facts["pack"])
    if facts["models"] != _models(plan.settings):
        raise InputError(
            f"The campaign in {folder} was begun with other network weights (version {facts['version']}): "
            "resume it with those, or start anew with another --out."
        )
    return plan


def check_same(folder: Path, formulas: Path | None, settings: dict[str, Any]) -> None:
    """Refuse to go on with another list or other settings.

    Raises:
        InputError: Names what differs.
    """
    facts = _facts(folder)
    if formulas is not None and facts.get("list") != _digest(formulas):
        raise InputError(f"The campaign in {folder} is of another list of formulas: choose another --out.")
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
    """Compute all units of a campaign that are not finished, and write its tables.

    Args:
        folder: Of a campaign that was begun.
        executor: Computes the units; started and stopped here.
        on_progress: Called with ("formulas", ended, total).
        on_failure: Called with each failure.
        retry_failed: Also compute those that failed before.

    Returns:
        How many are done, failed and waiting.

    Raises:
        FolderInUseError: Another process runs this campaign.
        InputError: The store is damaged.
        SchedulerLostError: The scheduler is gone; what was finished is in the store and in the tables.
        AlphaCrystalError: Everything fails, or the disk refused the store.
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


def compute(
    store: CampaignStore,
    executor: Executor,
    *,
    on_progress: OnProgress | None = None,
    on_failure: OnFailure | None = None,
) -> None:
    """The loop of a campaign: hand out units, write down outcomes, until none is left.

    Raises:
        AlphaCrystalError: MAX_CONSECUTIVE_FAILURES units failed in a row, none because of its formula.
    """
    counts = store.counts()
    if on_progress is not None:
        on_progress("formulas", counts.done + counts.failed, counts.total)
    waiting, in_a_row = store.waiting(), 0
    held: dict[str, Unit] = {}
    while True:
        for _ in range(executor.capacity - len(held)):
            unit = next(waiting, None)
            if unit is None:
                break
            executor.submit(unit)
            held[unit.key] = unit
        if not held:
            return
        outcomes = executor.finished(_LOOK_S)
        if outcomes:
            with interrupts_held():
                store.record(outcomes)
        for outcome in outcomes:
            broken = outcome.failure is not None and outcome.kind != "input"
            in_a_row = in_a_row + 1 if broken else 0
            unit = held.pop(outcome.key)
            if outcome.failure is not None and on_failure is not None:
                on_failure(unit, outcome)
        counts = store.counts()
        if on_progress is not None:
            on_progress("formulas", counts.done + counts.failed, counts.total)
        if in_a_row >= MAX_CONSECUTIVE_FAILURES:
            raise AlphaCrystalError(
                f"{in_a_row} formulas failed one after the other, the last with: {outcomes[-1].failure} "
                "The campaign stopped; correct that and resume it with --retry-failed."
            )


def check_plan(plan: CampaignPlan) -> None:
    """Refuse settings that no formula could be predicted with.

    Raises:
        InputError: A cell was given for all formulas, or a file or package that is asked for is missing.
        PotentialError: No potential has this name.
        WeightsError: A network's weights are missing or damaged.
    """
    from alphacrystal.composition import parse_formula
    from alphacrystal.learn import load_model, models_folder
    from alphacrystal.pipeline.preflight import check_generators, models_in_use
    from alphacrystal.relax import check_potential

    settings = plan.settings
    if settings.cell is not None or settings.z:
        raise InputError("A campaign takes cells from a column cell of its list, not from the settings.")
    for name in ("hull", "references", "templates"):
        path = getattr(settings, name)
        if path is not None and not path.exists():
            raise InputError(f"There is no {path}, which the setting {name} names.")
    if settings.relax:
        check_potential(settings.potential, (), forces=settings.relaxation == "gradient")
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
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read as a list of formulas: {error.strerror}.") from error
