"""Least squares with parameters that enter linearly: scale and background in closed form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from alphacrystal.typing import FloatArray

_SMALL_GAIN = 1e-4  # relative; the fit stops below
_DAMPING, _MAX_DAMPING = 1e-3, 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Weighted:
    """Data of a fit.

    Attributes:
        data: Measured values, shape (points,).
        weight: Reciprocal standard deviations, shape (points,).
        linear: Columns that are added with free coefficients, shape (points, columns).
    """

    data: FloatArray
    weight: FloatArray
    linear: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Result of a fit.

    Attributes:
        parameters: Shape (parameters,).
        scale: Factor of the model, at least 0.
        coefficients: Of the linear columns, shape (columns,).
        cost: Sum of squared weighted residuals, without the prior.
        evaluations: Calls of the model.
    """

    parameters: FloatArray
    scale: float
    coefficients: FloatArray
    cost: float
    evaluations: int


def separable_fit(
    model: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    weighted: Weighted,
    start: FloatArray,
    bounds: tuple[FloatArray, FloatArray],
    prior: tuple[FloatArray, FloatArray],
    max_evaluations: int,
) -> Solution:
    """Levenberg-Marquardt fit of a model times a scale plus linear columns (variable projection).

    Kaufman's Jacobian (1975, doi:10.1007/BF01932995): the derivative without its part in the span of model
    and columns.

    Args:
        model: Gives the model, shape (points,), and its Jacobian, shape (points, parameters).
        weighted: The data.
        start: Parameters, shape (parameters,).
        bounds: Smallest and largest values; equal bounds fix a parameter.
        prior: Mean and standard deviation of each parameter, in units of the weighted residuals.
        max_evaluations: Calls of the model at most.
    """
    low, high = bounds
    mean, spread = prior
    free = np.flatnonzero(high > low)
    here = np.clip(start, low, high)
    columns = np.linalg.qr(weighted.linear * weighted.weight[:, None])[0]
    data = weighted.data * weighted.weight
    data_net = data - columns @ (columns.T @ data)

    def projected(at: FloatArray) -> tuple[float, FloatArray, FloatArray, float, FloatArray]:
        """Scale, residual, Jacobian of the residual, its cost with the prior, and the model."""
        value, jacobian = model(at)
        block = np.column_stack([value, jacobian[:, free]]) * weighted.weight[:, None]
        block -= columns @ (columns.T @ block)
        norm = float(block[:, 0] @ block[:, 0])
        scale = max(0.0, float(block[:, 0] @ data_net) / norm) if norm > 0 else 0.0
        residual = data_net - scale * block[:, 0]
        slopes = -scale * block[:, 1:]
        if norm > 0:
            slopes -= np.outer(block[:, 0], block[:, 0] @ slopes / norm)
        total = float(residual @ residual + np.sum(((at - mean) / spread) ** 2))
        return scale, residual, slopes, total, value

    scale, residual, slopes, cost, value = projected(here)
    damping, evaluations = _DAMPING, 1
    while evaluations < max_evaluations and len(free) and damping < _MAX_DAMPING:
        precision = 1 / spread[free] ** 2
        normal = slopes.T @ slopes + np.diag(precision)
        gradient = slopes.T @ residual + (here - mean)[free] * precision
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), -gradient)
        there = here.copy()
        there[free] = np.clip(here[free] + step, low[free], high[free])
        trial = projected(there)
        evaluations += 1
        if trial[3] < cost:
            gain = (cost - trial[3]) / cost
            here, (scale, residual, slopes, cost, value) = there, trial
            damping /= 5
            if gain < _SMALL_GAIN:
                break
        else:
            damping *= 8
    rest = (weighted.data - scale * value) * weighted.weight
    coefficients = np.asarray(
        np.linalg.lstsq(weighted.linear * weighted.weight[:, None], rest, rcond=None)[0], dtype=np.float64
    )
    return Solution(here, scale, coefficients, float(residual @ residual), evaluations)
