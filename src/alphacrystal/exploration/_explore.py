"""Explore a chemical system: rounds of predictions, each chosen by the hull of the rounds before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alphacrystal import __version__
from alphacrystal.config import PredictConfig, check_unchanged, make_config
from alphacrystal.errors import InputError
from alphacrystal.exploration._exploration import Exploration
from alphacrystal.exploration._log import EVENTS_FILE, ExploreLog, read_log
from alphacrystal.exploration._run import ExplorationRun, OnRound
from alphacrystal.exploration._system import ChemicalSystem, parse_system
from alphacrystal.exploration._tasks import Budget, parse_budget
from alphacrystal.report import EventLog, default_folder, prepare_output_folder
from alphacrystal.runtime.folder_lock import lock_folder
from alphacrystal.runtime.torch_device import check_device
from alphacrystal.scale import DaskExecutor, Executor, LocalExecutor
from alphacrystal.typing import Progress

#: Defaults that differ from those of a single prediction.
DEFAULTS: Mapping[str, Any] = {"max_atoms": 40, "dispersion": "none"}
MAX_PRESSURES = 20


def explore(
    system: str | Sequence[str],
    config: PredictConfig | None = None,
    *,
    pressures: Sequence[float] = (),
    budget: str | Budget = "30min",
    folder: Path | str | None = None,
    resume: bool = False,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
    on_round: OnRound | None = None,
    page: bool = True,
    **settings: Any,
) -> Exploration:
    """Explore a chemical system: predict the phases at the compositions where a compound is probable.

    Each round predicts some formulas, computes the convex hull of all phases, and writes the results. The
    next round has the formulas with the largest expected lowering of the hull, and thorough searches of
    formulas near it. All energies are those of one potential.

    Args:
        system: Two to four elements, e.g. "Li-P-S" or ["Li", "P", "S"].
        config: Settings of the thorough predictions; the defaults if None, with ``max_atoms`` 40 and without
            dispersion. The quick predictions have at most 10 candidates and 20 atoms.
        pressures: GPa; the pressure of the settings if empty.
        budget: A time of this start, e.g. "30min", or a number of formulas, e.g. "200formulas".
        folder: Output folder; runs/SYSTEM-TIME if None. A folder with an exploration of the same system and
            settings is continued.
        resume: Require an exploration in ``folder``.
        workers: Local worker processes.
        scheduler: Address of a Dask scheduler instead of local workers.
        progress: Called with (stage, done, total).
        on_round: Called after each round.
        page: Whether to write the page and the pictures.
        **settings: Fields of ``PredictConfig`` that replace those of ``config``.

    Raises:
        InputError: The system, a setting, the budget or the folder cannot be used.
        AlphaCrystalError: The elements have no energies, or a file cannot be written.
        KeyboardInterrupt: Raised again after the results of the finished formulas are written.
    """
    parsed = parse_system(system)
    limit = budget if isinstance(budget, Budget) else parse_budget(budget)
    base = {**DEFAULTS} if config is None else config.model_dump()
    settings_of_run = make_config(**{**base, **settings, "workers": 1})
    if settings_of_run.xrd is not None:  # workers may have another current folder
        settings_of_run = settings_of_run.model_copy(update={"xrd": settings_of_run.xrd.resolve()})
    values = sorted(set(map(float, pressures or (settings_of_run.pressure,))))
    check_exploration(parsed, settings_of_run, values)
    if scheduler is None:  # the workers of a cluster may have other devices than this machine
        check_device(settings_of_run.device)
    path = Path(folder) if folder is not None else default_folder(parsed.name)
    if resume:
        stored_exploration(path)
    with lock_folder(path, create=True):
        log = _opened(path, parsed, settings_of_run, values)
        with EventLog(path / EVENTS_FILE) as events:
            events.emit("run", event="start", system=parsed.name, budget=str(limit))
            run = ExplorationRun(parsed, settings_of_run, values, path, log, events, page=page)
            executor: Executor = (
                LocalExecutor(run.task, workers) if scheduler is None else DaskExecutor(run.task, scheduler)
            )
            run.explore(limit, executor, progress, on_round)
    return run.result()


def stored_exploration(folder: Path) -> ExploreLog:
    """The log of the exploration in a folder.

    Raises:
        InputError: There is none, or it is damaged.
    """
    log = read_log(folder)
    if log is None:
        raise InputError(f"{folder} holds no exploration to resume: start one without --resume.")
    return log


def check_exploration(system: ChemicalSystem, config: PredictConfig, pressures: Sequence[float]) -> None:
    """Refuse settings without one scale of energies, and missing packages, before anything is written.

    Args:
        system: The chemical system.
        config: Settings of the thorough predictions.
        pressures: GPa.

    Raises:
        InputError: Says which.
        PotentialError: The potential cannot be used.
    """
    from alphacrystal.pipeline.pattern import measured_peaks, read_measurement
    from alphacrystal.pipeline.preflight import check_dispersion
    from alphacrystal.relaxation import EnergyScale, check_potential, energy_scale

    if not config.relax:
        raise InputError("A hull needs energies: leave out --no-relax.")
    if config.dispersion == "auto":
        raise InputError("A hull needs one scale of energies: give --dispersion none or d3, not auto.")
    if len(pressures) > MAX_PRESSURES:
        raise InputError(f"{len(pressures)} pressures are too many: give at most {MAX_PRESSURES}.")
    if config.xrd is not None and len(pressures) > 1:
        raise InputError(f"{config.xrd.name} was measured at one pressure: give one --pressure with --xrd.")
    measured_peaks(read_measurement(config))
    for pressure in pressures:
        make_config(pressure=pressure)  # its range is checked
    forces = config.relaxation == "gradient"
    check_potential(config.full_potential, system.elements, forces=forces, device=config.device)
    if energy_scale(config.potential) is EnergyScale.FORMATION and pressures != [0.0]:
        raise InputError(
            f"{config.potential} gives formation energies, which have no pressure: leave it out."
        )
    check_dispersion(config)


def _opened(
    folder: Path, system: ChemicalSystem, config: PredictConfig, pressures: Sequence[float]
) -> ExploreLog:
    """The log of the folder, new or checked to be of the same exploration.

    Raises:
        InputError: The folder holds something else.
    """
    from alphacrystal.learn import model_hashes
    from alphacrystal.pipeline.preflight import models_in_use

    models = model_hashes(config.models, (*models_in_use(config), "existence"))
    log = read_log(folder)
    if log is None:
        prepare_output_folder(folder)
        log = ExploreLog(
            elements=list(system.elements),
            pressures=list(pressures),
            settings=config.model_dump(mode="json"),
            models=models,
            version=__version__,
        )
        log.write(folder)
        return log
    if log.elements != list(system.elements) or log.pressures != list(pressures):
        raise InputError(
            f"The exploration in {folder} is of {'-'.join(log.elements)} at "
            f"{', '.join(f'{value:g}' for value in log.pressures)} GPa: choose another --out."
        )
    check_unchanged(make_config(**log.settings), config, folder)
    if log.models != models:
        raise InputError(
            f"The exploration in {folder} used other network weights (version {log.version}): "
            "resume it with those, or choose another --out."
        )
    return log
