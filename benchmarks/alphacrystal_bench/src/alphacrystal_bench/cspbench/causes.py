"""Causes of failure: why the first structure of a list does not match the known structure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.data import chemical_symbols
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import describe_symmetry
from alphacrystal.errors import InputError
from alphacrystal.evaluation import match_pair
from alphacrystal_bench.cspbench.controls import MAX_ATOMS

if TYPE_CHECKING:
    from alphacrystal.crystal import SymmetryHypothesis
    from alphacrystal.report import Prediction

FOUND = "found_first"
RANKED_LOW = "proposed_but_ranked_low"
LOST = "lost_in_relaxation"
WRONG_LATTICE = "wrong_lattice"
RECONSTRUCTION = "reconstruction_failed"
TYPE_MISSING = "type_not_proposed"
TOO_LARGE = "cell_too_large"
CAUSES = (RANKED_LOW, LOST, WRONG_LATTICE, RECONSTRUCTION, TYPE_MISSING, TOO_LARGE)


@dataclass(frozen=True, slots=True)
class TrueType:
    """The structure type of a known crystal, at symprec 0.1 Å.

    Attributes:
        space_group: Number.
        occupation: Wyckoff letters by element, in the canonical setting.
        atoms: Atoms in the primitive cell.
    """

    space_group: int
    occupation: Mapping[str, str]
    atoms: int

    def is_of(self, hypothesis: SymmetryHypothesis) -> bool:
        """Whether a hypothesis has this type."""
        return hypothesis.space_group == self.space_group and dict(hypothesis.occupation) == dict(
            self.occupation
        )


def true_type(structure: Structure) -> TrueType | None:
    """The type of a structure; None if its symmetry cannot be determined."""
    numbers = np.array(structure.atomic_numbers, dtype=np.int64)
    try:
        symmetry = describe_symmetry(structure.lattice.matrix, structure.frac_coords, numbers)
    except InputError:
        return None
    return TrueType(symmetry.space_group, symmetry.occupation(), len(symmetry.numbers))


def cause(run: Prediction, known_type: TrueType | None, truth: Structure, rank: int | None) -> str:
    """The cause that keeps the known structure from the first rank.

    RANKED_LOW: it is in the list. LOST: a candidate matches, but no relaxed one does. WRONG_LATTICE: its
    type was built, but its coordinates in the predicted cell do not match it. RECONSTRUCTION: they would
    match. TYPE_MISSING: no candidate has its space group and Wyckoff letters.

    Args:
        run: The prediction.
        known_type: Type of the known structure.
        truth: The known structure.
        rank: Rank of the first match in the final list, from 1.
    """
    if rank == 1:
        return FOUND
    if rank is not None:
        return RANKED_LOW

    def matched(crystals: Sequence[Structure]) -> bool:
        return any(match_pair(crystal, truth).matched for crystal in crystals)

    if matched([candidate.structure for candidate in run.candidates]):
        return LOST
    return cause_before_relaxation(run, known_type, truth, matched, MAX_ATOMS)


def cause_before_relaxation(
    run: Prediction,
    known_type: TrueType | None,
    truth: Structure,
    matched: Callable[[Sequence[Structure]], bool],
    max_atoms: int,
) -> str:
    """The cause of a prediction without a matching candidate; see ``cause``.

    Args:
        run: The prediction.
        known_type: Type of the known structure.
        truth: The known structure.
        matched: Whether any of some crystals matches the known structure.
        max_atoms: Atoms in the primitive cells that the prediction considers at most.
    """
    if known_type is None:
        return TYPE_MISSING
    of_type = [
        candidate.hypothesis
        for candidate in run.candidates
        if candidate.hypothesis is not None and known_type.is_of(candidate.hypothesis)
    ]
    if not of_type:
        return TOO_LARGE if known_type.atoms > max_atoms else TYPE_MISSING
    crystals = [_in_cell_of(hypothesis, truth) for hypothesis in of_type]
    return RECONSTRUCTION if matched(crystals) else WRONG_LATTICE


def _in_cell_of(hypothesis: SymmetryHypothesis, truth: Structure) -> Structure:
    """The true coordinates in the predicted cell."""
    numbers = np.array(truth.atomic_numbers, dtype=np.int64)
    symmetry = describe_symmetry(truth.lattice.matrix, truth.frac_coords, numbers)
    cell = hypothesis.lattice
    predicted = Lattice.from_parameters(cell.a, cell.b, cell.c, cell.alpha, cell.beta, cell.gamma)
    primitive = symmetry.primitive_lattice @ np.linalg.inv(symmetry.lattice) @ predicted.matrix
    species = [chemical_symbols[number] for number in symmetry.numbers]
    return Structure(Lattice(primitive), species, symmetry.primitive_positions)
