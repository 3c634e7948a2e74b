"""Causes of failure: why the first structure of a list does not match the known structure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.data import chemical_symbols
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import describe_symmetry
from alphacrystal.errors import InputError
from alphacrystal.evaluate import match_pair

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
    if any(match_pair(candidate.structure, truth).matched for candidate in run.candidates):
        return LOST
    if known_type is None:
        return TYPE_MISSING
    of_type = [
        candidate.hypothesis
        for candidate in run.candidates
        if candidate.hypothesis is not None
        and candidate.hypothesis.space_group == known_type.space_group
        and dict(candidate.hypothesis.occupation) == dict(known_type.occupation)
    ]
    if not of_type:
        largest = max(len(candidate.structure) for candidate in run.candidates)
        return TOO_LARGE if known_type.atoms > largest else TYPE_MISSING
    crystals = (_in_cell_of(hypothesis, truth) for hypothesis in of_type)
    matched = any(match_pair(crystal, truth).matched for crystal in crystals)
    return RECONSTRUCTION if matched else WRONG_LATTICE


def _in_cell_of(hypothesis: SymmetryHypothesis, truth: Structure) -> Structure:
    """The true coordinates in the predicted cell."""
    numbers = np.array(truth.atomic_numbers, dtype=np.int64)
    symmetry = describe_symmetry(truth.lattice.matrix, truth.frac_coords, numbers)
    cell = hypothesis.lattice
    predicted = Lattice.from_parameters(cell.a, cell.b, cell.c, cell.alpha, cell.beta, cell.gamma)
    primitive = symmetry.primitive_lattice @ np.linalg.inv(symmetry.lattice) @ predicted.matrix
    species = [chemical_symbols[number] for number in symmetry.numbers]
    return Structure(Lattice(primitive), species, symmetry.primitive_positions)
