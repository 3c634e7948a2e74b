"""The fitness of the search alone, for many members of one hypothesis at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from alphacrystal.crystal import Distogram, SymmetryHypothesis, encode
from alphacrystal.reconstruct._batch import EncodingBatch
from alphacrystal.reconstruct._fitness import FitnessBatch, FitnessName
from alphacrystal.typing import FloatArray


def fitness_function(
    hypothesis: SymmetryHypothesis, distogram: Distogram, kind: FitnessName = "likelihood"
) -> Callable[[FloatArray], FloatArray]:
    """Disagreement with a distogram as a function of the free coordinates, in the predicted cell.

    Returns:
        A function of coordinates, shape (members, free), with values of shape (members,); low is good.
    """
    encodings = EncodingBatch.of([encode(hypothesis)])
    fitness = FitnessBatch.of([distogram], kind)
    free = encodings.free

    def evaluate(members: FloatArray) -> FloatArray:
        parameters = torch.zeros(1, len(members), free + 6)
        parameters[0, :, :free] = torch.as_tensor(members, dtype=torch.float32)
        with torch.no_grad():
            squared = encodings.squared_distances(parameters, fitness.rows, fitness.columns)
            return np.asarray(fitness.geometry(squared.sqrt())[0].double().numpy())

    return evaluate
