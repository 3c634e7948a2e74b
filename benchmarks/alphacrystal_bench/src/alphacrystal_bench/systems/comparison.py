"""Comparison of the hull of a search with the experimental phases of a system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.composition import parse_formula
from alphacrystal.data import read_structures
from alphacrystal.evaluation import match_pair
from alphacrystal.exploration import Exploration, Hull, Phase
from alphacrystal.relaxation import RelaxSettings, load_potential, relax
from alphacrystal_bench.systems.choice import KnownSystem

if TYPE_CHECKING:
    from pymatgen.core import Structure

POTENTIAL = "chgnet"
NEAR = (0.03, 0.05)  # eV/atom above the hull of the exploration
TRUE_PHASE = 0.05  # eV/atom above the joint hull up to which an experimental phase counts
FALSE_PHASE = 0.03  # eV/atom above the joint hull from which a phase on the explored hull is false


@dataclass(frozen=True, slots=True, eq=False)
class Explored:
    """The hull of a search and the structures of its phases.

    Attributes:
        hull: Elements and predicted phases.
        structures: Structures of the phases near the hull, by index of the phase.
        seconds: Processor time in s after which the search had each structure, by index of the phase; empty
            if it was not measured.
    """

    hull: Hull
    structures: Mapping[int, Structure]
    seconds: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """The experimental phases of a system, relaxed with the potential.

    Attributes:
        system: The system.
        phases: All phases that could be relaxed.
        lowest: Energy in eV/atom and index of the record of the lowest phase, by formula.
    """

    system: KnownSystem
    phases: tuple[Phase, ...]
    lowest: Mapping[str, tuple[float, int]]


def relaxed_experiment(system: KnownSystem) -> Experiment:
    """Relax the experimental structures of a system."""
    structures = [record.structure() for record in system.records]
    ends = relax(structures, load_potential(POTENTIAL), RelaxSettings())
    known: dict[str, tuple[float, int]] = {}
    phases: list[Phase] = []
    for index, (record, end) in enumerate(zip(system.records, ends, strict=True)):
        if not end.usable or end.energy_per_atom is None:
            continue
        phase = Phase(parse_formula(record.reduced_formula).counts, end.energy_per_atom, "known")
        phases.append(phase)
        if phase.formula not in known or end.energy_per_atom < known[phase.formula][0]:
            known[phase.formula] = (end.energy_per_atom, index)
    return Experiment(system, tuple(phases), known)


def explored_phases(result: Exploration, seconds: Mapping[int, float] | None = None) -> Explored:
    """The phases of an exploration, with the structures of those near the hull."""
    hull = result.hull
    structures = {}
    for index, phase in enumerate(hull.phases):
        if phase.file and hull.above[index] <= NEAR[-1]:
            (structures[index],) = read_structures(result.folder / phase.folder / phase.file)
    return Explored(hull, structures, seconds or {})


def compared(explored: Explored, experiment: Experiment, others: Sequence[Phase] = ()) -> dict[str, Any]:
    """The experimental phases of a system that a search has, and its false phases.

    Args:
        explored: The result of the search.
        experiment: The experimental phases.
        others: Phases of other searches. The joint hull contains them, the experimental and the explored
            phases.
    """
    hull = explored.hull
    joint = Hull(hull.system, (*hull.phases, *experiment.phases, *others))
    rows = [_phase_row(explored, joint, formula, experiment) for formula in sorted(experiment.lowest)]
    true = [row for row in rows if row["above_joint_hull"] <= TRUE_PHASE]
    stable = [hull.phases[index] for index in hull.stable if len(hull.phases[index].counts) > 1]
    above = joint.above[: len(hull.phases)]
    false = [hull.phases[i].formula for i in hull.stable if above[i] > FALSE_PHASE]
    return {
        "known": true,
        "on_hull": [phase.formula for phase in stable],
        "false": false,
        "new": [
            phase.formula
            for phase in stable
            if phase.formula not in experiment.lowest and phase.formula not in false
        ],
    }


def _phase_row(explored: Explored, joint: Hull, formula: str, experiment: Experiment) -> dict[str, Any]:
    energy, place = experiment.lowest[formula]
    hull, record = explored.hull, experiment.system.records[place]
    counts = parse_formula(record.reduced_formula).counts
    fractions = np.array([hull.system.fractions(counts)])
    reached, best = float(hull.energy_at(fractions)[0]), float(joint.energy_at(fractions)[0])
    lowest = hull.lowest.get(formula)
    target = record.structure()
    matched = [
        index
        for index, structure in explored.structures.items()
        if hull.phases[index].formula == formula
        and hull.above[index] <= NEAR[-1]
        and match_pair(structure, target).matched
    ]
    row = {
        "formula": formula,
        "id": record.id,
        "atoms": len(record.species),
        "above_joint_hull": round(energy - best, 4),
        "hull_error": round(reached - best, 4),
        "explored": lowest is not None,
        "above_hull": None if lowest is None else round(float(hull.above[lowest]), 4),
        "matched_above_hull": min((round(float(hull.above[i]), 6) for i in matched), default=None),
        "in_training": record.split != "val",
    }
    if explored.seconds:
        row["found_after"] = min((explored.seconds[index] for index in matched), default=None)
    return row
