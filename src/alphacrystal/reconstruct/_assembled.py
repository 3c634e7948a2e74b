"""A second way to the structure of a hypothesis: its expected distances, assembled orbit by orbit.

The search by evolution compares distances sorted within classes of atoms; it misses some minima with many
free coordinates. The assembly reads the expected matrix row by row, as one says of each atom, and finds them
where the matrix is good.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphacrystal.crystal import Distogram, SymmetryHypothesis
from alphacrystal.reconstruct._fitness import FitnessBatch, FitnessName
from alphacrystal.reconstruct._judged import judged
from alphacrystal.reconstruct._placement import Effort
from alphacrystal.reconstruct._rebuild import MatrixQuality, rebuild
from alphacrystal.reconstruct._search import Reconstruction

NOISE = 0.15  # Å; of expected distances, for the assembly
EFFORTS = (Effort(beam=16, starts=4, points=(16, 64, 200), steps=8, namings=2),)
GOOD_FIT = -1.0  # negative log density per pair of a structure that hardly anything is fitter than
LOOKED_AT = 8  # assembled crystals whose fitness is worked out


def improve_by_assembly(
    hypotheses: Sequence[SymmetryHypothesis],
    distograms: Sequence[Distogram],
    found: Sequence[Reconstruction],
    fitness: FitnessName,
    seed: int,
) -> list[Reconstruction]:
    """Each structure found, or one assembled from its expected distances where that is fitter.

    Args:
        hypotheses: As for ``reconstruct``.
        distograms: As for ``reconstruct``.
        found: Its results.
        fitness: The minimised function.
        seed: Same seed, same result.
    """
    return [
        _fitter(*item, fitness, seed + place)
        for place, item in enumerate(zip(hypotheses, distograms, found, strict=True))
    ]


def _fitter(
    hypothesis: SymmetryHypothesis,
    distogram: Distogram,
    found: Reconstruction,
    fitness: FitnessName,
    seed: int,
) -> Reconstruction:
    if fitness == "likelihood" and found.geometry + found.penalty < GOOD_FIT:
        return found
    problem = FitnessBatch.of([distogram], fitness)
    made = rebuild(
        distogram.expected,
        distogram.numbers,
        hypothesis.space_group,
        hypothesis.lattice,
        quality=MatrixQuality(noise=NOISE),
        seed=seed,
        efforts=EFFORTS,
    )
    best = found
    for crystal in made[:LOOKED_AT]:
        geometry, penalty = judged(problem, crystal.lattice, crystal.positions[None])
        if geometry[0] + penalty[0] < best.geometry + best.penalty:
            best = Reconstruction(
                lattice=crystal.lattice,
                positions=np.asarray(crystal.positions % 1.0),
                numbers=crystal.numbers,
                geometry=float(geometry[0]),
                penalty=float(penalty[0]),
                method="assembly",
            )
    return best
