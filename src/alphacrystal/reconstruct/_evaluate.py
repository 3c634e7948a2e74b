"""Fitness of given crystals or coordinates, on the scale of the search."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from alphacrystal.crystal import (
    Distogram,
    OrbitDistogram,
    SymmetryHypothesis,
    encode,
    min_image_pair_distances,
)
from alphacrystal.reconstruct._batch import EncodingBatch
from alphacrystal.reconstruct._fitness import FitnessBatch, FitnessName
from alphacrystal.typing import FloatArray


def evaluate_crystals(
    problem: FitnessBatch, lattice: FloatArray, positions: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Geometry and penalty of crystals in the predicted cell, which has no lattice penalty.

    Args:
        problem: One distogram.
        lattice: Rows in Å, shape (3, 3).
        positions: Fractional coordinates, shape (crystals, atoms, 3).

    Returns:
        shape (crystals,) each; low is good.
    """
    distances = min_image_pair_distances(lattice, positions, problem.rows.numpy(), problem.columns.numpy())
    lengths = torch.as_tensor(distances, dtype=torch.float32)[None]
    return (
        problem.geometry(lengths)[0].double().numpy(),
        problem.clash(lengths)[0].double().numpy() / problem.pairs,
    )


def crystal_fitness(
    distogram: Distogram | OrbitDistogram,
    lattice: FloatArray,
    positions: FloatArray,
    fitness: FitnessName = "likelihood",
) -> float:
    """Geometry plus clash penalty of one crystal; low is good.

    Args:
        distogram: Predicted distances.
        lattice: Rows in Å, shape (3, 3).
        positions: Fractional coordinates, atoms in the order of the distogram, shape (atoms, 3).
        fitness: The function.
    """
    problem = FitnessBatch.of([distogram], fitness)
    geometry, penalty = evaluate_crystals(problem, lattice, positions[None])
    return float(geometry[0] + penalty[0])


def fitness_function(
    hypothesis: SymmetryHypothesis, distogram: Distogram, fitness: FitnessName = "likelihood"
) -> Callable[[FloatArray], FloatArray]:
    """Disagreement with a distogram as a function of the free coordinates, in the predicted cell.

    Returns:
        A function of coordinates, shape (members, free), with values of shape (members,); low is good.
    """
    encodings = EncodingBatch.of([encode(hypothesis)])
    problem = FitnessBatch.of([distogram], fitness)
    free = encodings.free

    def evaluate(members: FloatArray) -> FloatArray:
        parameters = torch.zeros(1, len(members), free + 6)
        parameters[0, :, :free] = torch.as_tensor(members, dtype=torch.float32)
        with torch.no_grad():
            squared = encodings.squared_distances(parameters, problem.rows, problem.columns)
            return np.asarray(problem.geometry(squared.sqrt())[0].double().numpy())

    return evaluate
