"""A second way to the structure of a hypothesis: its expected distances, assembled orbit by orbit.

The search by evolution compares distances sorted within classes of atoms; it misses some minima with many
free coordinates. The assembly reads the expected matrix row by row, as one says of each atom, and finds them
where the matrix is good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from alphacrystal.crystal import Distogram, SymmetryHypothesis, min_image_distances
from alphacrystal.reconstruct._fitness import FitnessBatch, FitnessName
from alphacrystal.reconstruct._placement import Effort
from alphacrystal.reconstruct._rebuild import MatrixQuality, Rebuilt, rebuild
from alphacrystal.reconstruct._search import Reconstruction

NOISE = 0.15  # Å; of expected distances, for the assembly
EFFORTS = (Effort(beam=16, starts=4, points=(16, 64, 200), steps=8, namings=2),)
SETTLED = -1.0  # negative log density per pair of a structure that hardly anything is fitter than
LOOKED_AT = 8  # assembled crystals whose fitness is worked out


def with_assembly(
    hypotheses: Sequence[SymmetryHypothesis],
    distograms: Sequence[Distogram],
    found: Sequence[Reconstruction],
    fitness: FitnessName,
    seed: int,
) -> list[Reconstruction]:
    """Each structure found, or one assembled from its expected distances where that is fitter.

    Args:
        hypotheses, distograms: As for ``reconstruct``.
        found: Its results.
        fitness: What was minimised.
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
    if fitness == "likelihood" and found.geometry + found.penalty < SETTLED:
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
        judged = _judged(crystal, found, problem)
        if judged.geometry + judged.penalty < best.geometry + best.penalty:
            best = judged
    return best


def _judged(crystal: Rebuilt, found: Reconstruction, problem: FitnessBatch) -> Reconstruction:
    """As the search judges its own; the cell is the predicted one, so that it costs nothing."""
    matrix = min_image_distances(crystal.lattice, crystal.positions)
    lengths = torch.as_tensor(matrix, dtype=torch.float32)[problem.rows, problem.columns][None, None]
    pairs = max(len(problem.rows), 1)
    return replace(
        found,
        lattice=crystal.lattice,
        positions=np.asarray(crystal.positions % 1.0),
        numbers=crystal.numbers,
        geometry=float(problem.geometry(lengths)[0, 0]),
        penalty=float(problem.clash(lengths)[0, 0]) / pairs,
    )
