"""Explorations compared with searches by CrySPY with the same number of relaxations."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alphacrystal.data import read_records
from alphacrystal.errors import InputError
from alphacrystal.exploration import RUNS_FOLDER, Exploration, parse_system
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.facts import commit_of
from alphacrystal_bench.harness.registry import Result
from alphacrystal_bench.harness.rows import Rows, check_settings
from alphacrystal_bench.systems.choice import KnownSystem, known_systems
from alphacrystal_bench.systems.comparison import NEAR, compared, explored_phases, relaxed_experiment
from alphacrystal_bench.systems.cryspy import (
    MAX_ATOMS,
    explored_structures,
    require_cryspy,
    search,
)
from alphacrystal_bench.systems.run import explored_system

SYSTEMS = 3  # the first binary systems of the benchmark
GENERATORS = ("distance_matrix",)
BINARY = 2  # elements


def benchmark_explore_peer(
    data: Path,
    folder: Path,
    on_progress: Progress,
    *,
    systems: Sequence[str],
    budget: int,
    peer_seconds: float,
    seed: int,
) -> Result:
    """Explore the systems with both programs; finished ones are kept in ``folder``.

    Args:
        data: Records.
        folder: Output folder.
        on_progress: Called with (stage, done, total).
        systems: Binary systems of the benchmark, e.g. "Al-Hf"; the first three if empty.
        budget: Formulas of each exploration.
        peer_seconds: Processor time of a search by CrySPY at most, in s.
        seed: Of the choice of systems, the predictions, and the searches.

    Raises:
        InputError: CrySPY is missing, or a system is not one of the benchmark.
        AlphaCrystalError: CrySPY failed.
    """
    require_cryspy()
    settings = {
        "systems": list(systems),
        "budget": budget,
        "generators": list(GENERATORS),
        "peer_seconds": peer_seconds,
        "seed": seed,
    }
    check_settings(folder, settings)
    chosen = _chosen(known_systems(read_records(data), seed), systems)
    rows = Rows(folder / "rows.jsonl")
    for done, system in enumerate(chosen):
        on_progress("systems", done, len(chosen))
        if system.name not in rows:
            rows.add(system.name, _row(system, folder / "systems", budget, peer_seconds, seed))
    on_progress("systems", len(chosen), len(chosen))
    finished = [rows[system.name] for system in chosen]
    programs = ("exploration", "cryspy")
    totals = {name: _scores([row[name] for row in finished]) for name in programs}
    totals["cryspy"]["reachable"] = sum(len(row["cryspy"]["reachable"]) for row in finished)
    return {**settings, "totals": totals, "rows": finished}


def _chosen(systems: Sequence[KnownSystem], names: Sequence[str]) -> list[KnownSystem]:
    binary = {system.name: system for system in systems if system.name.count("-") + 1 == BINARY}
    if unknown := [name for name in names if name not in binary]:
        raise InputError(f"--systems takes some of {', '.join(binary)}, not {', '.join(unknown)}.")
    return [binary[name] for name in names] if names else list(binary.values())[:SYSTEMS]


def _row(system: KnownSystem, folder: Path, budget: int, peer_seconds: float, seed: int) -> dict[str, Any]:
    result, cost = explored_system(system, folder / system.name, budget, GENERATORS, 1, seed)
    runs = _finished_runs(result.folder)
    relaxations = sum(run["relaxations"] for run in runs.values())
    ours = explored_phases(result, _seconds(result, runs, cost["processor_seconds"]))
    elements = parse_system(system.name)
    found = search(
        elements, folder / f"{system.name}-cryspy", relaxations=relaxations, seconds=peer_seconds, seed=seed
    )
    theirs = explored_structures(elements, found.structures)
    experiment = relaxed_experiment(system)
    their_phases = compared(theirs, experiment, ours.hull.phases)
    return {
        "id": system.name,
        "commit": commit_of(Path(__file__)),
        "exploration": {
            "formulas": result.predicted,
            "relaxations": relaxations,
            "steps": sum(run["steps"] for run in runs.values()),
            "processor_seconds": cost["processor_seconds"],
            **compared(ours, experiment, theirs.hull.phases),
        },
        "cryspy": {
            "formulas": len(theirs.hull.lowest) - len(elements.elements),
            "generations": max(item.generation for item in found.structures),
            "relaxations": found.relaxations,
            "steps": found.steps,
            "processor_seconds": round(found.processor_seconds, 1),
            "stopped": found.stopped,
            "reachable": _reachable(system, their_phases["known"]),
            **their_phases,
        },
    }


def _reachable(system: KnownSystem, phases: Sequence[Mapping[str, Any]]) -> list[str]:
    """Formulas of the known phases that fit into the cells of CrySPY."""
    most = {record.id: max(Counter(record.species).values()) for record in system.records}
    return [phase["formula"] for phase in phases if most[phase["id"]] <= MAX_ATOMS]


def _finished_runs(folder: Path) -> dict[str, dict[str, Any]]:
    """Relaxations, their steps, and the wall time in s of each prediction, in the order of their end."""
    found = {}
    for file in folder.glob(f"{RUNS_FOLDER}/*/*/results.json"):
        run = json.loads(file.with_name("run.json").read_text(encoding="utf-8"))
        candidates = json.loads(file.read_text(encoding="utf-8"))["candidates"]
        relaxed = [candidate["relaxation"] for candidate in candidates if candidate["relaxation"]]
        found[file.parent.relative_to(folder).as_posix()] = {
            "written": run["written"],
            "seconds": sum(run["timings_s"].values()),
            "relaxations": len(relaxed),
            "steps": sum(relaxation["steps"] or 0 for relaxation in relaxed),
        }
    return dict(sorted(found.items(), key=lambda item: (item[1]["written"], item[0])))


def _seconds(
    result: Exploration, runs: Mapping[str, Mapping[str, Any]], processor_seconds: float
) -> dict[int, float]:
    """Processor time until each phase was predicted.

    The processor time of the exploration is divided among the predictions in proportion to their wall times.
    """
    ends = np.cumsum([run["seconds"] for run in runs.values()])
    after = dict(zip(runs, (processor_seconds * ends / ends[-1]).round(1).tolist(), strict=True))
    phases = result.hull.phases
    return {index: after[phase.folder] for index, phase in enumerate(phases) if phase.folder}


def _scores(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    known = [phase for part in parts for phase in part["known"]]
    return {
        "known_phases": len(known),
        "structure_within_50": sum(map(is_found, known)),
        "mean_hull_error": float(np.mean([phase["hull_error"] for phase in known])) if known else None,
        "relaxations": sum(part["relaxations"] for part in parts),
        "steps": sum(part["steps"] for part in parts),
        "processor_seconds": round(sum(part["processor_seconds"] for part in parts), 1),
    }


def is_found(phase: Mapping[str, Any]) -> bool:
    """Whether a search has the structure of a known phase near its hull."""
    return phase["matched_above_hull"] is not None and phase["matched_above_hull"] <= NEAR[-1]
