"""All metrics of pairs of structures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphacrystal.errors import InputError
from alphacrystal.evaluation._families import QUICK_FAMILIES, ComparedCrystal, run_family
from alphacrystal.evaluation._metrics import METRICS, MetricValue, metric_names
from alphacrystal.evaluation._tasks import TIME_LIMIT_S, run_tasks
from alphacrystal.runtime.torch_device import AUTO
from alphacrystal.typing import StageProgress

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.relaxation import EnergyModel

Values = dict[str, MetricValue]


def compare(
    predicted: ComparedCrystal | Structure | Path,
    target: ComparedCrystal | Structure | Path,
    metrics: str | Sequence[str] = "all",
    *,
    potential: str | EnergyModel = "chgnet",
    device: str = AUTO,
    time_limit_s: float = TIME_LIMIT_S,
) -> Values:
    """Metrics of one predicted and one target structure by name, in the order of `METRICS`.

    Args:
        predicted: Of files the Wyckoff errors take the rows of the CIF; of structures all atoms.
        target: The same holds.
        metrics: Names and sets, see `metric_names`; the result includes the invariant form of each.
        potential: Potential for the energies, by name or loaded.
        device: Of a potential given by name, see `load_potential`.
        time_limit_s: Processor seconds for each family of metrics; values beyond it are missing and say so.

    Raises:
        InputError: A file cannot be read, or there is no such metric.
        PotentialError: There is no such potential.
    """
    (values,) = compare_many(
        [(predicted, target)], metrics, potential=potential, device=device, time_limit_s=time_limit_s
    )
    return values


def compare_many(
    pairs: Sequence[tuple[ComparedCrystal | Structure | Path, ComparedCrystal | Structure | Path]],
    metrics: str | Sequence[str] = "all",
    *,
    potential: str | EnergyModel = "chgnet",
    device: str = AUTO,
    workers: int = 1,
    time_limit_s: float = TIME_LIMIT_S,
    on_progress: StageProgress | None = None,
) -> list[Values]:
    """Metrics of each pair (predicted, target); see `compare`.

    Energies are computed once for each structure object, in this process; the rest on ``workers`` processes.
    """
    names = metric_names(metrics)
    crystals = [(_crystal(predicted), _crystal(target)) for predicted, target in pairs]
    families = list(dict.fromkeys(METRICS[name].family for name in names))
    slow = [family for family in families if family != "energy" and family not in QUICK_FAMILIES]
    tasks = [(family, target, predicted) for predicted, target in crystals for family in slow]
    results = iter(
        run_tasks(run_family, tasks, workers=workers, time_limit_s=time_limit_s, on_done=on_progress)
    )
    energies = _energy_values(crystals, potential, device) if "energy" in families else [{}] * len(crystals)
    values: list[Values] = []
    for (predicted, target), energy in zip(crystals, energies, strict=True):
        values_of_pair: dict[str, MetricValue] = dict(energy)
        for family in families:
            if family in QUICK_FAMILIES:
                values_of_pair |= run_family(family, target, predicted)
            elif family != "energy":
                result = next(results)
                missing = MetricValue.not_computed(result.failure or "it failed")
                values_of_pair |= result.value or _failed(family, names, missing)
        values.append({name: values_of_pair[name] for name in names})
    return values


def _crystal(given: ComparedCrystal | Structure | Path) -> ComparedCrystal:
    if isinstance(given, ComparedCrystal):
        return given
    return ComparedCrystal.read(given) if isinstance(given, Path) else ComparedCrystal.of(given)


def _failed(family: str, names: Sequence[str], missing: MetricValue) -> Values:
    return {name: missing for name in names if METRICS[name].family == family}


def _energy_values(
    crystals: Sequence[tuple[ComparedCrystal, ComparedCrystal]], potential: str | EnergyModel, device: str
) -> list[Mapping[str, MetricValue]]:
    from alphacrystal.relaxation import load_energy_model

    model = load_energy_model(potential, device) if isinstance(potential, str) else potential
    structures = {id(crystal.structure): crystal.structure for pair in crystals for crystal in pair}
    known = {
        key: structure
        for key, structure in structures.items()
        if {element.symbol for element in structure.composition.elements} <= model.supported_elements
    }
    energies: dict[int, float] = dict(zip(known, _energies(model, list(known.values())), strict=True))
    values: list[Mapping[str, MetricValue]] = []
    for predicted, target in crystals:
        missing = next((item for item in (target, predicted) if id(item.structure) not in energies), None)
        if missing is not None:
            clause = (
                f"{model.name} does not know all elements of {missing.structure.composition.reduced_formula}"
            )
            values.append(_failed("energy", list(METRICS), MetricValue.missing(clause)))
            continue
        per_atom = [energies[id(item.structure)] for item in (target, predicted)]
        sizes = [len(item.structure) for item in (target, predicted)]
        if not all(map(math.isfinite, per_atom)):
            clause = f"{model.name} gives no energy for one of them"
            values.append(_failed("energy", list(METRICS), MetricValue.missing(clause)))
            continue
        values.append(
            {
                "energy_distance": MetricValue(abs(per_atom[0] * sizes[0] - per_atom[1] * sizes[1])),
                "energy_distance_per_atom": MetricValue(abs(per_atom[0] - per_atom[1])),
            }
        )
    return values


def _energies(model: EnergyModel, structures: Sequence[Structure]) -> list[float]:
    """One structure after the other: an evaluation in a batch differs in the sixth digit."""
    try:
        return [float(model.energies_per_atom([structure])[0]) for structure in structures]
    except InputError:
        return [math.nan] * len(structures)


def best_values(rows: Sequence[Mapping[str, MetricValue]]) -> dict[str, Any]:
    """For each metric the best value over candidates and the place of the first that has it; None without."""
    best: dict[str, Any] = {}
    for name in rows[0] if rows else ():
        sign = -1 if METRICS[name].larger_is_better else 1
        values = [
            (sign * value, place) for place, row in enumerate(rows) if (value := row[name].value) is not None
        ]
        best[name] = (sign * min(values)[0], min(values)[1]) if values else None
    return best
