"""Textbook crystals as the search sees them: a hypothesis and a distogram."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from ase.data import chemical_symbols
from pymatgen.core import Structure

from alphacrystal.composition import element_order
from alphacrystal.crystal import (
    FREE_SHAPE,
    Distogram,
    LatticeParameters,
    SymmetryHypothesis,
    describe_symmetry,
    lattice_parameters,
    min_image_distances,
    space_group,
)

# As the networks have them: fine where bonds are, coarse further out.
EDGES = np.concatenate([np.linspace(1.2, 6, 49), np.linspace(6.25, 12, 24), np.linspace(13, 16, 4)])


@dataclass(frozen=True)
class Puzzle:
    """What is known of a crystal before its coordinates are found, and the crystal."""

    hypothesis: SymmetryHypothesis
    distogram: Distogram
    solution: Structure


def make_puzzle(structure: Structure, spread: float) -> Puzzle:
    found = describe_symmetry(
        structure.lattice.matrix, structure.frac_coords, np.array(structure.atomic_numbers)
    )
    free = np.zeros(6)
    free[list(FREE_SHAPE[space_group(found.space_group).crystal_system])] = spread
    order = sorted(range(len(found.numbers)), key=lambda i: element_order(chemical_symbols[found.numbers[i]]))
    distances = min_image_distances(found.primitive_lattice, found.primitive_positions[order])
    hypothesis = SymmetryHypothesis(
        space_group=found.space_group,
        occupation=found.occupation(),
        formula_units=1,
        lattice=lattice_parameters(found.lattice),
        lattice_std=LatticeParameters(0, 0, 0, 0, 0, 0),
        shape_scale=tuple(free),
        log_probability=0.0,
    )
    solution = Structure(found.primitive_lattice, found.numbers, found.primitive_positions)
    return Puzzle(hypothesis, Distogram.from_distances(found.numbers[order], distances, EDGES), solution)


@pytest.fixture(scope="session")
def puzzle(textbook: Callable[[str], Structure]) -> Callable[..., Puzzle]:
    """A function of (name, spread=0.0): a textbook crystal with its true cell, free within the spread."""

    def of(name: str, spread: float = 0.0) -> Puzzle:
        return make_puzzle(textbook(name), spread)

    return of
