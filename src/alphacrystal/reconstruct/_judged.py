"""Fitness of crystals from other methods, on the scale of the search."""

from __future__ import annotations

import torch

from alphacrystal.crystal import min_image_distances
from alphacrystal.reconstruct._fitness import FitnessBatch
from alphacrystal.typing import FloatArray


def judged(
    problem: FitnessBatch, lattice: FloatArray, positions: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Geometry and penalty of crystals with one cell, the predicted one, so that it costs nothing.

    Args:
        problem: One distogram.
        lattice: Rows in Å, shape (3, 3).
        positions: Fractional coordinates, shape (crystals, atoms, 3).

    Returns:
        shape (crystals,) each; low is good.
    """
    matrices = min_image_distances(lattice, positions)
    lengths = torch.as_tensor(matrices, dtype=torch.float32)[:, problem.rows, problem.columns][None]
    pairs = max(len(problem.rows), 1)
    return (
        problem.geometry(lengths)[0].double().numpy(),
        problem.clash(lengths)[0].double().numpy() / pairs,
    )
