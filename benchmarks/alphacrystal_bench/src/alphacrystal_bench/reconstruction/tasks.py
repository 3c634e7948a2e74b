"""What a reconstruction is given of a known crystal, exact or spoiled, and whether it found the crystal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from ase.data import chemical_symbols
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import (
    LatticeParameters,
    cell_shape,
    constrained_shape,
    describe_symmetry,
    lattice_parameters,
    min_image_distances,
    shape_to_cell,
    space_group,
)
from alphacrystal.data import StructureRecord
from alphacrystal.typing import FloatArray, IntArray

MATCHER = StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5)
LARGEST = 20  # atoms in the primitive cell


@dataclass(frozen=True, slots=True, eq=False)
class Puzzle:
    """A crystal and what is told of it.

    Attributes:
        id: Of the record.
        formula: Reduced formula.
        solution: The recorded structure.
        numbers: Atomic numbers of the primitive cell, shape (atoms,).
        distances: Minimum-image distances in Å, shape (atoms, atoms).
        space_group: Number, at symprec 0.1 Å.
        letters: Wyckoff letter of each atom; told in the ablation only.
        occupation: Wyckoff letters by element; told in the ablation only.
        lattice: Conventional cell.
    """

    id: str
    formula: str
    solution: Structure
    numbers: IntArray
    distances: FloatArray
    space_group: int
    letters: tuple[str, ...]
    occupation: dict[str, str]
    lattice: LatticeParameters

    @property
    def system(self) -> str:
        """Crystal system."""
        return space_group(self.space_group).crystal_system

    def solved_by(self, lattice: FloatArray, numbers: IntArray, positions: FloatArray) -> bool:
        """Whether a crystal matches the recorded one (StructureMatcher 0.2/0.3/5)."""
        species = [chemical_symbols[number] for number in numbers]
        return self.is_solved_by(Structure(Lattice(lattice), species, positions))

    def is_solved_by(self, structure: Structure) -> bool:
        """The same of a structure."""
        return bool(MATCHER.fit(self.solution, structure))


def puzzles(records: Iterable[StructureRecord]) -> list[Puzzle]:
    """Puzzles of records of up to LARGEST atoms in the primitive cell.

    The matrix and the cell are those of the symmetrised crystal, so that they belong to the space group.
    """
    return [puzzle for record in records if (puzzle := _puzzle(record)) is not None]


def _puzzle(record: StructureRecord) -> Puzzle | None:
    structure = record.structure()
    found = describe_symmetry(
        structure.lattice.matrix, structure.frac_coords, np.array(structure.atomic_numbers, dtype=np.int64)
    )
    if len(found.numbers) > LARGEST:
        return None
    system = space_group(found.space_group).crystal_system
    shape = constrained_shape(system, cell_shape(lattice_parameters(found.lattice)))
    return Puzzle(
        id=record.id,
        formula=record.reduced_formula,
        solution=structure,
        numbers=found.numbers,
        distances=min_image_distances(found.primitive_lattice, found.primitive_positions),
        space_group=found.space_group,
        letters=found.letters,
        occupation=found.occupation(),
        lattice=lattice_parameters(shape_to_cell(shape)),
    )


def spoiled(puzzle: Puzzle, noise: float, stretch: float, seed: int, *, halves_alike: bool) -> Puzzle:
    """The puzzle with noise on its matrix and wrong cell lengths.

    Args:
        puzzle: Exact.
        noise: Standard deviation of the Gaussian noise on each entry, Å.
        stretch: Relative error of every free cell length, up or down at random.
        seed: Of this puzzle.
        halves_alike: Both entries of a pair get the same noise; else each its own, which averages out in
            part.
    """
    random = np.random.default_rng(seed)
    errors = random.normal(0, noise, puzzle.distances.shape)
    if halves_alike:
        errors = np.triu(errors, 1) + np.triu(errors, 1).T
    np.fill_diagonal(errors, 0.0)
    factors = 1 + stretch * random.choice([-1.0, 1.0], 3)
    if puzzle.system == "cubic":
        factors[:] = factors[0]
    elif puzzle.system in ("tetragonal", "trigonal", "hexagonal"):
        factors[1] = factors[0]
    a, b, c = factors * [puzzle.lattice.a, puzzle.lattice.b, puzzle.lattice.c]
    return replace(
        puzzle,
        distances=np.abs(puzzle.distances + errors),
        lattice=LatticeParameters(
            float(a),
            float(b),
            float(c),
            puzzle.lattice.alpha,
            puzzle.lattice.beta,
            puzzle.lattice.gamma,
        ),
    )
