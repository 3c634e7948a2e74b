"""A known framework of a run: the formula units that it allows, and how far its atoms move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from alphacrystal.composition import Formula
    from alphacrystal.config import PredictConfig
    from alphacrystal.ranking import RankedStructure

SHOWN = 5  # rows in the note


def units_of_framework(formula: Formula, units: Sequence[int], config: PredictConfig) -> list[int]:
    """The formula units of a run: those of its framework, if it has one.

    Raises:
        InputError: The framework cannot be used, or allows none of the given units.
    """
    if config.fix_sublattice is None:
        return list(units)
    if config.generators != ("sublattice",):
        raise InputError(
            "--fix-sublattice is a search by the generator sublattice alone: leave out --generators."
        )
    from alphacrystal.generate.generators.sublattice import read_framework

    framework = read_framework(config.fix_sublattice, formula)
    if framework.formula_units not in units:
        raise InputError(
            f"The framework {config.fix_sublattice} needs Z = {framework.formula_units} "
            f"({formula.cell(framework.formula_units).name}), which --z, --cell or --max-atoms leaves out."
        )
    return [framework.formula_units]


def framework_notes(ranked: Sequence[RankedStructure]) -> list[str]:
    """How far the atoms of the framework moved in the first rows, and how the volume changed."""
    from alphacrystal.generate.generators.sublattice import FRAMEWORK_ATOMS

    moves = []
    source = ""
    for row in ranked[:SHOWN]:
        known = row.candidate.provenance.get(FRAMEWORK_ATOMS)
        if not isinstance(known, int) or row.relaxation is None:
            continue
        before, after = row.candidate.structure, row.primitive
        difference = (after.frac_coords - before.frac_coords)[:known]
        difference -= np.round(difference)
        difference -= difference.mean(0)  # the origin is arbitrary
        largest = float(np.linalg.norm(difference @ after.lattice.matrix, axis=1).max(initial=0.0))
        change = 100 * (after.volume / before.volume - 1)
        moves.append(f"row {row.rank} {largest:.2f} Å, {change:+.1f} %")
        source = str(row.candidate.provenance.get("framework", ""))
    if not moves:
        return []
    return [
        f"Largest shift of an atom of the framework {source}, and change of the volume: {'; '.join(moves)}."
    ]
