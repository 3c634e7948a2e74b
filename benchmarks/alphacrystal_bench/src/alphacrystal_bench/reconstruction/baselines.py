"""Baseline methods for reconstruction, with a fixed number of evaluations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import islice
from typing import Any

import numpy as np
from ase.data import chemical_symbols, covalent_radii
from numpy.typing import NDArray

from alphacrystal.composition import element_order
from alphacrystal.crystal import (
    CONTACT_FACTOR,
    NEIGHBOUR_IMAGES,
    CrystalEncoding,
    LatticeParameters,
    SymmetryHypothesis,
    encode,
    min_image_distances,
    wyckoff_assignments,
)
from alphacrystal.typing import FloatArray, IntArray
from alphacrystal_bench.reconstruction.tasks import ReconstructionTask

Crystal = tuple[FloatArray, IntArray, FloatArray]  # lattice, atomic numbers, fractional positions
Fitness = Callable[[FloatArray], FloatArray]  # distances (members, pairs) -> (members,), low is good
Baseline = Callable[[ReconstructionTask, int], Crystal | None]

ASSIGNMENTS = 300  # Wyckoff assignments that a baseline examines, fewest orbits first
SCREENED = 24  # random individuals per assignment
EVOLVED = 6  # assignments that are evolved
POPULATION = 50
GENERATIONS = 30  # with the population and the evolved assignments about the 10,000 evaluations of CMCrystal
RANDOM_CRYSTALS = 50  # as in CMCrystal
PYXTAL = "random_crystals_pyxtal"


def missing_package(name: str) -> str | None:
    """The reason why a baseline cannot run; None if it can."""
    if name == PYXTAL and find_spec("pyxtal") is None:
        return "pyxtal is not installed: pip install 'alphacrystal-bench[pyxtal]'"
    return None


def random_crystals(task: ReconstructionTask, seed: int) -> Crystal | None:
    """The best by matrix error of random Wyckoff assignments with random coordinates."""
    random = np.random.default_rng(seed)
    encodings = _encodings(task)
    best: tuple[float, Crystal] | None = None
    for index in random.integers(len(encodings), size=RANDOM_CRYSTALS) if encodings else ():
        encoding = encodings[index]
        positions = encoding.positions(random.random(encoding.free))
        cell = encoding.lattice(np.zeros(6))
        error = float(matrix_fitness(task, encoding)(_pairs(encoding, cell, positions[None]))[0])
        if best is None or error < best[0]:
            best = (error, (cell, encoding.numbers, positions))
    return best[1] if best else None


def pyxtal_crystals(task: ReconstructionTask, seed: int) -> Crystal | None:
    """The best by matrix error of pyxtal's random symmetric crystals with the given group and cell."""
    from pyxtal import pyxtal
    from pyxtal.lattice import Lattice as PyxtalLattice

    symbols = [chemical_symbols[number] for number in task.numbers]
    species = sorted(set(symbols), key=element_order)
    lattice = task.lattice
    cell = PyxtalLattice.from_para(
        lattice.a, lattice.b, lattice.c, lattice.alpha, lattice.beta, lattice.gamma, ltype=task.system
    )
    centring = round(lattice.volume / abs(np.linalg.det(_primitive(task))))
    counts = [symbols.count(symbol) * centring for symbol in species]
    best: tuple[float, Crystal] | None = None
    for draw in range(RANDOM_CRYSTALS):
        crystal = pyxtal()
        try:
            crystal.from_random(3, task.space_group, species, counts, lattice=cell, random_state=seed + draw)
        except Exception:  # noqa: BLE001, S112 - pyxtal raises many types of errors; the next seed may succeed
            continue
        if not crystal.valid:
            continue
        structure = crystal.to_pymatgen().get_primitive_structure()
        numbers = np.array(structure.atomic_numbers, dtype=np.int64)
        if sorted(numbers) != sorted(task.numbers):
            continue
        distances = min_image_distances(structure.lattice.matrix, structure.frac_coords)
        error = float(
            np.sqrt(np.mean((_sorted(distances, numbers) - _sorted(task.distances, task.numbers)) ** 2))
        )
        if best is None or error < best[0]:
            best = (error, (structure.lattice.matrix, numbers, structure.frac_coords))
    return best[1] if best else None


def matrix_evolution(task: ReconstructionTask, seed: int) -> Crystal | None:
    """Differential evolution in plain NumPy on the matrix error, atoms of an element interchangeable."""
    return _evolved(task, seed, matrix_fitness)


def contact_evolution(task: ReconstructionTask, seed: int) -> Crystal | None:
    """Differential evolution on the F1 score of the contact map as in CMCrystal, with coupled coordinates."""
    return _evolved(task, seed, contact_fitness)


BASELINES: dict[str, Baseline] = {
    "random_crystals": random_crystals,
    PYXTAL: pyxtal_crystals,
    "contact_map_evolution": contact_evolution,
    "distance_matrix_evolution": matrix_evolution,
}


def matrix_fitness(task: ReconstructionTask, encoding: CrystalEncoding) -> Fitness:
    """Root mean square error with the atoms of each element interchangeable."""
    target = _sorted(task.distances, task.numbers)
    blocks = _blocks(encoding.numbers)

    def fitness(distances: FloatArray) -> FloatArray:
        ranked = np.concatenate([np.sort(distances[:, block], -1) for block in blocks], -1)
        return np.asarray(np.sqrt(np.square(ranked - target).mean(-1)))

    return fitness


