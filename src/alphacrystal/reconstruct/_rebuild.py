"""From a distance matrix, a space group and a cell to a crystal; Wyckoff letters are found on the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphacrystal.crystal import (
    FREE_SHAPE,
    LatticeParameters,
    cell_shape,
    minkowski_reduced,
    primitive_orbits,
    shape_to_cell,
    space_group,
)
from alphacrystal.reconstruct._assembly import Assembly, Effort, same_rows
from alphacrystal.reconstruct._partial import Partials, Target
from alphacrystal.reconstruct._periodic import Periodic

Array = NDArray[np.float64]

EXACT = 0.003  # Å; residual of a matrix that is exact up to numerical noise
SOLVED = 3e-4  # Å; residual that only the right crystal has
EFFORTS = (
    Effort(beam=12, starts=3, points=(16, 64, 200), steps=8),
    Effort(beam=60, starts=6, points=(24, 128, 512), steps=12),
    Effort(beam=300, starts=8, points=(32, 256, 800), steps=16),
    Effort(beam=1200, starts=8, points=(32, 256, 1200), steps=20),
)


@dataclass(frozen=True, slots=True, eq=False)
class Rebuilt:
    """A crystal rebuilt from a distance matrix.

    Attributes:
        lattice: Reduced primitive rows in Å, shape (3, 3).
        positions: Fractional coordinates, atoms as in the matrix, shape (atoms, 3).
        numbers: Atomic numbers, shape (atoms,).
        letters: Wyckoff letter of each atom.
        orbits: Number of the orbit of each atom, shape (atoms,).
        rmse: Root mean square residual of the matrix in Å.
        effort: Rounds of search it took.
    """

    lattice: Array
    positions: Array
    numbers: NDArray[np.int64]
    letters: tuple[str, ...]
    orbits: NDArray[np.int64]
    rmse: float
    effort: int


def rebuild(
    distances: Array,
    numbers: NDArray[np.int64],
    number: int,
    lattice: LatticeParameters,
    *,
    noise: float = 0.0,
    lattice_noise: float = 0.0,
    seed: int = 0,
) -> list[Rebuilt]:
    group = space_group(number)
    matrix = lattice.matrix()
    primitive = group.primitive_basis(matrix)
    _, change = minkowski_reduced(primitive)
    basis = change @ np.linalg.inv(group.to_primitive).T
    shape = cell_shape(lattice)
    scale = np.zeros(6)
    if lattice_noise:
        free = list(FREE_SHAPE[group.crystal_system])
        scale[free] = np.array([1.7, 1.4, 1.4, 1, 1, 1])[free] * lattice_noise
    reduced = basis @ shape_to_cell(shape)
    around = None
    if lattice_noise:
        deviations = np.random.default_rng(0).uniform(-2, 2, (3, 6))
        around = basis @ shape_to_cell(shape + scale * deviations)
    tolerance = max(EXACT, noise)
    target = Target(
        distances=distances,
        weights=np.ones_like(distances),
        periodic=Periodic.of(reduced, around),
        basis=basis,
        shape=shape,
        shape_scale=scale,
        prior=tolerance**2,
    )
    classes = np.unique(numbers, return_inverse=True)[1].reshape(-1).astype(np.int64)
    if not noise:
        classes = same_rows(distances, numbers, 0.02)
    assembly = Assembly(target, number, np.linalg.inv(change).T, classes, tolerance)
    random = np.random.default_rng(seed)
    best: list[Rebuilt] = []
    pairs = max(len(numbers) * (len(numbers) - 1) / 2, 1)
    import os
    for round_, effort in enumerate(EFFORTS):
        if noise and not int(os.environ.get('R0','0'))<=round_<=int(os.environ.get('R1','3')): continue
        found = assembly.search(effort, random)
        if found is None:
            continue
        rmse = np.sqrt(found.cost / pairs)
        best += [_result(found, k, target, numbers, number, float(rmse[k]), round_) for k in range(min(len(found), 8))]
        best.sort(key=lambda r: r.rmse)
        if best and best[0].rmse < (SOLVED if not noise else 1.2 * noise):
            break
    return best


def _result(found: Partials, k: int, target: Target, numbers: NDArray[np.int64], number: int, rmse: float, round_: int) -> Rebuilt:
    letters = [o.letter for o in primitive_orbits(number)]
    return Rebuilt(
        lattice=target.lattice(found.strain[k]),
        positions=found.positions[k] % 1.0,
        numbers=numbers,
        letters=tuple(letters[x] for x in found.letters[k]),
        orbits=found.orbits[k],
        rmse=rmse,
        effort=round_,
    )
