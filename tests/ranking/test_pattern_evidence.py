"""Probabilities given the fits to a measured pattern."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from alphacrystal.ranking import (
    NONE_INPUTS,
    PATTERN_INPUTS,
    none_evidence,
    pattern_evidence,
    pattern_probabilities,
)

if TYPE_CHECKING:
    from alphacrystal.diffraction import PatternFit


class Fit:
    """The numbers of a fit that the order uses."""

    def __init__(self, misfit: float, log_likelihood: float) -> None:
        self.misfit, self.log_likelihood = misfit, log_likelihood


def fit(misfit: float, log_likelihood: float = -10.0) -> PatternFit:
    return cast("PatternFit", Fit(misfit, log_likelihood))


def test_inputs_have_limits() -> None:
    rows = pattern_evidence([-3.0, -800.0, -1.0], [fit(0.04), fit(0.0, -1e9), None])
    assert rows.shape == (3, len(PATTERN_INPUTS))
    assert rows[0] == pytest.approx([-3.0, math.log(0.04), -0.1])
    assert np.isfinite(rows).all()
    assert rows[2, 1] == 0.0  # no fit counts as the largest misfit
    assert none_evidence(-900.0).shape == (len(NONE_INPUTS),)


def test_a_better_fit_raises_the_probability() -> None:
    logarithms = [math.log(0.6), math.log(0.2), math.log(0.1)]
    equal = pattern_probabilities(logarithms, math.log(0.1), [fit(0.1)] * 3)
    assert equal == sorted(equal, reverse=True)
    assert sum(equal) < 1
    better = pattern_probabilities(logarithms, math.log(0.1), [fit(0.5, -90), fit(0.02, -5), fit(0.5, -90)])
    assert max(better) == better[1]
    assert better[1] > equal[1]
    nothing = pattern_probabilities(logarithms, math.log(0.1), [fit(0.95, -300)] * 3)
    assert sum(nothing) < sum(better)  # "none of these" gains where nothing fits
