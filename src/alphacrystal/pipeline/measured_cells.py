"""Copies of likely candidates that keep the cell which indexes a measured pattern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.generate import Candidate
from alphacrystal.pipeline.unrelaxed_copies import most_probable_candidates
from alphacrystal.ranking import MEASURED_CELL

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.relaxation import Relaxation

#: Strain of a length by the relaxation beyond which the fit of the cell to the pattern may not lead back.
MAX_STRAIN = 0.04
MEASURED_CELL_COPY = "relaxed in the cell that indexes the pattern: the potential changes it by more than 4 %"


def measured_cell_copies(
    candidates: Sequence[Candidate],
    relaxations: Mapping[int, Relaxation],
    starts: Mapping[int, Structure],
) -> list[Candidate]:
    """Copies of candidates whose cell the relaxation changes so much that it leaves the pattern.

    A potential may be wrong by more than ten per cent along an axis, for instance between layers, where the
    indexed cell is right. Only the most probable candidates are copied.

    Args:
        candidates: Candidates of the generators, in cells that index the pattern.
        relaxations: Last usable relaxation by number of the candidate.
        starts: Distinct candidates before relaxation, by number.
    """
    copies = []
    for index in most_probable_candidates(candidates, starts):
        relaxation = relaxations.get(index)
        if relaxation is None or not relaxation.usable:
            continue
        if largest_strain(starts[index], relaxation.structure) > MAX_STRAIN:
            candidate = candidates[index]
            provenance = {**candidate.provenance, MEASURED_CELL: True, "candidate": index}
            copies.append(replace(candidate, structure=starts[index], provenance=provenance))
    return copies


def largest_strain(before: Structure, after: Structure) -> float:
    """Largest relative change of a length between two cells with the same basis."""
    deformation = np.linalg.solve(before.lattice.matrix, after.lattice.matrix)
    stretches = np.linalg.svd(deformation, compute_uv=False)
    return float(np.abs(stretches - 1).max())
