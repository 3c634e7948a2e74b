"""Structures along the unstable phonon mode of a crystal: starts of structures of lower symmetry."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.crystal import Crystal, symmetrise_crystal
from alphacrystal.relaxation._checked import evaluate_structures
from alphacrystal.relaxation.phonons import IMAGINARY, HarmonicCrystal

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.relaxation._potential import Potential
    from alphacrystal.typing import ComplexArray, FloatArray, IntArray

MAX_MODE_ATOMS = 80  # in the primitive cell of a displaced structure
MAX_MODULATED_ATOMS = 320  # in the supercell from which that primitive cell is found
MAX_DENOMINATOR = 3  # of the components of a wave vector
AMPLITUDES = (0.1, 0.2, 0.4)  # Å, of the atom that moves most
DEGENERATE = 0.02  # THz; modes at one wave vector nearer than this are mixed
MAX_DIRECTIONS = 4  # in the space of degenerate modes: those that keep most symmetry
SAME_DIRECTION = 0.99  # cosine
SIGN_MATTERS = 1e-4  # eV/atom between the two signs of a displacement that are not equivalent
SYMPREC = 0.01  # Å


@dataclass(frozen=True, slots=True)
class DisplacedStructure:
    """A crystal displaced along an unstable mode.

    Attributes:
        structure: Primitive cell.
        wave_vector: Of the mode in the basis of the reciprocal primitive cell.
        frequency_thz: THz, negative for an imaginary frequency.
        amplitude: Displacement in Å of the atom that moves most.
    """

    structure: Structure
    wave_vector: tuple[float, float, float]
    frequency_thz: float
    amplitude: float


def displaced_structures(harmonic: HarmonicCrystal, potential: Potential) -> list[DisplacedStructure]:
    """Structures displaced along the most unstable mode that fits into a cell of MAX_MODE_ATOMS atoms.

    The wave vector is one of the supercell of the phonons, where the frequencies are exact. In a space of
    degenerate modes the directions that keep most symmetry are taken, as the isotropy subgroups of
    H. T. Stokes and D. M. Hatch (doi:10.1142/0751) of largest order. The amplitude is the one of lowest
    energy; both signs are kept where their energies differ.

    Args:
        harmonic: Force constants of a relaxed crystal.
        potential: Gives the energies.

    Returns:
        The lowest in energy first; none for a stable crystal, or where unstable modes need larger cells.
    """
    found = unstable_modes(harmonic)
    if found is None:
        return []
    wave_vector, frequency, vectors = found
    repeats = mode_repeats(wave_vector)
    candidates: list[tuple[float, DisplacedStructure]] = []
    for pattern in symmetric_directions(harmonic, wave_vector, vectors, repeats):
        by_sign = [
            _lowest_along(harmonic, sign * pattern, repeats, potential, wave_vector, frequency)
            for sign in (1.0, -1.0)
        ]
        candidates.append(by_sign[0])
        if abs(by_sign[1][0] - by_sign[0][0]) > SIGN_MATTERS:
            candidates.append(by_sign[1])
    candidates.sort(key=lambda item: item[0])
    return [item for _, item in candidates if len(item.structure) <= MAX_MODE_ATOMS]


def unstable_modes(
    harmonic: HarmonicCrystal,
) -> tuple[tuple[float, float, float], float, ComplexArray] | None:
    """Wave vector, lowest frequency in THz and eigenvectors, shape (modes, 3 atoms), of the worst modes."""
    along_a, along_b, along_c = (wave_vector_components(count) for count in harmonic.supercell)
    points = [
        point
        for point in itertools.product(along_a, along_b, along_c)
        if math.prod(mode_repeats(point)) * len(harmonic.structure) <= MAX_MODULATED_ATOMS
    ]
    phonopy: Any = harmonic.phonopy
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # later versions of phonopy rename the second call
        phonopy.run_qpoints(points, with_eigenvectors=True)
        content = phonopy.get_qpoints_dict()
    frequencies = np.asarray(content["frequencies"])  # (points, modes)
    order = np.argsort(frequencies.min(axis=1).round(3), kind="stable")
    point = int(order[0])
    lowest = float(frequencies[point].min())
    if lowest > IMAGINARY:
        return None
    chosen = np.flatnonzero(frequencies[point] - lowest < DEGENERATE)
    return points[point], lowest, np.asarray(content["eigenvectors"])[point][:, chosen].T


def wave_vector_components(repeats: int) -> list[float]:
    """Components of the wave vectors of a supercell with so many repeats and a small denominator."""
    return [
        number / repeats
        for number in range(repeats)
        if repeats // math.gcd(number, repeats) <= MAX_DENOMINATOR
    ]


def mode_repeats(wave_vector: Sequence[float]) -> tuple[int, int, int]:
    """Repeats of the smallest supercell in which a mode is periodic."""
    a, b, c = (
        next(n for n in range(1, MAX_DENOMINATOR + 1) if abs(n * component - round(n * component)) < 1e-6)
        for component in wave_vector
    )
    return a, b, c


def symmetric_directions(
    harmonic: HarmonicCrystal, wave_vector: Sequence[float], vectors: ComplexArray, repeats: Sequence[int]
) -> list[FloatArray]:
    """Displacement patterns of the supercell, shape (atoms, 3), largest displacement 1, most symmetric first.

    The displacements of single atoms along the axes, projected onto the modes, and sums of up to three of
    them are tried.
    """
    cells, positions = _supercell_sites(harmonic, repeats)
    masses = np.sqrt(np.asarray(harmonic.phonopy.primitive.masses))
    atoms = len(masses)
    gauge = np.exp(-2j * np.pi * (harmonic.structure.frac_coords @ np.asarray(wave_vector)))
    phases = np.exp(2j * np.pi * (positions @ np.asarray(wave_vector)))
    real = all(abs(2 * component - round(2 * component)) < 1e-6 for component in wave_vector)
    basis: list[ComplexArray] = []
    lattice = harmonic.structure.lattice.matrix
    axes = [*np.eye(3), *(lattice / np.linalg.norm(lattice, axis=1)[:, None])]
    for atom, axis in itertools.product(range(atoms), axes):
        seed = np.zeros((atoms, 3), dtype=complex)
        seed[atom] = axis * gauge[atom]
        projected = (vectors.conj() @ seed.ravel()) @ vectors
        norm = float(np.linalg.norm(projected))
        if norm > 0.05:
            _add(basis, projected / norm)
    patterns: list[FloatArray] = []
    for vector in _combinations(basis, len(vectors)):
        for phase in (0.0,) if real else (0.0, math.pi / 4):
            moves = (vector.reshape(atoms, 3) / masses[:, None])[cells] * phases[:, None]
            pattern = np.real(moves * np.exp(1j * phase))
            largest = float(np.linalg.norm(pattern, axis=1).max())
            if largest > 1e-6:
                patterns.append(pattern / largest)
    symmetries = [_symmetry(harmonic, pattern, repeats) for pattern in patterns]
    chosen: list[FloatArray] = []
    taken: set[tuple[float, int]] = set()
    for index in sorted(range(len(patterns)), key=lambda i: (-symmetries[i][0], i)):
        if symmetries[index] not in taken and len(chosen) < MAX_DIRECTIONS:
            taken.add(symmetries[index])  # equivalent directions keep the same symmetry
            chosen.append(patterns[index])
    return chosen


def _add(basis: list[ComplexArray], vector: ComplexArray) -> None:
    """Add a direction that is not in a list yet."""
    if all(abs(np.vdot(other, vector)) < SAME_DIRECTION for other in basis):
        basis.append(vector)


def _combinations(basis: Sequence[ComplexArray], dimension: int) -> Iterator[ComplexArray]:
    """The directions, and the sums of two or three of them that are orthogonal."""
    yield from basis
    for count in range(2, min(dimension, 3) + 1):
        for group in itertools.combinations(basis[: 4 * dimension], count):
            if all(abs(np.vdot(a, b)) < 0.1 for a, b in itertools.combinations(group, 2)):
                total = np.sum(group, axis=0)
                yield total / np.linalg.norm(total)


def _supercell_sites(harmonic: HarmonicCrystal, repeats: Sequence[int]) -> tuple[IntArray, FloatArray]:
    """Atom of the cell of each atom of a supercell, and positions in the basis of the cell."""
    shifts = np.array(list(itertools.product(*map(range, repeats))), dtype=np.float64)
    positions = (harmonic.structure.frac_coords[None] + shifts[:, None]).reshape(-1, 3)
    return np.tile(np.arange(len(harmonic.structure)), len(shifts)), positions


def modulated(
    harmonic: HarmonicCrystal, pattern: FloatArray, amplitude: float, repeats: Sequence[int]
) -> Structure:
    """The supercell displaced along a pattern by ``amplitude`` Å."""
    from pymatgen.core import Lattice, Structure

    cells, positions = _supercell_sites(harmonic, repeats)
    lattice = Lattice(harmonic.structure.lattice.matrix * np.asarray(repeats)[:, None])
    moved = positions @ harmonic.structure.lattice.matrix + amplitude * pattern
    species = [harmonic.structure[int(index)].specie for index in cells]
    return Structure(lattice, species, moved, coords_are_cartesian=True)


def _symmetry(harmonic: HarmonicCrystal, pattern: FloatArray, repeats: Sequence[int]) -> tuple[float, int]:
    """Symmetry operations per atom and space group of the displaced supercell."""
    moved = modulated(harmonic, pattern, AMPLITUDES[1], repeats)
    symmetry = symmetrise_crystal(Crystal.from_structure(moved), SYMPREC).symmetry
    return (0.0, 1) if symmetry is None else (len(symmetry) / len(moved), symmetry.number)


def _lowest_along(
    harmonic: HarmonicCrystal,
    pattern: FloatArray,
    repeats: Sequence[int],
    potential: Potential,
    wave_vector: tuple[float, float, float],
    frequency: float,
) -> tuple[float, DisplacedStructure]:
    """Energy in eV/atom and structure at the amplitude of lowest energy."""
    structures = [modulated(harmonic, pattern, amplitude, repeats) for amplitude in AMPLITUDES]
    energies = evaluate_structures(potential, structures).energies / len(structures[0])
    best = int(np.nanargmin(energies))
    primitive = structures[best].get_primitive_structure(tolerance=SYMPREC)
    return float(energies[best]), DisplacedStructure(primitive, wave_vector, frequency, AMPLITUDES[best])
