"""Alternatives to the evolutionary search: assembly from expected distances, and prototype coordinates.

The search compares distances sorted within classes of atoms and misses some minima with many free
coordinates. The assembly assigns each row of the expected matrix to an atom and reaches these minima if the
matrix is accurate. Prototype coordinates need no search.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphacrystal.crystal import Distogram, OrbitDistogram, SymmetryHypothesis, minkowski_reduced, space_group
from alphacrystal.reconstruct._evaluate import evaluate_crystals
from alphacrystal.reconstruct._fitness import FitnessBatch, FitnessName
from alphacrystal.reconstruct._placement import Effort
from alphacrystal.reconstruct._rebuild import MatrixQuality, rebuild
from alphacrystal.reconstruct._search import Reconstruction, SearchSettings, polish_from
from alphacrystal.typing import FloatArray

NOISE = 0.15  # Å; standard deviation of expected distances
EFFORTS = (Effort(beam=16, starts=4, points=(16, 64, 200), steps=8, labellings=2),)
GOOD_FIT = -1.0  # negative log density per pair; a search result below it needs no assembly
MAX_COMPARED = 200  # prototypes of one hypothesis whose fitness is computed
MAX_EVALUATED = 8  # assembled crystals per hypothesis whose fitness is computed


def improve_by_assembly(
    hypotheses: Sequence[SymmetryHypothesis],
    distograms: Sequence[Distogram],
    reconstructions: Sequence[Reconstruction],
    fitness: FitnessName,
    seed: int,
) -> list[Reconstruction]:
    """Replace reconstructions by crystals assembled from their expected distances if these are fitter.

    Args:
        hypotheses: As for ``reconstruct``.
        distograms: As for ``reconstruct``.
        reconstructions: The results of ``reconstruct``.
        fitness: The minimised function.
        seed: Seed of the random numbers; equal seeds give equal results.
    """
    return [
        _fitter(*item, fitness, seed + index)
        for index, item in enumerate(zip(hypotheses, distograms, reconstructions, strict=True))
    ]


def _fitter(
    hypothesis: SymmetryHypothesis,
    distogram: Distogram,
    reconstruction: Reconstruction,
    fitness: FitnessName,
    seed: int,
) -> Reconstruction:
    if fitness == "likelihood" and reconstruction.geometry + reconstruction.penalty < GOOD_FIT:
        return reconstruction
    problem = FitnessBatch.of([distogram], fitness)
    crystals = rebuild(
        distogram.expected,
        distogram.numbers,
        hypothesis.space_group,
        hypothesis.lattice,
        quality=MatrixQuality(noise=NOISE),
        seed=seed,
        efforts=EFFORTS,
    )
    best = reconstruction
    for crystal in crystals[:MAX_EVALUATED]:
        geometry, penalty = evaluate_crystals(problem, crystal.lattice, crystal.positions[None])
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


def improve_from_prototypes(
    hypotheses: Sequence[SymmetryHypothesis],
    distograms: Sequence[OrbitDistogram],
    reconstructions: Sequence[Reconstruction],
    prototypes: Sequence[FloatArray],
    starts: Sequence[Sequence[tuple[Sequence[str], FloatArray]]],
    settings: SearchSettings,
) -> list[Reconstruction]:
    """The fittest of each reconstruction, of prototypes polished on the distogram, and of the prototypes.

    Args:
        hypotheses: As for ``reconstruct``.
        distograms: As for ``reconstruct``.
        reconstructions: The results of ``reconstruct``.
        prototypes: As for ``reconstruct_from_prototypes``.
        starts: For each hypothesis, letters of the orbits and free coordinates of the prototypes to polish,
            see ``polish_from``.
        settings: Effort and fitness.
    """
    unchanged = reconstruct_from_prototypes(hypotheses, distograms, prototypes, settings.fitness)
    results = []
    for hypothesis, distogram, reconstruction, prototype, given in zip(
        hypotheses, distograms, reconstructions, unchanged, starts, strict=True
    ):
        crystals = [reconstruction]
        if given:
            crystals.append(polish_from(hypothesis, distogram, given, settings))
        if prototype:
            crystals.append(prototype)
        results.append(min(crystals, key=lambda crystal: crystal.geometry + crystal.penalty))
    return results


def reconstruct_from_prototypes(
    hypotheses: Sequence[SymmetryHypothesis],
    distograms: Sequence[Distogram | OrbitDistogram],
    prototypes: Sequence[FloatArray],
    fitness: FitnessName,
) -> list[Reconstruction | None]:
    """For each hypothesis the fittest crystal with prototype coordinates, in the predicted cell.

    Args:
        hypotheses: As for ``reconstruct``.
        distograms: As for ``reconstruct``.
        prototypes: For each hypothesis, fractional coordinates in the conventional cell, atoms in the order
            of the distogram, shape (prototypes, atoms, 3); see ``prototype_coordinates``. The first
            MAX_COMPARED are compared.
        fitness: The minimised function.

    Returns:
        None for hypotheses without prototypes.
    """
    return [
        _fittest_prototype(hypothesis, distogram, positions, fitness) if len(positions) else None
        for hypothesis, distogram, positions in zip(hypotheses, distograms, prototypes, strict=True)
    ]


def placed_prototypes(
    hypothesis: SymmetryHypothesis, prototypes: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Reduced primitive rows of the predicted cell in Å, (3, 3), and the prototypes in their basis.

    Args:
        hypothesis: Symmetry and cell.
        prototypes: Fractional coordinates in the conventional cell, shape (prototypes, atoms, 3).
    """
    group = space_group(hypothesis.space_group)
    lattice, change = minkowski_reduced(group.primitive_basis(hypothesis.lattice.matrix()))
    return lattice, prototypes @ group.to_primitive.T @ np.linalg.inv(change)


def _fittest_prototype(
    hypothesis: SymmetryHypothesis,
    distogram: Distogram | OrbitDistogram,
    prototypes: FloatArray,
    fitness: FitnessName,
) -> Reconstruction:
    lattice, positions = placed_prototypes(hypothesis, prototypes[:MAX_COMPARED])
    problem = FitnessBatch.of([distogram], fitness)
    geometry, penalty = evaluate_crystals(problem, lattice, positions)
    best = int(np.argmin(geometry + penalty))
    return Reconstruction(
        lattice=lattice,
        positions=positions[best] % 1.0,
        numbers=distogram.numbers,
        geometry=float(geometry[best]),
        penalty=float(penalty[best]),
        method="prototype",
    )
