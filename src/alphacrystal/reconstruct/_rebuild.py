"""Crystals from a distance matrix, a space group and a cell, without Wyckoff letters."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from ase.data import chemical_symbols, covalent_radii

from alphacrystal.composition import element_order
from alphacrystal.crystal import (
    FREE_SHAPE,
    LatticeParameters,
    cell_shape,
    constrained_shape,
    describe_symmetry,
    minkowski_reduced,
    primitive_orbits,
    shape_to_cell,
    space_group,
)
from alphacrystal.errors import InputError
from alphacrystal.reconstruct._assembly import Assembly
from alphacrystal.reconstruct._partial import PartialCrystals, Target, distance_matrices
from alphacrystal.reconstruct._periodic import Periodic
from alphacrystal.reconstruct._placement import Effort
from alphacrystal.typing import FloatArray, IntArray

EXACT_TOLERANCE = 0.003  # Å; residual of a matrix that is exact up to numerical noise
SOLVED_RMSE = 3e-4  # Å; residual of the correct crystal
ROW_TOLERANCE = 0.02  # Å; rows of an exact matrix that differ by less may belong to one orbit
EXACT_EFFORTS = (
    Effort(beam=12, starts=5, points=(16, 64, 200), steps=8),
    Effort(beam=60, starts=6, points=(24, 128, 512), steps=12, labellings=3),
    Effort(beam=300, starts=8, points=(32, 256, 800), steps=16, labellings=3),
    Effort(beam=1200, starts=8, points=(32, 256, 1200), steps=20, labellings=2),
)
NOISY_EFFORTS = EXACT_EFFORTS[1:3]
GOOD_SCORE = 1.15  # score per pair up to which a noisy matrix needs no wider search
MAX_SCORED = 40  # complete crystals per round that are scored in full
SCORE_WINDOW = 40.0  # largest difference of their scores to the best one
TIE_WINDOW = 0.5  # largest difference of equivalent scores
MAX_TIED = 8
MIN_COVALENT_FRACTION = (
    0.82  # of the sum of covalent radii: nine of ten crystals have no closer pair of atoms
)
COVALENT_FRACTION_SPREAD = 0.07
WRONG_GROUP_PENALTY = 30.0  # squared tolerances, for crystals with another space group than the given one
# Spread of log volume, log(b/a), log(c/a) and the cosines per relative standard deviation of the lengths.
SHAPE_PER_LENGTH = (1.7, 1.4, 1.4, 0.0, 0.0, 0.0)
SCREENING_LENGTH = 4.0  # Å
MAX_CHARGE_DISTANCE = 12.0  # Å, three screening lengths


@dataclass(frozen=True, slots=True)
class MatrixQuality:
    """Accuracy of the input of a reconstruction.

    Attributes:
        noise: Standard deviation of the distances in Å; 0 for exact ones.
        lattice: Relative standard deviation of the cell lengths; 0 for exact ones.
        short_weight: Squared residuals have the weight distance**-short_weight; 0 for equal weights.
    """

    noise: float = 0.0
    lattice: float = 0.0
    short_weight: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class RebuiltCrystal:
    """A crystal rebuilt from a distance matrix.

    Attributes:
        lattice: Reduced primitive rows in Å, shape (3, 3).
        positions: Fractional coordinates, atoms as in the matrix, shape (atoms, 3).
        numbers: Atomic numbers, shape (atoms,).
        letters: Wyckoff letter of each atom.
        orbits: Number of the orbit of each atom, shape (atoms,).
        rmse: Root mean square residual of the distances in Å (with that of the cell).
        score: Misfit in units of the tolerance plus penalties for free coordinates, close contacts and a
            wrong space group; low is good.
        rounds: Number of search rounds; each is wider than the one before.
    """

    lattice: FloatArray
    positions: FloatArray
    numbers: IntArray
    letters: tuple[str, ...]
    orbits: IntArray
    rmse: float
    score: float
    rounds: int


def rebuild(
    distances: FloatArray,
    numbers: IntArray,
    number: int,
    lattice: LatticeParameters,
    *,
    quality: MatrixQuality | None = None,
    seed: int = 0,
    efforts: Sequence[Effort] | None = None,
) -> list[RebuiltCrystal]:
    """Crystals with a given space group, cell and distance matrix, best first.

    Wyckoff letters need not be known. The crystal is assembled orbit by orbit (see ``Assembly``); if nothing
    fits, again with more alternatives kept at each stage.

    Args:
        distances: Minimum-image distances in Å of the atoms of the primitive cell, shape (atoms, atoms);
            an asymmetric matrix is averaged.
        numbers: Atomic numbers, shape (atoms,).
        number: Space group.
        lattice: Conventional cell in the ITA standard setting.
        quality: How well distances and cell are known; exactly by default.
        seed: Same seed, same result.
        efforts: Rounds of search, each wider than the one before; by default as many as it takes.

    Returns:
        Best first; empty if the atoms do not fit on the positions of the space group.

    Raises:
        InputError: The matrix is not square, or does not belong to the atoms.
    """
    quality = quality or MatrixQuality()
    if distances.shape != (len(numbers), len(numbers)) or not np.isfinite(distances).all():
        raise InputError(
            f"A distance matrix of shape {distances.shape} does not belong to {len(numbers)} atoms."
        )
    distances = (distances + distances.T) / 2
    tolerance = max(EXACT_TOLERANCE, quality.noise)
    target, reduction = _target(distances, number, lattice, quality, tolerance)
    classes = np.unique(numbers, return_inverse=True)[1].reshape(-1).astype(np.int64)
    exact = not quality.noise
    if exact:
        classes = similar_rows(distances, numbers, ROW_TOLERANCE)
    assembly = Assembly(target, number, reduction, classes, tolerance)
    random = np.random.default_rng(seed)
    pairs = max(len(numbers) * (len(numbers) - 1) / 2, 1)
    best: list[RebuiltCrystal] = []
    default = EXACT_EFFORTS if exact else NOISY_EFFORTS
    for round_, effort in enumerate(default if efforts is None else efforts, start=1):
        crystals = assembly.search(effort, random)
        if crystals is None or not len(crystals):
            continue
        scores = assembly.score(crystals) / tolerance**2
        best += _score_complete(crystals, scores, target, numbers, number, pairs, round_)
        best.sort(key=lambda crystal: crystal.score)
        if best[0].rmse < SOLVED_RMSE if exact else best[0].score < GOOD_SCORE * pairs:
            break
    return best


def _target(
    distances: FloatArray, number: int, lattice: LatticeParameters, quality: MatrixQuality, tolerance: float
) -> tuple[Target, FloatArray]:
    """The target, and the map of fractional coordinates from the primitive to the reduced cell."""
    group = space_group(number)
    shape = constrained_shape(group.crystal_system, cell_shape(lattice))
    _, change = minkowski_reduced(group.primitive_basis(shape_to_cell(shape)))
    basis = change @ np.linalg.inv(group.to_primitive).T
    scale = np.zeros(6)
    free = list(FREE_SHAPE[group.crystal_system])
    scale[free] = np.array(SHAPE_PER_LENGTH)[free] * quality.lattice
    around = None
    if quality.lattice:
        deviations = np.random.default_rng(0).uniform(-2, 2, (3, 6))
        around = basis @ shape_to_cell(shape + scale * deviations)
    weights = np.ones_like(distances)
    if quality.short_weight and len(distances) > 1:
        off = ~np.eye(len(distances), dtype=bool)
        weights[off] = np.maximum(distances[off], 1.0) ** -quality.short_weight
        weights[off] /= weights[off].mean()
    target = Target(
        distances=distances,
        weights=weights,
        periodic=Periodic.of(basis @ shape_to_cell(shape), around),
        basis=basis,
        shape=shape,
        shape_scale=scale,
        prior=tolerance**2,
    )
    return target, np.asarray(np.linalg.inv(change).T)


def _score_complete(
    crystals: PartialCrystals,
    scores: FloatArray,
    target: Target,
    numbers: IntArray,
    number: int,
    pairs: float,
    round_: int,
) -> list[RebuiltCrystal]:
    """Complete crystals with the penalties for close contacts and a wrong space group."""
    letters = [orbit.letter for orbit in primitive_orbits(number)]
    scored = []
    close = scores < scores.min() + SCORE_WINDOW
    for row in np.flatnonzero(close)[:MAX_SCORED]:
        cell, positions = target.lattice(crystals.strain[row]), crystals.positions[row] % 1.0
        penalty = 0.0
        if close.sum() > 1:  # a single crystal needs no ranking
            penalty = _contact_penalty(crystals, row, target, numbers)
            penalty += _group_penalty(cell, positions, numbers, number)
        scored.append(
            RebuiltCrystal(
                lattice=cell,
                positions=positions,
                numbers=numbers,
                letters=tuple(letters[index] for index in crystals.letters[row]),
                orbits=crystals.orbits[row],
                rmse=float(np.sqrt(crystals.cost[row] / pairs)),
                score=float(scores[row]) + penalty,
                rounds=round_,
            )
        )
    return _break_ties(scored)


def _break_ties(crystals: list[RebuiltCrystal]) -> list[RebuiltCrystal]:
    """Sort crystals by score; the screened energy breaks ties with the best one."""
    ranked = sorted(crystals, key=lambda crystal: crystal.score)
    tied = [crystal for crystal in ranked if crystal.score < ranked[0].score + TIE_WINDOW][:MAX_TIED]
    if len(tied) < 2:
        return ranked
    separated = [
        replace(
            crystal,
            score=crystal.score + screened_energy(crystal.lattice, crystal.positions, crystal.numbers),
        )
        for crystal in tied
    ]
    return sorted(separated, key=lambda crystal: crystal.score) + ranked[len(tied) :]


def _contact_penalty(crystals: PartialCrystals, row: int, target: Target, numbers: IntArray) -> float:
    """Penalty of the closest contact, by the covalent radii (Cordero 2008, doi:10.1039/b801115j)."""
    if len(numbers) < 2:
        return 0.0
    lengths = distance_matrices(crystals.select(np.array([row])), target)[0]
    radii = covalent_radii[numbers]
    rows, columns = np.triu_indices(len(numbers), 1)
    closest = float((lengths / (radii[:, None] + radii))[rows, columns].min())
    return (max(0.0, MIN_COVALENT_FRACTION - closest) / COVALENT_FRACTION_SPREAD) ** 2


def _group_penalty(lattice: FloatArray, positions: FloatArray, numbers: IntArray, number: int) -> float:
    try:
        actual = describe_symmetry(lattice, positions, numbers).space_group
    except InputError:  # overlapping atoms
        return WRONG_GROUP_PENALTY
    return 0.0 if actual == number else WRONG_GROUP_PENALTY


def similar_rows(distances: FloatArray, numbers: IntArray, tolerance: float) -> IntArray:
    """Classes of atoms whose sorted rows of an exact distance matrix agree; only they can share an orbit.

    Rows are sorted within classes and compared. This repeats with the refined classes until they are stable.
    """
    classes = np.unique(numbers, return_inverse=True)[1].reshape(-1).astype(np.int64)
    while True:
        columns = [np.flatnonzero(classes == number) for number in range(classes.max() + 1)]
        rows = np.concatenate([np.sort(distances[:, members], axis=1) for members in columns], axis=1)
        different = np.abs(rows[:, None] - rows[None]).max(-1) > tolerance
        different |= classes[:, None] != classes[None]
        refined = np.full(len(numbers), -1)
        for atom in range(len(numbers)):
            if refined[atom] < 0:
                group = ~different[atom] & (refined < 0)
                while (wider := (~different[group]).any(0) & (refined < 0)).sum() > group.sum():
                    group = wider
                refined[group] = refined.max() + 1
        if refined.max() == classes.max():
            return classes
        classes = refined


def screened_energy(lattice: FloatArray, positions: FloatArray, numbers: IntArray) -> float:
    """Screened Coulomb energy of charges equal to the electronegativities minus their mean, squared per Å.

    Homometric crystals have equal distance matrices and differ in their second-nearest images. Typical
    differences of the energy are 0.1, small against any misfit of distances.

    Args:
        lattice: Rows in Å, shape (3, 3).
        positions: Fractional coordinates, shape (atoms, 3).
        numbers: Atomic numbers, shape (atoms,).
    """
    electronegativity = np.array([element_order(chemical_symbols[number])[0] for number in numbers])
    charges = electronegativity - electronegativity.mean()
    heights = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    steps = [range(-n, n + 1) for n in np.ceil(MAX_CHARGE_DISTANCE / heights).astype(int)]
    images = np.array(list(itertools.product(*steps)), dtype=float) @ lattice  # (images, 3)
    vectors = ((positions[:, None] - positions[None]) @ lattice)[:, :, None] + images
    squared = np.square(vectors).sum(-1)  # (atoms, atoms, images)
    inside = (squared > 0.01) & (squared < MAX_CHARGE_DISTANCE**2)
    lengths = np.sqrt(np.where(inside, squared, np.inf))
    potential = np.where(np.isfinite(lengths), np.exp(-lengths / SCREENING_LENGTH) / lengths, 0.0).sum(-1)
    return float(charges @ potential @ charges)
