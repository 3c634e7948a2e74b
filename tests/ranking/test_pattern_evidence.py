"""Probabilities given the fits to a measured pattern."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.generate import Candidate
from alphacrystal.ranking import (
    MEASURED_CELL,
    NONE_INPUTS,
    PATTERN_INPUTS,
    RankedStructure,
    none_evidence,
    pattern_evidence,
    pattern_probabilities,
    rank_candidates,
)
from alphacrystal.relaxation import Relaxation, RelaxationStatus

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


def test_the_copy_in_the_measured_cell_represents_its_group_where_it_fits_better() -> None:
    cells = [Structure(Lattice.cubic(a), ["Cs", "Cl"], [[0, 0, 0], [0.5] * 3]) for a in (4.30, 4.12)]
    candidates = [
        Candidate(cells[0], "test", -0.5),
        Candidate(cells[1], "test", -0.5, provenance={MEASURED_CELL: True, "candidate": 0}),
    ]
    relaxations = {
        0: Relaxation(cells[0], RelaxationStatus.CONVERGED, "", -3.2, 0.01, 0.1, 5, 0.1),
        1: Relaxation(cells[1], RelaxationStatus.STEP_LIMIT, "", -3.1, 0.01, 0.1, 5, 0.1),
    }

    def only_row(misfits: dict[int, float], **options: Any) -> RankedStructure:
        (row,) = rank_candidates(
            candidates,
            relaxations,
            relaxed=True,
            top=5,
            fit_pattern=lambda index, _: fit(misfits[index]),
            **options,
        )
        return row

    better, worse = only_row({0: 0.4, 1: 0.01}), only_row({0: 0.01, 1: 0.4})
    assert (better.candidate_index, better.duplicates) == (1, (0,))
    assert better.primitive == cells[1]
    assert (worse.candidate_index, worse.duplicates) == (0, (1,))
    # The stress of the measured cell does not lower the probability: both count with the energy of the first.
    assert better.score == pytest.approx(worse.score)
    # In the order of energies a structure has the energy without stress.
    assert only_row({0: 0.4, 1: 0.01}, order="energy").candidate_index == 0
