"""Methods that predict a known compound, each with its cost: ours, baselines, and controls.

All run in this process with one potential; only our relaxations have a worker process. Times are processor
seconds of both processes, so that other work on the machine does not count. The comparison with the known
structure is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.composition import parse_formula
from alphacrystal.config import PredictConfig
from alphacrystal.crystal import describe_symmetry, lattice_parameters
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.evaluation import match_pair
from alphacrystal.generate import (
    Budget,
    ContactMapGenerator,
    DistanceMatrixGenerator,
    EnergyFunction,
    RandomSymmetricGenerator,
)
from alphacrystal.pipeline.checkpoint import Checkpoint
from alphacrystal.pipeline.energies import energy_function
from alphacrystal.pipeline.predict import predict
from alphacrystal.typing import Progress
from alphacrystal_bench.cost.random_searches import SEARCHES, EvaluatedStructure, search
from alphacrystal_bench.cspbench.compounds import Compound
from alphacrystal_bench.harness.facts import commit_of
from alphacrystal_bench.harness.pages import fact_line
from alphacrystal_bench.harness.rows import Rows, check_settings
from alphacrystal_bench.paper_tables.paper_compounds import plain_structure

if TYPE_CHECKING:
    from pymatgen.core import Structure

Row = dict[str, Any]

OURS, CONTACT_MAP = "ours", "contact_map"
TRUE_CELL, RELAXED_TRUTH = "random_in_true_cell", "relaxed_truth"
METHODS = (OURS, CONTACT_MAP, TRUE_CELL, RELAXED_TRUTH, *SEARCHES)
LISTED = 20
SAME_ENERGY = 1e-3  # eV/atom; structures of a search within it count as one
CONTROL_TRIALS = 100_000  # in low symmetry few random structures keep all atoms apart
ROWS = "methods.jsonl"


@dataclass(frozen=True, slots=True)
class MethodSettings:
    """Settings of all methods.

    Attributes:
        potential: Potential of energies and relaxations.
        seed: Random seed.
        seconds: Processor seconds of a search per compound.
        relax: Whether our candidates are relaxed.
        max_evaluations: Energy evaluations of a search per compound; no limit if None.
    """

    potential: str = "chgnet"
    seed: int = 0
    seconds: float = 60.0
    relax: bool = True
    max_evaluations: int | None = None

    def fixed(self) -> dict[str, Any]:
        """Settings that a continued run must share with the interrupted one."""
        return {
            "potential": self.potential,
            "seed": self.seed,
            "seconds": self.seconds,
            "relax": self.relax,
            **({} if self.max_evaluations is None else {"max_evaluations": self.max_evaluations}),
        }

    def prediction(self, cell: str = "") -> PredictConfig:
        """Settings of our predictions: one worker, defaults for all others."""
        return PredictConfig(
            potential=self.potential,
            seed=self.seed,
            relax=self.relax,
            workers=1,
            cell=cell or None,
            known_phases=False,
            dispersion="none",
        )


def method_row(
    method: str, compound: Compound, settings: MethodSettings, folder: Path, *, cell: str = ""
) -> Row:
    """Predict a compound with one method.

    Args:
        method: One of METHODS. The baselines are given the number of formula units in the primitive cell;
            ours is not, unless ``cell`` is given.
        compound: The known crystal.
        settings: Settings of all methods.
        folder: Run folder of our prediction; new or empty.
        cell: Cell content for our prediction.

    Returns:
        Values for JSON: up to 20 ``structures`` in the order of the method, with ``match`` and ``energy``
        (formation energy in eV/atom; ours also as ``written`` in the CIF file), total ``cpu_seconds`` and
        ``evaluations``, ``first_match`` (the cost when the known structure first occurred), ``made`` (number
        of generated structures), ``refused``.
    """
    row: Row = {"compound": compound.id, "formula": compound.formula, "method": method, "refused": ""}
    row |= {"cpu_seconds": 0.0, "evaluations": 0, "made": 0, "first_match": None, "structures": []}
    try:
        if method == OURS:
            row |= _ours(compound, settings, folder, cell)
        elif method == CONTACT_MAP:
            row |= _contact_map(compound, settings)
        elif method == TRUE_CELL:
            row |= _random_in_true_cell(compound, settings)
        elif method == RELAXED_TRUTH:
            row |= _relaxed_truth(compound, settings)
        else:
            energies = energies_of(settings)
            evaluated = search(
                method,
                parse_formula(compound.formula),
                units_of(compound),
                energies,
                settings.potential,
                settings.seconds,
                settings.seed,
                settings.max_evaluations,
            )
            row |= _searched(evaluated, compound)
    except AlphaCrystalError as error:
        row["refused"] = str(error)
    return row


def method_rows(
    methods: Sequence[str],
    compounds: Sequence[Compound],
    settings: MethodSettings,
    out: Path,
    on_progress: Progress,
    cells: Mapping[str, str] | None = None,
) -> dict[tuple[str, str], Row]:
    """Rows by (method, compound id); the finished ones are read from ``out``."""
    check_settings(out, settings.fixed())
    finished = Rows(out / ROWS)
    rows: dict[tuple[str, str], Row] = {}
    commit = commit_of(Path(__file__))
    warm = False
    for method in methods:
        for done, compound in enumerate(compounds):
            key = f"{compound.id} {method}"
            on_progress(method, done, len(compounds))
            if key not in finished:
                if not warm:
                    warm_up(settings)
                    warm = True
                folder = _new_folder(out / "runs" / f"{compound.formula}-{compound.id}")
                cell = (cells or {}).get(compound.id, "")
                row = method_row(method, compound, settings, folder, cell=cell)
                finished.add(key, {"id": key, "commit": commit, **row})
            rows[method, compound.id] = finished[key]
        on_progress(method, len(compounds), len(compounds))
    return rows


def row_facts(rows: Mapping[tuple[str, str], Row]) -> dict[str, Any]:
    """Commits at which the rows were computed, and their total processor time."""
    timed = [row for row in rows.values() if "cpu_seconds" in row]
    return {
        "row_commits": sorted({row.get("commit", "unknown") for row in timed}),
        "cpu_minutes": round(sum(row["cpu_seconds"] for row in timed) / 60, 1),
    }


def method_facts(name: str, result: Mapping[str, Any]) -> str:
    """The facts of a result of `method_rows` for its page."""
    energies = f"energies with {result['potential']}" + ("" if result["relax"] else ", not relaxed")
    details = (
        f", one process, {result['cpu_minutes']} processor minutes without the comparison, {energies}. "
        f"The methods ran at commit {', '.join(result['row_commits'])}"
    )
    return fact_line(name, result, options=" --data DIR", details=details)


def _new_folder(folder: Path) -> Path:
    """A new folder: the time of a prediction that was interrupted and continued would not be comparable."""
    number = 2
    new = folder
    while new.exists():
        new, number = folder.with_name(f"{folder.name}-{number}"), number + 1
    return new


def warm_up(settings: MethodSettings) -> None:
    """Load networks and potential, so that no method includes the time of loading."""
    formula = parse_formula("NaCl")
    structures = [
        candidate.structure
        for candidate in DistanceMatrixGenerator(formula_units=[1]).generate(
            formula, 1, np.random.default_rng(0)
        )
    ]
    if settings.relax:
        energies_of(settings)(structures)


def energies_of(settings: MethodSettings) -> EnergyFunction:
    """Formation energies in eV/atom with the potential of the run."""
    return energy_function(settings.prediction())


def energies_by_formula(
    settings: MethodSettings,
) -> Callable[[str, Sequence[Structure]], list[float | None]]:
    """Energies in eV/atom of structures of a formula; None for structures without energy."""

    def energies(_: str, structures: Sequence[Structure]) -> list[float | None]:
        values = energies_of(settings)(structures)
        return [float(value) if np.isfinite(value) else None for value in values]

    return energies


def units_of(compound: Compound) -> int:
    """Formula units in the primitive cell of the known structure."""
    return max(1, round(compound.atoms / parse_formula(compound.formula).num_atoms))


def _ours(compound: Compound, settings: MethodSettings, folder: Path, cell: str) -> Row:
    begin = time.process_time()
    generated: list[float] = []

    def note(stage: str, done: int, total: int) -> None:
        if not stage.startswith("generate") and not generated:
            generated.append(time.process_time() - begin)

    run = predict(compound.formula, settings.prediction(cell), folder=folder, progress=note)
    steps = Checkpoint(folder).load_relaxations().values()
    cpu_seconds = time.process_time() - begin + sum(end.seconds for end in steps)  # worker process
    structures = [
        {
            **plain_structure(item.primitive),
            "energy": item.formation_energy_per_atom,
            "match": _matches(item.primitive, compound),
            "written": plain_structure(item.structure),
        }
        for item in run.ranked[:LISTED]
    ]
    evaluations = sum(1 + end.steps for end in steps)
    unrelaxed = [_matches(candidate.structure, compound) for candidate in run.candidates[:LISTED]]
    matched = any(item["match"] for item in structures)
    return {
        "cpu_seconds": round(cpu_seconds, 3),
        "generate_cpu_seconds": round(generated[0] if generated else cpu_seconds, 3),
        "evaluations": evaluations,
        "made": len(run.candidates),
        "first_match": {"cpu_seconds": round(cpu_seconds, 3), "evaluations": evaluations}
        if matched
        else None,
        "structures": structures,
        "unrelaxed": unrelaxed,
    }


def _contact_map(compound: Compound, settings: MethodSettings) -> Row:
    begin = time.process_time()
    generator = ContactMapGenerator([units_of(compound)])
    rng = np.random.default_rng(settings.seed)
    candidates = generator.generate(parse_formula(compound.formula), LISTED, rng)
    structures = [candidate.structure for candidate in candidates]
    values = energies_of(settings)(structures) if settings.relax else np.zeros(len(structures))
    cpu_seconds = round(time.process_time() - begin, 3)
    order = np.argsort(np.where(np.isfinite(values), values, np.inf), kind="stable")
    listed = [_listed(structures[index], float(values[index]), compound) for index in order]
    matched = any(item["match"] for item in listed)
    return {
        "cpu_seconds": cpu_seconds,
        "evaluations": len(structures),
        "made": len(structures),
        "first_match": {"cpu_seconds": cpu_seconds, "evaluations": len(structures)} if matched else None,
        "structures": listed,
    }


def _random_in_true_cell(compound: Compound, settings: MethodSettings) -> Row:
    """Control: random structures in the true space group and lattice."""
    structure = compound.structure
    numbers = np.array(structure.atomic_numbers, dtype=np.int64)
    symmetry = describe_symmetry(structure.lattice.matrix, structure.frac_coords, numbers)
    generator = RandomSymmetricGenerator(
        [units_of(compound)],
        symmetry.space_group,
        lattice_parameters(symmetry.lattice),
        budget=Budget(proposals=CONTROL_TRIALS),
    )
    begin = time.process_time()
    rng = np.random.default_rng(settings.seed)
    candidates = list(generator.generate(parse_formula(compound.formula), LISTED, rng))
    return {
        "cpu_seconds": round(time.process_time() - begin, 3),
        "made": len(candidates),
        "structures": [_listed(candidate.structure, None, compound) for candidate in candidates],
    }


def _relaxed_truth(compound: Compound, settings: MethodSettings) -> Row:
    from alphacrystal.pipeline.energies import energy_reference, relax_settings
    from alphacrystal.relaxation import load_potential, relax

    config = settings.prediction()
    reference = energy_reference(compound.structure.composition.get_el_amt_dict(), config)
    # in the stored cell, which keeps origin and orientation
    (end,) = relax([compound.structure], load_potential(settings.potential), relax_settings(config))
    if not end.usable or end.energy_per_atom is None or reference is None:
        raise InputError(f"The known structure of {compound.formula} cannot be relaxed: {end.reason}.")
    energy = reference.formation_energy(end.structure, end.energy_per_atom)
    return {
        "evaluations": 1 + end.steps,
        "made": 1,
        "structures": [_listed(end.structure, energy, compound)],
    }


def _searched(evaluated: Sequence[EvaluatedStructure], compound: Compound) -> Row:
    """Cost of a search until the known structure first occurred, and its structures of lowest energy."""
    first = next((item for item in evaluated if _matches(item.structure, compound)), None)
    listed: list[EvaluatedStructure] = []
    for item in sorted((e for e in evaluated if np.isfinite(e.energy)), key=lambda e: e.energy):
        if all(abs(item.energy - other.energy) >= SAME_ENERGY for other in listed):
            listed.append(item)
        if len(listed) == LISTED:
            break
    return {
        "cpu_seconds": round(evaluated[-1].cpu_seconds, 3) if evaluated else 0.0,
        "evaluations": evaluated[-1].evaluations if evaluated else 0,
        "made": len(evaluated),
        "first_match": None
        if first is None
        else {"cpu_seconds": round(first.cpu_seconds, 3), "evaluations": first.evaluations},
        "structures": [_listed(item.structure, item.energy, compound) for item in listed],
    }


def _listed(structure: Structure, energy: float | None, compound: Compound) -> Row:
    finite = energy is not None and np.isfinite(energy)
    return {
        **plain_structure(structure),
        "energy": round(float(energy), 6) if energy is not None and finite else None,
        "match": _matches(structure, compound),
    }


def _matches(structure: Structure, compound: Compound) -> bool:
    return bool(match_pair(structure, compound.structure).matched)
