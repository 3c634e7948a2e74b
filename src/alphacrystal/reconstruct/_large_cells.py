"""Crystals of large cells: prototype coordinates, polished on the distogram of the orbits, and a search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphacrystal.crystal import OrbitDistogram, SymmetryHypothesis
from alphacrystal.reconstruct._alternatives import placed_prototypes
from alphacrystal.reconstruct._evaluate import evaluate_crystals
from alphacrystal.reconstruct._fitness import FitnessBatch, FitnessName
from alphacrystal.reconstruct._search import Reconstruction, SearchSettings, polish_from
from alphacrystal.typing import FloatArray

MAX_CRYSTALS = 3  # of one hypothesis
MAX_COMPARED = 48  # prototypes of one hypothesis whose fitness is computed


def reconstruct_large(
    hypothesis: SymmetryHypothesis,
    distogram: OrbitDistogram,
    prototypes: FloatArray,
    starts: Sequence[tuple[Sequence[str], FloatArray]],
    searched: Reconstruction,
    settings: SearchSettings,
) -> list[Reconstruction]:
    """Crystals of one hypothesis, the fittest first, at most MAX_CRYSTALS.

    Args:
        hypothesis: Symmetry and cell.
        distogram: Of its orbits.
        prototypes: Fractional coordinates in the conventional cell, see ``prototype_coordinates``, shape
            (prototypes, atoms, 3).
        starts: Letters and free coordinates of the most similar prototypes, which are polished on the
            distogram.
        searched: The result of the search with the same distogram.
        settings: Effort and fitness.
    """
    crystals = [searched]
    if len(starts):
        crystals.append(polish_from(hypothesis, distogram, starts, settings))
    crystals += fittest_prototypes(hypothesis, distogram, prototypes, settings.fitness)
    crystals.sort(key=lambda crystal: crystal.geometry + crystal.penalty)
    return crystals[:MAX_CRYSTALS]


def fittest_prototypes(
    hypothesis: SymmetryHypothesis,
    distogram: OrbitDistogram,
    prototypes: FloatArray,
    fitness: FitnessName,
) -> list[Reconstruction]:
    """Crystals with prototype coordinates in the predicted cell, the fittest first, at most MAX_CRYSTALS.

    Args:
        hypothesis: As for ``reconstruct_large``.
        distogram: As for ``reconstruct_large``.
        prototypes: As for ``reconstruct_large``.
        fitness: The function that compares them.
    """
    if not len(prototypes):
        return []
    lattice, positions = placed_prototypes(hypothesis, prototypes[:MAX_COMPARED])
    geometry, penalty = evaluate_crystals(FitnessBatch.of([distogram], fitness), lattice, positions)
    return [
        Reconstruction(
            lattice=lattice,
            positions=positions[row] % 1.0,
            numbers=distogram.numbers,
            geometry=float(geometry[row]),
            penalty=float(penalty[row]),
            method="prototype",
        )
        for row in np.argsort(geometry + penalty, kind="stable")[:MAX_CRYSTALS].tolist()
    ]
