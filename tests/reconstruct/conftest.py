"""Textbook crystals as reconstruction tasks: a hypothesis and a distogram."""

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

# As in the networks: fine where bonds are, coarse further out.
EDGES = np.concatenate([np.linspace(1.2, 6, 49), np.linspace(6.25, 12, 24), np.linspace(13, 16, 4)])


@dataclass(frozen=True)
class ReconstructionTask:
    """The input of a reconstruction, and the crystal."""

    hypothesis: SymmetryHypothesis
    distogram: Distogram
    solution: Structure


def make_task(structure: Structure, spread: float) -> ReconstructionTask:
    symmetry = describe_symmetry(
        structure.lattice.matrix, structure.frac_coords, np.array(structure.atomic_numbers)
    )
    free = np.zeros(6)
    free[list(FREE_SHAPE[space_group(symmetry.space_group).crystal_system])] = spread
    order = sorted(
        range(len(symmetry.numbers)), key=lambda i: element_order(chemical_symbols[symmetry.numbers[i]])
    )
    distances = min_image_distances(symmetry.primitive_lattice, symmetry.primitive_positions[order])
    hypothesis = SymmetryHypothesis(
        space_group=symmetry.space_group,
        occupation=symmetry.occupation(),
        formula_units=1,
        lattice=lattice_parameters(symmetry.lattice),
        lattice_std=LatticeParameters(0, 0, 0, 0, 0, 0),
        shape_scale=tuple(free),
        log_probability=0.0,
    )
    solution = Structure(symmetry.primitive_lattice, symmetry.numbers, symmetry.primitive_positions)
    return ReconstructionTask(
        hypothesis, Distogram.from_distances(symmetry.numbers[order], distances, EDGES), solution
    )


@pytest.fixture(scope="session")
def task(textbook: Callable[[str], Structure]) -> Callable[..., ReconstructionTask]:
    """A function of (name, spread=0.0): a textbook crystal with its true cell, free within the spread."""

    def of(name: str, spread: float = 0.0) -> ReconstructionTask:
        return make_task(textbook(name), spread)

    return of
