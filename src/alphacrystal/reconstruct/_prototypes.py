"""A third way to the structure of a hypothesis: the coordinates its structure type is known to have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphacrystal.crystal import Distogram, SymmetryHypothesis, minkowski_reduced, space_group
from alphacrystal.reconstruct._fitness import FitnessBatch, FitnessName
from alphacrystal.reconstruct._judged import judged
from alphacrystal.reconstruct._search import Reconstruction
from alphacrystal.typing import FloatArray


def reconstruct_from_prototypes(
    hypotheses: Sequence[SymmetryHypothesis],
    distograms: Sequence[Distogram],
    places: Sequence[FloatArray],
    fitness: FitnessName,
) -> list[Reconstruction | None]:
    """For each hypothesis the fittest crystal with prototype coordinates, in the predicted cell.

    Args:
        hypotheses: As for ``reconstruct``.
        distograms: As for ``reconstruct``.
        places: Coordinates to choose from, fractional in the conventional cell, atoms in the order of the
            distogram, shape (ways, atoms, 3) each; see ``prototype_coordinates``.
        fitness: The minimised function.

    Returns:
        None where there is nothing to choose from.
    """
    return [
        _fittest(*item, fitness) if len(item[2]) else None
        for item in zip(hypotheses, distograms, places, strict=True)
    ]


def _fittest(
    hypothesis: SymmetryHypothesis,
    distogram: Distogram,
    places: FloatArray,
    fitness: FitnessName,
) -> Reconstruction:
    group = space_group(hypothesis.space_group)
    lattice, change = minkowski_reduced(group.primitive_basis(hypothesis.lattice.matrix()))
    positions = places @ group.to_primitive.T @ np.linalg.inv(change)
    geometry, penalty = judged(FitnessBatch.of([distogram], fitness), lattice, positions)
    best = int(np.argmin(geometry + penalty))
    return Reconstruction(
        lattice=lattice,
        positions=positions[best] % 1.0,
        numbers=distogram.numbers,
        geometry=float(geometry[best]),
        penalty=float(penalty[best]),
        method="prototype",
    )
