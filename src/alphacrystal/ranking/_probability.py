"""The probability model of a list: a conditional logit with the alternative "none of these"."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from pydantic import BaseModel

from alphacrystal.ranking._evidence import LIST_INPUTS, ROW_INPUTS
from alphacrystal.typing import FloatArray


class _Weights(BaseModel):
    """Weights by name of the input."""

    rows: dict[str, float]
    none: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class ListModel:
    """P(structure i) = exp(s_i) / (exp(n) + sum over j of exp(s_j)), McFadden's conditional logit.

    Reference: D. McFadden, in Frontiers in Econometrics, Academic Press 1974, pp. 105-142.

    Attributes:
        rows: Weights of the inputs of a structure, shape (len(ROW_INPUTS),): s = inputs · weights.
        none: Weights of the inputs of the list, shape (len(LIST_INPUTS),): n = inputs · weights.
    """

    rows: FloatArray
    none: FloatArray

    def scores(self, rows: FloatArray) -> FloatArray:
        """Scores of structures, shape (structures,)."""
        return rows @ self.rows

    def probabilities(self, scores: FloatArray, inputs: FloatArray) -> FloatArray:
        """Probabilities of the structures; the rest up to 1 is that of "none of these".

        Args:
            scores: Of all structures of the list, shape (structures,).
            inputs: Inputs of the list, shape (len(LIST_INPUTS),).
        """
        return np.asarray(np.exp(scores - np.logaddexp.reduce([*scores, inputs @ self.none])))


@cache
def list_model() -> ListModel:
    """The model of relaxed lists."""
    text = files("alphacrystal.ranking").joinpath("data", "relaxed_lists.json").read_text("utf-8")
    weights = _Weights.model_validate_json(text)
    return ListModel(
        np.array([weights.rows.get(name, 0.0) for name in ROW_INPUTS]),
        np.array([weights.none.get(name, 0.0) for name in LIST_INPUTS]),
    )
