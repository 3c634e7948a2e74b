"""Fit the probability model of lists by maximum likelihood, and cross-validate it by formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alphacrystal.typing import BoolArray, FloatArray
from alphacrystal_bench.harness.rows import Row
from alphacrystal_bench.list_order.evidence import matrix

#: Strength of the ridge penalty on weights in units of the spread of their inputs, per list.
RIDGE = 0.004
#: Inputs whose weights must not have the other sign.
POSITIVE = ("prior", "members")
NEGATIVE = ("start_misfit", "low_energy", "medium_energy", "high_energy", "change", "unconverged")
FOLDS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One list.

    Attributes:
        inputs: Of its structures, shape (structures, inputs).
        none: Inputs of the list, shape (list inputs,).
        known: Whether each structure is the known crystal, shape (structures,).
    """

    inputs: FloatArray
    none: FloatArray
    known: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Weights of a fitted model.

    Attributes:
        rows: Weights of the inputs of a structure.
        none: Weights of the inputs of the list.
    """

    rows: FloatArray
    none: FloatArray

    def probabilities(self, sample: Sample) -> FloatArray:
        """Of the structures, then of "none of these", shape (structures + 1,)."""
        scores = np.append(sample.inputs @ self.rows, sample.none @ self.none)
        return np.asarray(np.exp(scores - np.logaddexp.reduce(scores)))


def samples(rows: Sequence[Row], names: Sequence[str]) -> list[Sample]:
    """Lists of finished compounds with some of the inputs."""
    return [
        Sample(
            matrix(row, names),
            np.array(row["list"]),
            np.array(row["known"], dtype=bool),
        )
        for row in rows
    ]


def fit(lists: Sequence[Sample], names: Sequence[str], ridge: float = RIDGE) -> Fit:
    """Weights of largest likelihood; a list whose known crystal is missing counts as "none of these".

    The first input of a structure (the prior) and the first of a list (the constant) have no ridge penalty.

    Args:
        lists: At least one.
        names: Of the inputs of a structure.
        ridge: Strength of the penalty.
    """
    from scipy.optimize import minimize

    spread = np.concatenate([item.inputs for item in lists]).std(0) + 1e-9
    none_spread = np.array([item.none for item in lists]).std(0) + 1e-9
    none_spread[0] = 1.0
    count = len(names)
    penalised = np.ones(count + len(none_spread))
    penalised[[0, count]] = 0.0

    def loss(values: FloatArray) -> tuple[float, FloatArray]:
        rows, none = values[:count] / spread, values[count:] / none_spread
        total, gradient = 0.0, np.zeros_like(values)
        for item in lists:
            scores = np.append(item.inputs @ rows, item.none @ none)
            right = np.append(item.known, not item.known.any())
            shares = np.exp(scores - np.logaddexp.reduce(scores))
            likelihood = shares[right].sum()
            total -= float(np.log(likelihood))
            excess = shares - np.where(right, shares, 0.0) / likelihood
            gradient[:count] += excess[:-1] @ item.inputs / spread
            gradient[count:] += excess[-1] * item.none / none_spread
        strength = ridge * len(lists)
        return total + strength * float(
            (penalised * values**2).sum()
        ), gradient + 2 * strength * penalised * values

    bounds: list[tuple[float | None, float | None]] = [
        (0.0 if name in POSITIVE else None, 0.0 if name in NEGATIVE else None) for name in names
    ]
    bounds += [(None, None)] * len(none_spread)
    end = minimize(loss, np.zeros(len(bounds)), jac=True, method="L-BFGS-B", bounds=bounds)
    return Fit(end.x[:count] / spread, end.x[count:] / none_spread)


def cross_validated(lists: Sequence[Sample], names: Sequence[str], seed: int) -> list[FloatArray]:
    """Probabilities of each list by a model that was fitted without it.

    Every formula has one list, so the folds are folds of formulas.
    """
    order = np.random.default_rng(seed).permutation(len(lists))
    probabilities: list[FloatArray] = [np.zeros(0)] * len(lists)
    for fold in range(min(FOLDS, len(lists))):
        held = set(order[fold::FOLDS].tolist())
        model = fit([item for index, item in enumerate(lists) if index not in held], names)
        for index in held:
            probabilities[index] = model.probabilities(lists[index])
    return probabilities


def loss_of(lists: Sequence[Sample], probabilities: Sequence[FloatArray]) -> float:
    """Mean negative logarithm of the probability of what is right."""
    values = [
        shares[np.append(item.known, not item.known.any())].sum()
        for item, shares in zip(lists, probabilities, strict=True)
    ]
    return float(-np.log(np.maximum(values, 1e-12)).mean())
