"""Probabilities of the contents of the primitive cell, and notes on contents that a run leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.composition import formula_units_within
from alphacrystal.config import MAX_ATOMS

if TYPE_CHECKING:
    from alphacrystal.generate import Candidate
    from alphacrystal.pipeline.preflight import Request
    from alphacrystal.report import CellProbability

MIN_NOTED = 0.02  # probability of a content that a limit leaves out and a note names
MIN_NOTED_WITHOUT_CANDIDATES = 0.05  # the same for a content that the run considers but has no candidate of


def cell_probabilities(
    request: Request, candidates: Sequence[Candidate]
) -> tuple[tuple[CellProbability, ...], list[str]]:
    """Contents of the primitive cell, most probable first, and notes on probable ones without candidates.

    The contents are all with up to MAX_ATOMS atoms, or those that the user names.

    Args:
        request: The run.
        candidates: Its candidates.
    """
    from alphacrystal.learn import types_under_pressure
    from alphacrystal.report import CellProbability

    config, formula = request.config, request.formula
    named = bool(config.z) or config.cell is not None or config.fix_sublattice is not None
    units = list(request.formula_units) if named else formula_units_within(formula, MAX_ATOMS)
    types, logs = types_under_pressure(
        formula, units, config.pressure, group=config.space_group, models=config.models
    )
    totals: dict[int, float] = dict.fromkeys(units, 0.0)
    for structure_type, probability in zip(types, np.exp(logs).tolist(), strict=True):
        totals[sum(structure_type.counts()) // formula.num_atoms] += probability
    built = Counter(len(candidate.structure) // formula.num_atoms for candidate in candidates)
    cells = tuple(
        CellProbability(
            cell_formula=formula.cell(z).name,
            z=z,
            atoms=z * formula.num_atoms,
            probability=round(totals[z], 6),
            candidates=built[z],
        )
        for z in sorted(units, key=lambda z: (-totals[z], z))
    )
    excluded = [c for c in cells if c.z not in request.formula_units and c.probability >= MIN_NOTED]
    missing = [
        cell
        for cell in cells
        if cell.z in request.formula_units
        and not cell.candidates
        and cell.probability >= MIN_NOTED_WITHOUT_CANDIDATES
    ]
    notes = []
    if excluded:
        notes.append(
            f"--max-atoms {config.max_atoms} leaves out {_listed(excluded)}: raise it, or use the default "
            f"of {MAX_ATOMS}."
        )
    if missing:
        notes.append(f"No candidate has the cell content {_listed(missing)}: raise --candidates.")
    return cells, notes


def _listed(cells: Sequence[CellProbability]) -> str:
    return ", ".join(f"{cell.cell_formula} ({100 * cell.probability:.0f} %)" for cell in cells)
