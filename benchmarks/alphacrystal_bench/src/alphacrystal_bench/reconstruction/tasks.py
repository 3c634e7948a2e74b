"""Reconstruction tasks: exact or perturbed input from a known crystal, and the comparison with it."""

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
MAX_ATOMS = 20  # atoms in the primitive cell


@dataclass(frozen=True, slots=True, eq=False)
class ReconstructionTask:
    """A crystal and the input of its reconstruction.

    Attributes:
        id: Identifier of the record.
        formula: Reduced formula.
        solution: The recorded structure.
        numbers: Atomic numbers of the primitive cell, shape (atoms,).
        distances: Minimum-image distances in Å, shape (atoms, atoms).
        space_group: Number, at symprec 0.1 Å.
        letters: Wyckoff letter of each atom; input of the ablation only.
        occupation: Wyckoff letters by element; input of the ablation only.
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
        """Whether a structure matches the recorded one."""
        return bool(MATCHER.fit(self.solution, structure))


def tasks_of(records: Iterable[StructureRecord]) -> list[ReconstructionTask]:
    """Tasks of records with up to MAX_ATOMS atoms in the primitive cell.

    The matrix and the cell are those of the symmetrised crystal, so that they comply with the space group.
    """
    return [task for record in records if (task := _task(record)) is not None]


def _task(record: StructureRecord) -> ReconstructionTask | None:
    structure = record.structure()
    symmetry = describe_symmetry(
        structure.lattice.matrix, structure.frac_coords, np.array(structure.atomic_numbers, dtype=np.int64)
    )
    if len(symmetry.numbers) > MAX_ATOMS:
        return None
    system = space_group(symmetry.space_group).crystal_system
    shape = constrained_shape(system, cell_shape(lattice_parameters(symmetry.lattice)))
    return ReconstructionTask(
        id=record.id,
        formula=record.reduced_formula,
        solution=structure,
        numbers=symmetry.numbers,
        distances=min_image_distances(symmetry.primitive_lattice, symmetry.primitive_positions),
        space_group=symmetry.space_group,
        letters=symmetry.letters,
        occupation=symmetry.occupation(),
        lattice=lattice_parameters(shape_to_cell(shape)),
    )


def perturbed(
    task: ReconstructionTask, noise: float, stretch: float, seed: int, *, symmetric: bool
) -> ReconstructionTask:
    """The task with noise in its matrix and wrong cell lengths.

    Args:
        task: Exact task.
        noise: Standard deviation of the Gaussian noise on each entry, Å.
        stretch: Relative error of every free cell length, with random sign.
        seed: Seed of the noise.
        symmetric: Both entries of a pair get the same noise; otherwise independent noise, which averages out
            in part.
    """
    random = np.random.default_rng(seed)
    errors = random.normal(0, noise, task.distances.shape)
    if symmetric:
        errors = np.triu(errors, 1) + np.triu(errors, 1).T
    np.fill_diagonal(errors, 0.0)
    factors = 1 + stretch * random.choice([-1.0, 1.0], 3)
    if task.system == "cubic":
        factors[:] = factors[0]
    elif task.system in ("tetragonal", "trigonal", "hexagonal"):
        factors[1] = factors[0]
    a, b, c = factors * [task.lattice.a, task.lattice.b, task.lattice.c]
    return replace(
        task,
        distances=np.abs(task.distances + errors),
        lattice=LatticeParameters(
            float(a),
            float(b),
            float(c),
            task.lattice.alpha,
            task.lattice.beta,
            task.lattice.gamma,
        ),
    )
