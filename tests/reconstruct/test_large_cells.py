"""Crystals of large cells from the distances between their orbits, prototypes and a search."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from pymatgen.core import Structure
from scipy.special import ndtr

from alphacrystal.crystal import (
    Distogram,
    LatticeParameters,
    OrbitDistogram,
    SymmetryHypothesis,
    describe_symmetry,
    encode,
    min_image_distances,
    min_image_pair_distances,
    orbit_pairs,
    orbit_parameters,
    primitive_members,
    space_group,
)
from alphacrystal.reconstruct import (
    SearchSettings,
    improve_from_prototypes,
    reconstruct,
    reconstruct_from_prototypes,
)
from alphacrystal.reconstruct._fitness import FitnessBatch, FitnessName

ZERO = LatticeParameters(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
NO_SPREAD = (0.0,) * 6
EDGES = np.arange(1.0, 12.0, 0.1)
# Olivine Mg2SiO4 (Pnma, a = 10.20, b = 5.98, c = 4.76 Å; Birle et al., Am. Mineral. 53, 807, 1968), rounded.
OLIVINE = {
    "Mg": ("ac", [(0, 0, 0), (0.277, 0.25, 0.992)]),
    "Si": ("c", [(0.094, 0.25, 0.427)]),
    "O": ("ccd", [(0.092, 0.25, 0.766), (0.448, 0.25, 0.221), (0.163, 0.033, 0.277)]),
}


def terms(
    distogram: Distogram | OrbitDistogram,
    lattice: np.ndarray,
    positions: np.ndarray,
    fitness: FitnessName = "likelihood",
) -> tuple[float, float]:
    """Geometry of a crystal and its clash penalty per atom pair."""
    problem = FitnessBatch.of([distogram], fitness)
    lengths = min_image_pair_distances(lattice, positions, problem.rows.numpy(), problem.columns.numpy())
    tensor = torch.as_tensor(lengths, dtype=torch.float32)[None, None]
    return float(problem.geometry(tensor)), float(problem.clash(tensor)) / problem.pairs


def hypothesis(group: int, occupation: dict[str, str], cell: LatticeParameters) -> SymmetryHypothesis:
    return SymmetryHypothesis(group, occupation, 4, cell, ZERO, NO_SPREAD, -0.1)


@pytest.fixture(scope="module")
def olivine() -> SymmetryHypothesis:
    occupation = {element: letters for element, (letters, _) in OLIVINE.items()}
    return hypothesis(62, occupation, LatticeParameters(10.20, 5.98, 4.76, 90, 90, 90))


@pytest.fixture(scope="module")
def free_coordinates() -> np.ndarray:
    """The free coordinates of olivine, orbit by orbit."""
    values = []
    for letters, points in OLIVINE.values():
        for letter, point in zip(letters, points, strict=True):
            values += orbit_parameters(62, letter, np.array(point, dtype=float))[0].tolist()
    return np.array(values)


def conventional_positions(values: np.ndarray) -> np.ndarray:
    group, atoms, used = space_group(62), [], 0
    for letters, _ in OLIVINE.values():
        for letter in letters:
            position = group.positions[letter]
            members = list(primitive_members(62, letter))
            part = values[used : used + position.free]
            atoms.append(position.linear[members] @ part + position.constant[members])
            used += position.free
    return np.concatenate(atoms)


def sharp_distogram(
    hypothesis: SymmetryHypothesis, values: np.ndarray, spread: float = 0.1
) -> OrbitDistogram:
    """A distogram around the distances of the crystal with these free coordinates."""
    encoding = encode(hypothesis)
    pairs = orbit_pairs(encoding.orbits)
    lattice = encoding.lattice(np.zeros(6))
    positions = encoding.positions(values)
    lengths = pairs.sort(min_image_pair_distances(lattice, positions, pairs.firsts, pairs.seconds))
    below = ndtr((EDGES - lengths[:, None]) / spread)
    probabilities = np.diff(below, axis=-1, prepend=0.0, append=1.0).astype(np.float32)
    centres = np.concatenate([[EDGES[0] - 0.05], (EDGES[1:] + EDGES[:-1]) / 2, [EDGES[-1] + 0.05]])
    first = np.unique(encoding.orbits, return_index=True)[1]
    classes = encoding.numbers[first] * 32 + encoding.letters[first]
    return OrbitDistogram(encoding.numbers, pairs, EDGES, centres, probabilities, classes)


def is_olivine(lattice: np.ndarray, positions: np.ndarray, numbers: np.ndarray) -> bool:
    found = describe_symmetry(lattice, positions, numbers)
    lengths = min_image_distances(lattice, positions)
    silicon = np.flatnonzero(numbers == 14)[0]
    oxygens = np.sort(lengths[silicon][numbers == 8])
    occupation = {element: letters for element, (letters, _) in OLIVINE.items()}
    # SiO4 tetrahedra
    near = bool(np.abs(oxygens[:4] - 1.635).max() < 0.06 and oxygens[4] > 2.5)
    return found.space_group == 62 and found.occupation() == occupation and near


def test_search_finds_the_crystal_of_a_sharp_distogram(
    olivine: SymmetryHypothesis, free_coordinates: np.ndarray
) -> None:
    assert len(free_coordinates) == 11
    distogram = sharp_distogram(olivine, free_coordinates)
    settings = SearchSettings(restarts=96, polish_steps=100)
    one, other = (reconstruct([olivine], [distogram], settings, seed=3)[0] for _ in range(2))
    assert np.array_equal(one.positions, other.positions)  # same seed, same result
    truth, _ = terms(distogram, one.lattice, encode(olivine).positions(free_coordinates))
    assert one.geometry < truth + 0.1
    assert is_olivine(one.lattice, one.positions, one.numbers)


def test_polishing_corrects_the_coordinates_of_a_relative(
    olivine: SymmetryHypothesis, free_coordinates: np.ndarray
) -> None:
    distogram = sharp_distogram(olivine, free_coordinates)
    moved = free_coordinates + np.random.default_rng(0).uniform(-0.03, 0.03, 11)
    setting = tuple("".join(letters for letters, _ in OLIVINE.values()))
    settings = SearchSettings(population=4, generations=1, polish_steps=120)
    poor = reconstruct([olivine], [distogram], replace(settings, polish_steps=1), seed=0)[0]
    nothing = np.zeros((0, 28, 3))
    (found,) = improve_from_prototypes(
        [olivine], [distogram], [poor], [nothing], [[(setting, moved)]], settings
    )
    assert found.method == "prototype"
    assert is_olivine(found.lattice, found.positions, found.numbers)
    expected = encode(olivine).positions(free_coordinates)
    difference = found.positions - expected
    assert np.abs((difference - difference.round()) @ found.lattice).max() < 0.1


def test_another_setting_describes_the_same_crystal(
    olivine: SymmetryHypothesis, free_coordinates: np.ndarray
) -> None:
    # The origins at the positions a and b of Pnma are equivalent: the letters a and b swap.
    setting = tuple("".join(letters for letters, _ in OLIVINE.values()).replace("a", "b"))
    shifted = []
    used = 0
    for letters, _ in OLIVINE.values():
        for letter in letters:
            size = space_group(62).positions[letter].free
            part = free_coordinates[used : used + size].copy()
            if size:
                part[-1] += 0.5
            shifted += part.tolist()
            used += size
    one, other = encode(olivine), encode(olivine, setting)
    lattice = one.lattice(np.zeros(6))
    lengths = [
        min_image_distances(lattice, encoding.positions(np.array(values)))
        for encoding, values in ((one, free_coordinates), (other, shifted))
    ]
    assert np.sort(lengths[0], axis=None) == pytest.approx(np.sort(lengths[1], axis=None), abs=1e-6)


def test_fittest_crystal_is_chosen(olivine: SymmetryHypothesis, free_coordinates: np.ndarray) -> None:
    distogram = sharp_distogram(olivine, free_coordinates)
    shifts = np.random.default_rng(1).uniform(-1, 1, (6, 11))
    worse = np.stack([free_coordinates + 0.02 * (5 - k) * shifts[k] for k in range(6)])
    prototypes = np.stack([conventional_positions(values) for values in worse])
    setting = tuple("".join(letters for letters, _ in OLIVINE.values()))
    settings = SearchSettings(population=8, generations=2, polish_steps=2)
    searched = reconstruct([olivine], [distogram], settings, seed=0)[0]
    starts = [[(setting, worse[0])]]
    (best,) = improve_from_prototypes([olivine], [distogram], [searched], [prototypes], starts, settings)
    assert is_olivine(best.lattice, best.positions, best.numbers)
    (prototype,) = reconstruct_from_prototypes([olivine], [distogram], [prototypes], settings.fitness)
    assert prototype is not None
    assert best.geometry + best.penalty <= prototype.geometry + prototype.penalty
    nothing = improve_from_prototypes([olivine], [distogram], [searched], [prototypes[:0]], [[]], settings)
    assert nothing == [searched]


@pytest.mark.parametrize("fitness", ["likelihood", "rmse", "paper", "contacts"])
@pytest.mark.parametrize("name", ["rutile", "corundum"])
def test_fitness_by_orbits_is_that_by_atoms(
    textbook: Callable[[str], Structure], name: str, fitness: FitnessName
) -> None:
    """Both compare the same distances, of which the orbits need fewer."""
    structure = textbook(name)
    numbers = np.array([site.specie.Z for site in structure])
    found = describe_symmetry(structure.lattice.matrix, structure.frac_coords, numbers)
    order = np.argsort(found.orbits, kind="stable")
    orbits = np.unique(found.orbits[order], return_inverse=True)[1]
    numbers, positions = found.numbers[order], found.primitive_positions[order]
    lengths = min_image_distances(found.primitive_lattice, positions)
    whole = Distogram.from_distances(numbers, lengths, EDGES, spread=0.2)
    pairs = orbit_pairs(orbits)
    by_rank = pairs.sort(lengths[pairs.firsts, pairs.seconds])
    below = ndtr((EDGES - by_rank[:, None]) / 0.2)
    probabilities = np.diff(below, axis=-1, prepend=0.0, append=1.0).astype(np.float32)
    classes = numbers[np.unique(orbits, return_index=True)[1]]
    distogram = OrbitDistogram(numbers, pairs, EDGES, whole.bin_centres, probabilities, classes)
    for scale in (0.95, 1.0, 1.1):
        cell = scale * found.primitive_lattice
        expected = terms(whole, cell, positions, fitness)
        assert terms(distogram, cell, positions, fitness) == pytest.approx(expected, abs=5e-3)
    small = 0.4 * found.primitive_lattice
    clash = terms(distogram, small, positions)[1]
    assert clash == pytest.approx(terms(whole, small, positions)[1], rel=1e-3)
    assert clash > 0
