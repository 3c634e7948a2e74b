"""Constraints of a run on its structures: least distances, and a cell with a tolerance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.composition import Formula
    from alphacrystal.config import PredictConfig
    from alphacrystal.generate import Candidate
    from alphacrystal.relaxation import Relaxation

RIGHT_ANGLE = 90.0  # degrees; the tolerance of an angle is this share of it
ROUNDING = 1e-6  # Å by which a distance may be smaller than its limit


def check_constraints(formula: Formula, config: PredictConfig) -> None:
    """Refuse constraints that cannot apply to a formula.

    Raises:
        InputError: A pair of elements does not occur in it, or a tolerance has no cell.
    """
    for pair in config.min_distance:
        missing = [symbol for symbol in pair.split("-") if symbol not in formula.counts]
        if missing:
            raise InputError(
                f"--min-distance {pair} names {missing[0]}, which {formula.text} does not contain: name two "
                "of its elements."
            )
    if config.lattice_tolerance is not None and config.lattice is None:
        raise InputError("--lattice-tolerance belongs to a cell: give it with --lattice.")


def violation(structure: Structure, config: PredictConfig) -> str | None:
    """The option that a structure violates, e.g. "--min-distance O-O=2.4"; None without one."""
    for pair, distance in _shortest(structure, config.min_distance).items():
        if distance < config.min_distance[pair] - ROUNDING:
            return f"--min-distance {pair}={config.min_distance[pair]:g}"
    if config.lattice_tolerance is not None and not _has_cell(structure, config):
        return f"--lattice-tolerance {100 * config.lattice_tolerance:g}%"
    return None


def _shortest(structure: Structure, limits: Mapping[str, float]) -> dict[str, float]:
    """Shortest distance in Å of each pair of elements that is closer than the largest limit."""
    if not limits:
        return {}
    symbols = np.array([site.specie.symbol for site in structure])
    centres, neighbours, _, distances = structure.get_neighbor_list(max(limits.values()))
    found = {}
    for pair in limits:
        first, second = pair.split("-")
        chosen = distances[(symbols[centres] == first) & (symbols[neighbours] == second)]
        if len(chosen):
            found[pair] = float(chosen.min())
    return found


def _has_cell(structure: Structure, config: PredictConfig) -> bool:
    """Whether the lattice of a structure has the given cell, or a part of it, within the tolerance."""
    from pymatgen.core import Lattice

    assert config.lattice is not None
    assert config.lattice_tolerance is not None
    tolerance = config.lattice_tolerance
    given = Lattice.from_parameters(*config.lattice)
    mapping = structure.lattice.find_mapping(given, ltol=tolerance, atol=tolerance * RIGHT_ANGLE)
    return mapping is not None


def fulfilling(
    candidates: Sequence[Candidate], config: PredictConfig
) -> tuple[list[Candidate], Counter[str]]:
    """The candidates that fulfil the least distances before relaxation, and the violated options.

    Cells are compared after the relaxation only.
    """
    distances = config.model_copy(update={"lattice_tolerance": None})
    broken = [violation(candidate.structure, distances) for candidate in candidates]
    kept = [candidate for candidate, option in zip(candidates, broken, strict=True) if option is None]
    return kept, Counter(filter(None, broken))


def left_out(
    candidates: Sequence[Candidate], relaxations: Mapping[int, Relaxation] | None, config: PredictConfig
) -> dict[int, str]:
    """Numbers of the candidates whose final structure violates a constraint, with the option.

    Args:
        candidates: All candidates of a run.
        relaxations: By number; None where the candidates are the final structures.
        config: Settings of the run.
    """
    if not config.min_distance and config.lattice_tolerance is None:
        return {}
    if relaxations is None:
        finals = {index: candidate.structure for index, candidate in enumerate(candidates)}
    else:
        finals = {index: item.structure for index, item in relaxations.items() if item.usable}
    broken = {index: violation(structure, config) for index, structure in finals.items()}
    return {index: option for index, option in broken.items() if option is not None}


def constraint_notes(violated: Counter[str], what: str) -> list[str]:
    """A sentence on each option: how many structures violate it and are left out."""
    return [
        f"{count} {what}{'s' if count > 1 else ''} {'violate' if count > 1 else 'violates'} {option} and "
        f"{'are' if count > 1 else 'is'} left out."
        for option, count in sorted(violated.items())
    ]
