"""The probability model of a list: inputs, and a conditional logit with the alternative "none of these"."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel

from alphacrystal.crystal import neighbour_fingerprint
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.generate import Candidate
    from alphacrystal.relaxation import Relaxation

#: Inputs of one structure, in the order of the columns of `row_evidence`.
ROW_INPUTS = (
    "prior",  # log-probability of its hypothesis among all structure types of the formula
    "low_energy",  # eV/atom above the lowest of the list, the part up to 0.05
    "medium_energy",  # the part from 0.05 to 0.25
    "high_energy",  # the part from 0.25 to 1.25
    "change",  # largest change of the logarithms of the neighbour distances by the relaxation
)
#: Inputs of the whole list, in the order of `list_evidence`; they decide whether the answer is in it.
LIST_INPUTS = (
    "constant",
    "missing",  # log of the prior probability of the structure types that the list does not hold
)
LOWEST_PRIOR = -15.0  # of structures without a hypothesis or with an unlikely one
ENERGY_STEPS = (0.0, 0.05, 0.25, 1.25)  # eV/atom
LARGEST_CHANGE = 0.5
LEAST_MISSING = 1e-4


def row_evidence(
    candidates: Sequence[Candidate],
    relaxations: Mapping[int, Relaxation],
    groups: Sequence[tuple[int, ...]],
    *,
    pressure_gpa: float = 0.0,
) -> FloatArray:
    """Inputs of each relaxed structure.

    At zero pressure the effect of an energy is limited: a known crystal may be metastable, or the potential
    wrong. Under pressure the stable phase is wanted, and the whole enthalpy counts as "low_energy".

    Args:
        candidates: All candidates of a run.
        relaxations: By candidate index.
        groups: Indices of the candidates that ended in each structure; the first represents it.
        pressure_gpa: Pressure of the relaxations.

    Returns:
        Shape (structures, len(ROW_INPUTS)).
    """
    energies = [relaxations[group[0]].energy_per_atom for group in groups]
    lowest = min((energy for energy in energies if energy is not None), default=0.0)
    rows = []
    for group, energy in zip(groups, energies, strict=True):
        above = ENERGY_STEPS[-1] if energy is None else energy - lowest
        start, end = candidates[group[0]].structure, relaxations[group[0]].structure
        rows.append(
            [
                prior(candidates[most_probable(candidates, group)]),
                *(energy_parts(above) if pressure_gpa == 0 else (above, 0.0, 0.0)),
                neighbour_change(start, end),
            ]
        )
    return np.array(rows).reshape(len(groups), len(ROW_INPUTS))


def most_probable(candidates: Sequence[Candidate], group: Sequence[int]) -> int:
    """The member of a group with the largest log-probability."""

    def score(index: int) -> tuple[float, int]:
        value = candidates[index].log_probability
        return (-math.inf if value is None else value, -index)

    return max(group, key=score)


def prior(candidate: Candidate) -> float:
    """Log-probability of the hypothesis of a candidate, else of the candidate, at least LOWEST_PRIOR."""
    value = candidate.log_probability
    if candidate.hypothesis is not None:
        value = candidate.hypothesis.log_probability
    return LOWEST_PRIOR if value is None else max(value, LOWEST_PRIOR)


def energy_parts(above: float) -> list[float]:
    """The parts of an energy in eV/atom between the ENERGY_STEPS."""
    return [min(max(above - begin, 0.0), end - begin) for begin, end in pairwise(ENERGY_STEPS)]


def neighbour_change(start: Structure, end: Structure) -> float:
    """Largest change of the logarithms of the neighbour distances at equal volume, at most LARGEST_CHANGE."""
    before, after = (np.log(np.maximum(neighbour_fingerprint(crystal), 1e-6)) for crystal in (start, end))
    return min(float(np.abs(after - before).max()), LARGEST_CHANGE)


def list_evidence(candidates: Sequence[Candidate], groups: Sequence[tuple[int, ...]]) -> FloatArray:
    """Inputs of a list, shape (len(LIST_INPUTS),).

    Args:
        candidates: All candidates of the run.
        groups: As for `row_evidence`.
    """
    hypotheses = {
        (h.space_group, h.formula_units, tuple(h.occupation.items())): h.log_probability
        for group in groups
        for index in group
        if (h := candidates[index].hypothesis) is not None
    }
    missing = 1.0 - sum(map(math.exp, hypotheses.values()))
    return np.array([1.0, math.log(min(max(missing, LEAST_MISSING), 1.0))])


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
