"""The probability of a structure, given its fit to a measured powder pattern too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel

from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from alphacrystal.diffraction import PatternFit

#: Inputs of one structure, in the order of the columns of `pattern_evidence`.
PATTERN_INPUTS = (
    "list",  # log-probability without the pattern
    "misfit",  # log of the squared misfit of the profile relative to the net intensities
    "peaks",  # log-likelihood of the peaks, in units of its effective counts
)
#: Inputs of "none of these".
NONE_INPUTS = (
    "constant",
    "list",  # its log-probability without the pattern
)
LEAST_LOG_PROBABILITY = -15.0
LEAST_MISFIT, LARGEST_MISFIT = 0.003, 1.0  # squared; R_wp without background of 5 and 100 %
LEAST_PEAKS = -5.0
COUNTS = 100.0  # effective counts of the likelihood of the peaks


class _Weights(BaseModel):
    """Weights by name of the input."""

    rows: dict[str, float]
    none: dict[str, float]


def pattern_evidence(log_probabilities: Sequence[float], fits: Sequence[PatternFit | None]) -> FloatArray:
    """Inputs of each structure, shape (structures, len(PATTERN_INPUTS)).

    Args:
        log_probabilities: Of the structures without the pattern.
        fits: Of the structures to the pattern; None where there is none.
    """
    rows = [
        [
            max(value, LEAST_LOG_PROBABILITY),
            math.log(LARGEST_MISFIT if fit is None else min(max(fit.misfit, LEAST_MISFIT), LARGEST_MISFIT)),
            LEAST_PEAKS if fit is None else max(fit.log_likelihood / COUNTS, LEAST_PEAKS),
        ]
        for value, fit in zip(log_probabilities, fits, strict=True)
    ]
    return np.array(rows).reshape(len(rows), len(PATTERN_INPUTS))


def none_evidence(log_probability: float) -> FloatArray:
    """Inputs of "none of these", shape (len(NONE_INPUTS),), from its log-probability without the pattern."""
    return np.array([1.0, max(log_probability, LEAST_LOG_PROBABILITY)])


def pattern_probabilities(
    log_probabilities: Sequence[float], none: float, fits: Sequence[PatternFit | None]
) -> list[float]:
    """Probabilities of the structures given the pattern; the rest up to 1 is that of "none of these".

    Args:
        log_probabilities: Of the structures without the pattern.
        none: Log-probability of "none of these" without the pattern.
        fits: As for `pattern_evidence`.
    """
    weights = _weights()
    rows = pattern_evidence(log_probabilities, fits) @ [weights.rows[name] for name in PATTERN_INPUTS]
    other = float(none_evidence(none) @ [weights.none[name] for name in NONE_INPUTS])
    return [float(value) for value in np.exp(rows - np.logaddexp.reduce([*rows, other]))]


@cache
def _weights() -> _Weights:
    text = files("alphacrystal.ranking").joinpath("data", "pattern_lists.json").read_text("utf-8")
    return _Weights.model_validate_json(text)
