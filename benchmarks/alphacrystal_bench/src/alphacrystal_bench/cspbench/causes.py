"""Why a known structure is not the first of the list."""

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

FOUND = "found first"
RANKED_LOW = "proposed but ranked low"
LOST = "lost in relaxation"
WRONG_LATTICE = "wrong lattice"
RECONSTRUCTION = "reconstruction failed"
TYPE_MISSING = "type not proposed"
TOO_LARGE = "cell too large"
CAUSES = (RANKED_LOW, LOST, WRONG_LATTICE, RECONSTRUCTION, TYPE_MISSING, TOO_LARGE)


@dataclass(frozen=True, slots=True)
class TrueType:
    """The structure type of a known crystal, at symprec 0.1 Å.

    Attributes:
        space_group: Number.
        occupation: Wyckoff letters by element, in the canonical setting.
        atoms: In the primitive cell.
    """

    space_group: int
    occupation: Mapping[str, str]
    atoms: int


def true_type(structure: Structure) -> TrueType | None:
    """The type of a structure; None where no symmetry can be found."""
    numbers = np.array(structure.atomic_numbers, dtype=np.int64)
    try:
        found = describe_symmetry(structure.lattice.matrix, structure.frac_coords, numbers)
    except InputError:
        return None
    return TrueType(found.space_group, found.occupation(), len(found.numbers))


def cause(run: Prediction, told: TrueType | None, truth: Structure, place: int | None) -> str:
    """What kept a structure from the first place.

    "proposed but ranked low": it is in the list. "lost in relaxation": it matched before. "wrong lattice":
    its type was built, but its own coordinates in the predicted cell do not match it. "reconstruction
    failed": they would. "type not proposed": no candidate has its space group and Wyckoff letters.

    Args:
        run: The prediction.
        told: Type of the known structure.
        truth: The known structure.
        place: Place of the match in the final list, from 1.
    """
    if place == 1:
        return FOUND
    if place is not None:
        return RANKED_LOW
    if any(match_pair(candidate.structure, truth).matched for candidate in run.candidates):
        return LOST
    if told is None:
        return TYPE_MISSING
    of_type = [
        candidate.hypothesis
        for candidate in run.candidates
        if candidate.hypothesis is not None
        and candidate.hypothesis.space_group == told.space_group
        and dict(candidate.hypothesis.occupation) == dict(told.occupation)
    ]
    if not of_type:
        return TOO_LARGE if told.atoms > max(len(c.structure) for c in run.candidates) else TYPE_MISSING
    moved = (_in_cell_of(hypothesis, truth) for hypothesis in of_type)
    return RECONSTRUCTION if any(match_pair(crystal, truth).matched for crystal in moved) else WRONG_LATTICE


def _in_cell_of(hypothesis: SymmetryHypothesis, truth: Structure) -> Structure:
    """The true coordinates in the predicted cell."""
    numbers = np.array(truth.atomic_numbers, dtype=np.int64)
    found = describe_symmetry(truth.lattice.matrix, truth.frac_coords, numbers)
    cell = hypothesis.lattice
    predicted = Lattice.from_parameters(cell.a, cell.b, cell.c, cell.alpha, cell.beta, cell.gamma)
    primitive = found.primitive_lattice @ np.linalg.inv(found.lattice) @ predicted.matrix
    species = [chemical_symbols[number] for number in found.numbers]
    return Structure(Lattice(primitive), species, found.primitive_positions)
