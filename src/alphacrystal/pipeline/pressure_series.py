"""Predict one formula at several pressures: a list for each, enthalpies of the phases, and transitions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.composition import parse_formula
from alphacrystal.config import PredictConfig, check_unchanged, make_config
from alphacrystal.errors import InputError
from alphacrystal.pipeline.checkpoint import Checkpoint
from alphacrystal.pipeline.energies import open_relaxer, relax_settings
from alphacrystal.pipeline.predict import predict
from alphacrystal.pipeline.relaxation import relax_pass
from alphacrystal.pipeline.store import EVENTS_FILE, RunStore
from alphacrystal.ranking import (
    PhaseEnthalpies,
    PhaseRange,
    distances_from_lowest,
    lowest_phases,
)
from alphacrystal.report import (
    EventLog,
    PressurePhase,
    default_folder,
    prepare_output_folder,
    pressure_folder,
    write_pressure_series,
)
from alphacrystal.runtime.folder_lock import lock_folder
from alphacrystal.runtime.interrupts import interrupts_held

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.relaxation import Relaxation, Relaxer
    from alphacrystal.report import Prediction
    from alphacrystal.typing import Progress

MAX_PRESSURES = 50
INTERVALS = 6  # of pressure at least in which enthalpies are interpolated
UNIT_VOLUME = 10.0  # Å³/atom at which crystals of different pressures are compared
LIKELY, LOWEST = 5, 5  # structures of each list whose enthalpies are compared: first rows, lowest enthalpies


@dataclass(frozen=True, slots=True)
class PressureSeries:
    """Lists of one formula at several pressures.

    Attributes:
        formula: Reduced formula.
        predictions: List at each pressure in GPa, ascending.
        phases: Phases that lead a list or are low in enthalpy, with their enthalpies at all pressures.
        ranges: Phase of lowest enthalpy by range of pressure, ascending; transitions lie between them.
        folder: Folder of the results; each list has a subfolder.
    """

    formula: str
    predictions: Mapping[float, Prediction]
    phases: tuple[PressurePhase, ...]
    ranges: tuple[PhaseRange, ...]
    folder: Path


def predict_pressures(
    text: str,
    pressures: Sequence[float],
    config: PredictConfig | None = None,
    *,
    folder: Path | str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    page: bool = True,
    **settings: Any,
) -> PressureSeries:
    """Predict the crystal structures of a formula at several pressures and compare their enthalpies.

    Args:
        text: Formula as a user writes it.
        pressures: GPa, at least two different ones.
        config: Settings; the defaults if None. Its pressure is not used.
        folder: Output folder, new or empty unless ``resume``; runs/FORMULA-TIME if None.
        resume: Continue an earlier series in ``folder``.
        progress: Called with (stage, done, total).
        page: Whether to write the report pages.
        **settings: Fields of ``PredictConfig`` that replace those of ``config``.

    Raises:
        InputError: The formula, a setting, the pressures or the folder cannot be used.
        AlphaCrystalError: A file cannot be written.
        KeyboardInterrupt: Raised again; the finished part is on disk.
    """
    base = {**(config or PredictConfig()).model_dump(), **settings}
    values, first = check_pressures(pressures, base)
    formula = parse_formula(text)
    folder = Path(folder) if folder is not None else default_folder(formula.file_name)
    checkpoint = Checkpoint(folder)
    if resume and (stored := checkpoint.load_series()):
        if parse_formula(stored["formula"]) != formula or stored["pressures"] != values:
            raise InputError(
                f"The run in {folder} is of another formula or other pressures: choose another --out."
            )
        check_unchanged(make_config(**stored["settings"]), first, folder)
    with lock_folder(folder, create=True):
        prepare_output_folder(folder, resume=resume)
        checkpoint.save_series(text, values, first.model_dump(mode="json"))
        with open_relaxer(first) as relaxer:
            assert relaxer is not None
            predictions: dict[float, Prediction] = {}
            for value in values:
                config = make_config(**{**base, "pressure": value})
                predictions[value] = _prediction(text, config, folder, value, progress, page, relaxer)
                # The first list decides on dispersion: the enthalpies of all pressures need one scale.
                with_d3 = (
                    predictions[value].potential
                    == first.model_copy(update={"dispersion": "d3"}).full_potential
                )
                base["dispersion"] = "d3" if with_d3 else "none"
            with interrupts_held() as hold, EventLog(folder / EVENTS_FILE) as events:
                store = RunStore(folder, events, progress)
                with hold.lifted(), store.stage("phases"):
                    grid = with_intermediate(values)
                    steps = {value: make_config(**{**base, "pressure": value}) for value in grid}
                    ends = _phases_at_pressures(_phases(predictions), steps, store, relaxer)
        phases = _described(formula.name, ends, grid)
        ranges = lowest_phases([phase.enthalpies for phase in phases], values[0], values[-1])
        write_pressure_series(folder, formula.name, values, phases, ranges, page=page)
    return PressureSeries(formula.name, predictions, phases, ranges, folder)


def check_pressures(
    pressures: Sequence[float], settings: Mapping[str, Any]
) -> tuple[list[float], PredictConfig]:
    """The different pressures in GPa, ascending, and the settings of the first list.

    Args:
        pressures: GPa, in any order.
        settings: Fields of ``PredictConfig``; the pressure among them is not used.

    Raises:
        InputError: There are too few or too many pressures, a setting cannot be used, or nothing is relaxed.
    """
    values = sorted(set(map(float, pressures)))
    if len(values) < 2:
        raise InputError("Give at least two different pressures, e.g. --pressure 0,20,60.")
    if len(values) > MAX_PRESSURES:
        raise InputError(f"{len(values)} pressures are too many: give at most {MAX_PRESSURES}.")
    first, *_ = [make_config(**{**settings, "pressure": value}) for value in values]  # all are checked
    if not first.relax:
        raise InputError(
            "Without relaxation there are no enthalpies: leave out --no-relax or give one --pressure."
        )
    return values, first


def with_intermediate(values: Sequence[float]) -> list[float]:
    """Ascending pressures, and more between them so that no interval is wider than 1/INTERVALS of all."""
    longest = (values[-1] - values[0]) / INTERVALS
    grid = [values[0]]
    for begin, end in pairwise(values):
        count = max(1, math.ceil((end - begin) / longest - 1e-9))
        grid += [round(begin + (end - begin) * k / count, 6) for k in range(1, count)] + [end]
    return grid


def _prediction(
    text: str,
    config: PredictConfig,
    folder: Path,
    pressure: float,
    progress: Progress | None,
    page: bool,
    relaxer: Relaxer,
) -> Prediction:
    run_folder = pressure_folder(folder, pressure)

    def report(stage: str, done: int, total: int) -> None:
        if progress:
            progress(f"{pressure:g} GPa, {stage}", done, total)

    resume = (run_folder / EVENTS_FILE).is_file()
    return predict(text, config, folder=run_folder, resume=resume, progress=report, page=page, shared=relaxer)


def _phases(predictions: Mapping[float, Prediction]) -> list[tuple[Structure, float]]:
    """Distinct structures among the first rows and lowest enthalpies of all lists, with their pressures."""
    from alphacrystal.crystal import SameCrystal, group_duplicates

    chosen: list[tuple[Structure, float]] = []
    for pressure, prediction in predictions.items():
        by_energy = sorted(prediction.ranked, key=lambda item: item.energy_rank or len(prediction.ranked))
        picked = {item.rank: item for item in (*prediction.ranked[:LIKELY], *by_energy[:LOWEST])}
        chosen += [(picked[rank].primitive, pressure) for rank in sorted(picked)]
    scaled = [_at_unit_volume(structure) for structure, _ in chosen]
    return [chosen[group[0]] for group in group_duplicates(scaled, SameCrystal())]


def _at_unit_volume(structure: Structure) -> Structure:
    """The crystal scaled to UNIT_VOLUME: compression changes volumes, not the structure type."""
    scaled = structure.copy()
    scaled.scale_lattice(len(structure) * UNIT_VOLUME)
    return scaled


def _phases_at_pressures(
    phases: Sequence[tuple[Structure, float]],
    configs: Mapping[float, PredictConfig],
    store: RunStore,
    relaxer: Relaxer,
) -> list[dict[float, Relaxation]]:
    """Each phase relaxed at each pressure, step by step from the pressure where it was found.

    A phase that transforms into another one ends at the pressure before.
    """
    ends: list[dict[float, Relaxation]] = [{} for _ in phases]
    for pressures in (list(configs), list(configs)[::-1]):
        latest: dict[int, Structure] = {}
        for pressure in pressures:
            starts = dict(latest)
            for index, (structure, origin) in enumerate(phases):
                if pressure == origin:
                    starts[index] = structure
            name = f"phases at {pressure:g} GPa"
            settings = relax_settings(configs[pressure])
            for index, end in relax_pass(store, relaxer, name, starts, settings).items():
                if end.usable and end.energy_per_atom is not None:
                    ends[index][pressure] = end
                    latest[index] = end.structure
                else:
                    latest.pop(index, None)
    return _distinct(phases, ends)


def _distinct(
    phases: Sequence[tuple[Structure, float]], ends: Sequence[dict[float, Relaxation]]
) -> list[dict[float, Relaxation]]:
    """The relaxations of distinct phases at the pressures at which they did not transform.

    Two structures that are equal at the pressures where both were found are one phase. Of other structures
    that are equal at a pressure, the one that changed least since it was found remains the phase; the others
    transformed into it, and end before that pressure.
    """
    from alphacrystal.crystal import group_duplicates, neighbour_fingerprint

    pressures = sorted({pressure for by_pressure in ends for pressure in by_pressure})
    equal: dict[float, list[list[int]]] = {}
    leader: dict[tuple[float, int], int] = {}
    for pressure in pressures:
        present = [index for index, by_pressure in enumerate(ends) if pressure in by_pressure]
        groups = group_duplicates([ends[index][pressure].structure for index in present])
        equal[pressure] = [[present[k] for k in group] for group in groups]
        leader.update({(pressure, index): group[0] for group in equal[pressure] for index in group})
    distinct: list[int] = []
    for index, (_, origin) in enumerate(phases):
        same = (
            other
            for other in distinct
            if all(
                leader.get((p, index), -1) == leader.get((p, other), -2) for p in (origin, phases[other][1])
            )
        )
        if next(same, None) is None:
            distinct.append(index)

    def change(index: int, pressure: float) -> tuple[float, float, int]:
        structure, origin = phases[index]
        before, after = map(neighbour_fingerprint, (structure, ends[index][pressure].structure))
        return float(np.abs(after - before).max()), abs(origin - pressure), index

    kept = {index: dict(ends[index]) for index in distinct}
    for pressure, groups in equal.items():
        for group in groups:
            members = [index for index in group if index in kept]
            stays = min(members, key=lambda index: change(index, pressure), default=None)
            for index in members:
                origin = phases[index][1]
                if index != stays:  # it transformed at this pressure, and is another phase beyond it
                    for other in pressures:
                        if min(origin, other) <= pressure <= max(origin, other):
                            kept[index].pop(other, None)
    return list(kept.values())


def _described(
    formula: str, ends: Sequence[Mapping[float, Relaxation]], pressures: Sequence[float]
) -> tuple[PressurePhase, ...]:
    """The phases with their enthalpies: those that are lowest somewhere, then by distance from the lowest."""
    from alphacrystal.crystal import standard_structure

    described = []
    for by_pressure in ends:
        kept = [pressure for pressure in pressures if pressure in by_pressure]
        if not kept:
            continue
        relaxations = [by_pressure[pressure] for pressure in kept]
        structures = [relaxation.structure for relaxation in relaxations]
        _, number, symbol = standard_structure(structures[0], symprec=0.1)
        enthalpies = PhaseEnthalpies(
            np.array(kept),
            np.array([relaxation.energy_per_atom for relaxation in relaxations], dtype=np.float64),
            np.array([structure.volume / len(structure) for structure in structures]),
        )
        described.append(PressurePhase(formula, number, symbol, tuple(structures), enthalpies))
    if not described:
        return ()
    stable = lowest_phases([phase.enthalpies for phase in described], pressures[0], pressures[-1])
    order = list(dict.fromkeys(number for number, _, _ in stable))
    above = distances_from_lowest([phase.enthalpies for phase in described], pressures)
    order += [i for i in np.argsort(above, kind="stable").tolist() if i not in order]
    return tuple(described[i] for i in order)
