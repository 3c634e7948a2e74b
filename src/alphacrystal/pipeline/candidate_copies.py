"""Second entries of likely candidates: unrelaxed, or in the cell that indexes a measured pattern."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.errors import InputError
from alphacrystal.generate import GENERATORS, Candidate
from alphacrystal.ranking import MEASURED_CELL

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.relaxation import Relaxation

CONSIDERED = 5  # most probable candidates, which may have a second entry in the list
UNRELAXED_COPY = "unrelaxed copy: the relaxation ends in a different structure"
#: Strain of a length by the relaxation beyond which the fit of the cell to the pattern may not lead back.
MAX_STRAIN = 0.04
MEASURED_CELL_COPY = "relaxed in the cell that indexes the pattern: the potential changes it by more than 4 %"


def unrelaxed_copies(
    candidates: Sequence[Candidate],
    relaxations: Mapping[int, Relaxation],
    starts: Mapping[int, Structure],
) -> list[Candidate]:
    """Copies of candidates to list unrelaxed, in addition to the structures that they relax to.

    Some true structures are no minimum of a potential. Only the CONSIDERED most probable candidates are
    copied, except those of generators with rough coordinates, and only if start and end of the relaxation
    differ by more than the tolerances of CSPBench.

    Args:
        candidates: Candidates of the generators.
        relaxations: Last usable relaxation by number of the candidate.
        starts: Distinct candidates before relaxation, by number.
    """
    from alphacrystal.crystal import SameCrystal, group_duplicates

    wide = SameCrystal(ltol=0.2, stol=0.3, angle_tol=5.0, volume=0.5, fingerprint=0.5)
    generators = {name: _may_be_unrelaxed(name) for name in {candidates[index].generator for index in starts}}
    exact = {index for index in starts if generators[candidates[index].generator]}
    copies = []
    for index in most_probable_candidates(candidates, exact):
        relaxation = relaxations.get(index)
        if relaxation is None or not relaxation.usable:
            continue
        if len(group_duplicates([starts[index], relaxation.structure], wide)) == 1:
            continue
        candidate = candidates[index]
        provenance = {**candidate.provenance, "unrelaxed_copy": True, "candidate": index}
        copies.append(replace(candidate, structure=starts[index], provenance=provenance))
    return copies


def most_probable_candidates(candidates: Sequence[Candidate], among: Collection[int]) -> list[int]:
    """Numbers of the CONSIDERED most probable candidates, best first; those without a probability are none.

    Args:
        candidates: Candidates of the generators.
        among: Numbers of the candidates that count.
    """
    scored = [index for index in among if candidates[index].log_probability is not None]
    return sorted(scored, key=lambda index: (-(candidates[index].log_probability or 0.0), index))[:CONSIDERED]


def _may_be_unrelaxed(generator: str) -> bool:
    try:
        return GENERATORS.get(generator).unrelaxed_copies
    except InputError:
        return False


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
