"""Crystals from a distance matrix, a space group and a cell, without Wyckoff letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from ase.data import covalent_radii

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
from alphacrystal.reconstruct._partial import Partials, Target, matrices
from alphacrystal.reconstruct._periodic import Periodic
from alphacrystal.reconstruct._placement import Effort
from alphacrystal.reconstruct._polarity import screened_energy
from alphacrystal.reconstruct._row_classes import same_rows
from alphacrystal.typing import FloatArray, IntArray

EXACT = 0.003  # Å; residual of a matrix that is exact up to numerical noise
SOLVED = 3e-4  # Å; residual that hardly any but the right crystal has
ALIKE = 0.02  # Å; rows of an exact matrix that differ by less may belong to one orbit
EXACT_EFFORTS = (
    Effort(beam=12, starts=5, points=(16, 64, 200), steps=8),
    Effort(beam=60, starts=6, points=(24, 128, 512), steps=12, namings=3),
    Effort(beam=300, starts=8, points=(32, 256, 800), steps=16, namings=3),
    Effort(beam=1200, starts=8, points=(32, 256, 1200), steps=20, namings=2),
)
NOISY_EFFORTS = EXACT_EFFORTS[1:3]
GOOD_FIT = 1.15  # score over number of pairs, at or below which a noisy matrix needs no wider search
JUDGED = 40  # crystals of each round that are looked at in full, at most,
WITHIN = 40.0  # with scores so close to the best
TIE = 0.5  # difference of scores that tells nothing
MOST_TIED = 8
CONTACT = 0.82  # of the sum of covalent radii: nine in ten crystals have no closer pair of atoms
CONTACT_SPREAD = 0.07
OTHER_GROUP = 30.0  # price, in squared tolerances, of a crystal whose space group is not the given one
# Spread of log volume, log(b/a), log(c/a), and the cosines for lengths known up to one part in one.
SHAPE_PER_LENGTH = (1.7, 1.4, 1.4, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class MatrixQuality:
    """How well the inputs of a reconstruction are known.

    Attributes:
        noise: Standard deviation of the distances in Å; 0: exact.
        lattice: Relative standard deviation of the cell lengths; 0: exact.
        short_weight: Squared residuals are weighted by distance to minus this power; 0: all alike.
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
        score: Misfit in units of the tolerance, with prices on freedom, close contacts and a wrong space
            group; low is good.
        rounds: Rounds of search it took, each wider than the one before.
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
    tolerance = max(EXACT, quality.noise)
    target, reduction = _target(distances, number, lattice, quality, tolerance)
    classes = np.unique(numbers, return_inverse=True)[1].reshape(-1).astype(np.int64)
    exact = not quality.noise
    if exact:
        classes = same_rows(distances, numbers, ALIKE)
    assembly = Assembly(target, number, reduction, classes, tolerance)
    random = np.random.default_rng(seed)
    pairs = max(len(numbers) * (len(numbers) - 1) / 2, 1)
    best: list[RebuiltCrystal] = []
    usual = EXACT_EFFORTS if exact else NOISY_EFFORTS
    for round_, effort in enumerate(usual if efforts is None else efforts, start=1):
        found = assembly.search(effort, random)
        if found is None or not len(found):
            continue
        scores = assembly.score(found) / tolerance**2
        best += _judged(found, scores, target, numbers, number, pairs, round_)
        best.sort(key=lambda crystal: crystal.score)
        if best[0].rmse < SOLVED if exact else best[0].score < GOOD_FIT * pairs:
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


def _judged(
    found: Partials,
    scores: FloatArray,
    target: Target,
    numbers: IntArray,
    number: int,
    pairs: float,
    round_: int,
) -> list[RebuiltCrystal]:
    """Complete crystals with the prices that only complete ones can be charged."""
    letters = [orbit.letter for orbit in primitive_orbits(number)]
    judged = []
    close = scores < scores.min() + WITHIN
    for row in np.flatnonzero(close)[:JUDGED]:
        cell, positions = target.lattice(found.strain[row]), found.positions[row] % 1.0
        price = 0.0
        if close.sum() > 1:  # else there is nothing to choose from
            price = _contact_price(found, row, target, numbers)
            price += _group_price(cell, positions, numbers, number)
        judged.append(
            RebuiltCrystal(
                lattice=cell,
                positions=positions,
                numbers=numbers,
                letters=tuple(letters[index] for index in found.letters[row]),
                orbits=found.orbits[row],
                rmse=float(np.sqrt(found.cost[row] / pairs)),
                score=float(scores[row]) + price,
                rounds=round_,
            )
        )
    return _ties_broken(judged)


def _ties_broken(judged: list[RebuiltCrystal]) -> list[RebuiltCrystal]:
    """With the screened energy added to the score of the first few that are as good as the best."""
    judged = sorted(judged, key=lambda crystal: crystal.score)
    equal = [crystal for crystal in judged if crystal.score < judged[0].score + TIE][:MOST_TIED]
    if len(equal) < 2:
        return judged
    told = [
        replace(own, score=own.score + screened_energy(own.lattice, own.positions, own.numbers))
        for own in equal
    ]
    return sorted(told, key=lambda crystal: crystal.score) + judged[len(equal) :]


def _contact_price(found: Partials, row: int, target: Target, numbers: IntArray) -> float:
    """Price of the closest contact, by the covalent radii (Cordero 2008, doi:10.1039/b801115j)."""
    if len(numbers) < 2:
        return 0.0
    lengths = matrices(found.select(np.array([row])), target)[0]
    radii = covalent_radii[numbers]
    rows, columns = np.triu_indices(len(numbers), 1)
    closest = float((lengths / (radii[:, None] + radii))[rows, columns].min())
    return (max(0.0, CONTACT - closest) / CONTACT_SPREAD) ** 2


def _group_price(lattice: FloatArray, positions: FloatArray, numbers: IntArray, number: int) -> float:
    try:
        found = describe_symmetry(lattice, positions, numbers).space_group
    except InputError:  # atoms on top of each other
        return OTHER_GROUP
    return 0.0 if found == number else OTHER_GROUP