def contact_fitness(task: ReconstructionTask, encoding: CrystalEncoding) -> Fitness:
    """1 - F1 of the contact maps, pairs of the same elements interchangeable."""
    given = _pair_list(task.distances) < CONTACT_FACTOR * _pair_list(_radii(task.numbers))
    target = np.array([given[block].sum() for block in _blocks(task.numbers)])
    limits = CONTACT_FACTOR * _pair_list(_radii(encoding.numbers))
    blocks = _blocks(encoding.numbers)

    def fitness(distances: FloatArray) -> FloatArray:
        contacts = distances < limits
        counts = np.stack([contacts[:, block].sum(-1) for block in blocks], -1)
        return np.asarray(1 - 2 * np.minimum(counts, target).sum(-1) / (counts.sum(-1) + target.sum() + 1e-9))

    return fitness


def _evolved(
    task: ReconstructionTask, seed: int, fitness_of: Callable[[ReconstructionTask, CrystalEncoding], Fitness]
) -> Crystal | None:
    random = np.random.default_rng(seed)
    screened: list[tuple[float, int, CrystalEncoding, Fitness, FloatArray]] = []
    for encoding in _encodings(task):
        cell = encoding.lattice(np.zeros(6))
        fitness = fitness_of(task, encoding)
        members = random.random((SCREENED if encoding.free else 1, encoding.free))
        cost = fitness(_pairs(encoding, cell, encoding.positions(members)))
        screened.append((float(cost.min()), len(screened), encoding, fitness, members[cost.argmin()]))
    screened.sort(key=lambda entry: entry[:2])
    best: tuple[float, Crystal] | None = None
    for value, _, encoding, fitness, member in screened[:EVOLVED]:
        if encoding.free:
            value, member = _evolution(encoding, fitness, member, random)
        if best is None or value < best[0]:
            cell = encoding.lattice(np.zeros(6))
            best = (value, (cell, encoding.numbers, encoding.positions(member)))
    return best[1] if best else None


def _evolution(
    encoding: CrystalEncoding, fitness: Fitness, start: FloatArray, random: np.random.Generator
) -> tuple[float, FloatArray]:
    """Storn & Price (doi:10.1023/A:1008202821328): best and random base, coordinates wrap around."""
    cell = encoding.lattice(np.zeros(6))
    members = random.random((POPULATION, encoding.free))
    members[0] = start
    cost = fitness(_pairs(encoding, cell, encoding.positions(members)))
    for _ in range(GENERATIONS):
        first, second, third = (members[random.integers(POPULATION, size=POPULATION)] for _ in range(3))
        base = np.where(random.random((POPULATION, 1)) < 0.5, members[cost.argmin()], first)
        mutant = base + random.uniform(0.3, 0.9, (POPULATION, 1)) * (second - third)
        trial = np.where(random.random(members.shape) < 0.8, mutant, members) % 1.0
        trial_cost = fitness(_pairs(encoding, cell, encoding.positions(trial)))
        better = trial_cost < cost
        members[better], cost[better] = trial[better], trial_cost[better]
    return float(cost.min()), members[cost.argmin()]


def _encodings(task: ReconstructionTask) -> list[CrystalEncoding]:
    symbols = [chemical_symbols[number] for number in task.numbers]
    elements = sorted(set(symbols), key=element_order)
    counts = [symbols.count(element) for element in elements]
    return [
        encode(_hypothesis(task, dict(zip(elements, letters, strict=True))))
        for letters in islice(wyckoff_assignments(task.space_group, counts), ASSIGNMENTS)
    ]


def _hypothesis(task: ReconstructionTask, occupation: dict[str, str]) -> SymmetryHypothesis:
    return SymmetryHypothesis(
        space_group=task.space_group,
        occupation=occupation,
        formula_units=1,
        lattice=task.lattice,
        lattice_std=LatticeParameters(0, 0, 0, 0, 0, 0),
        shape_scale=(0, 0, 0, 0, 0, 0),
        log_probability=0.0,
        source="given",
    )


def _primitive(task: ReconstructionTask) -> FloatArray:
    return np.asarray(task.solution.get_primitive_structure().lattice.matrix)


def _pairs(encoding: CrystalEncoding, cell: FloatArray, positions: FloatArray) -> FloatArray:
    """Minimum-image distances of the pairs in Å, shape (members, pairs); the encoding's cell is reduced."""
    rows, columns = np.triu_indices(len(encoding.numbers), 1)
    difference = positions[:, rows] - positions[:, columns]
    difference -= np.round(difference)
    vectors = (difference[..., None, :] + NEIGHBOUR_IMAGES) @ cell
    return np.asarray(np.sqrt(np.square(vectors).sum(-1).min(-1)))


def _pair_list(matrix: FloatArray) -> FloatArray:
    return np.asarray(matrix[np.triu_indices(len(matrix), 1)])


def _radii(numbers: IntArray) -> FloatArray:
    return np.asarray(covalent_radii[numbers][:, None] + covalent_radii[numbers])


def _blocks(numbers: IntArray) -> Sequence[NDArray[np.intp]]:
    """Indices of the pairs of each two elements, in the order of the elements."""
    rows, columns = np.triu_indices(len(numbers), 1)
    both = np.sort(np.stack([numbers[rows], numbers[columns]]), axis=0)
    _, blocks = np.unique(both, axis=1, return_inverse=True)
    blocks = blocks.reshape(-1)
    return [np.flatnonzero(blocks == block) for block in range(int(blocks.max(initial=-1)) + 1)]


def _sorted(distances: FloatArray, numbers: IntArray) -> FloatArray:
    values: Any = _pair_list(distances)
    blocks = _blocks(numbers)
    return np.concatenate([np.sort(values[block]) for block in blocks]) if blocks else values
