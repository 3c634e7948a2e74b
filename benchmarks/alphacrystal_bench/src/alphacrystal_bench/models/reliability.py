"""Whether predicted probabilities mean what they say: frequencies and coverages beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alphacrystal.typing import BoolArray, FloatArray

LEVELS = np.arange(0.1, 0.91, 0.1)  # probabilities of central intervals
CELLS = 10  # intervals that predicted probabilities are sorted into


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """One curve of a reliability diagram.

    Attributes:
        stated: Predicted probability (mean over each interval of probabilities, or level), shape (points,).
        observed: Frequency with which it came true, shape (points,).
        share: Of the predictions behind each point, sums to 1, shape (points,).
    """

    stated: FloatArray
    observed: FloatArray
    share: FloatArray

    @property
    def expected_error(self) -> float:
        """Expected calibration error: mean of |observed - stated| weighted by share."""
        return float((np.abs(self.observed - self.stated) * self.share).sum())

    def as_dict(self) -> dict[str, Any]:
        """For JSON, rounded to four digits."""
        names = ("stated", "observed", "share")
        columns = {name: np.round(getattr(self, name), 4).tolist() for name in names}
        return {"expected_calibration_error": round(self.expected_error, 4), **columns}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Reliability:
        """Back from ``as_dict``."""
        return cls(*(np.array(content[name]) for name in ("stated", "observed", "share")))


def from_confidence(
    confidence: FloatArray, right: BoolArray, weights: FloatArray | None = None
) -> Reliability:
    """Curve of single predictions, sorted by their probability into intervals of equal width.

    Args:
        confidence: Predicted probability of the outcome, shape (n,).
        right: Whether it came true, shape (n,).
        weights: Of each prediction (default: all equal), shape (n,).
    """
    bins = Histogram()
    bins.add(confidence, right, np.ones(len(confidence)) if weights is None else weights)
    return bins.curve()


def from_coverage(quantiles: FloatArray, weights: FloatArray | None = None) -> Reliability:
    """Curve of central intervals, from where the truth falls in its predicted distribution.

    Args:
        quantiles: Predicted probability of less than the true value, shape (n,).
        weights: Of each prediction (default: all equal), shape (n,).
    """
    own = np.ones(len(quantiles)) if weights is None else weights
    inside = np.abs(quantiles[:, None] - 0.5) <= LEVELS / 2
    covered = (inside * own[:, None]).sum(0) / own.sum()
    return Reliability(LEVELS, covered, np.full(len(LEVELS), 1 / len(LEVELS)))


def laplace_quantiles(residuals: FloatArray, scales: FloatArray) -> FloatArray:
    """Cumulative probability of a Laplace distribution at ``residuals`` from its centre."""
    tail = 0.5 * np.exp(-np.abs(residuals) / scales)
    return np.where(residuals < 0, tail, 1 - tail)


@dataclass(slots=True)
class Histogram:
    """Sums over intervals of the predicted probability: weight, weight × probability, weight × outcome."""

    sums: FloatArray = field(default_factory=lambda: np.zeros((3, CELLS)))

    def add(self, probabilities: FloatArray, outcomes: BoolArray, weights: FloatArray) -> None:
        """Count predictions, shape (n,) each."""
        places = np.minimum((probabilities * CELLS).astype(np.int64), CELLS - 1)
        for row, values in enumerate((weights, weights * probabilities, weights * outcomes)):
            self.sums[row] += np.bincount(places, values, CELLS)

    def curve(self) -> Reliability:
        """Reliability of what was counted; empty intervals are left out."""
        weight, stated, observed = self.sums[:, self.sums[0] > 0]
        return Reliability(stated / weight, observed / weight, weight / weight.sum())


@dataclass(slots=True)
class DistogramReliability:
    """Gathers reliability over cells; every cell weighs the same, whatever its number of pairs.

    Attributes:
        edges: Bin edges in Å, shape (bins - 1,).
        bins: Of all bins of all pairs. Nearly all are predicted empty, so each weighs by its own probability.
        quantiles, weights: Where true distances fall in their distributions; parts of shape (pairs,).
    """

    edges: FloatArray
    bins: Histogram = field(default_factory=Histogram)
    quantiles: list[FloatArray] = field(default_factory=list)
    weights: list[FloatArray] = field(default_factory=list)

    def add(self, probabilities: FloatArray, true: FloatArray) -> None:
        """Count one cell: probabilities (pairs, bins), true distances in Å (pairs,)."""
        pairs, count = probabilities.shape
        own = np.searchsorted(self.edges, true)
        hit = np.arange(count) == own[:, None]
        self.bins.add(probabilities.ravel(), hit.ravel(), probabilities.ravel() / pairs)
        width = np.diff(self.edges)
        # Inside its bin a distance is taken as uniform; the open first and last bin count half.
        closed = (own > 0) & (own < count - 1)
        within = np.full(pairs, 0.5)
        within[closed] = (true[closed] - self.edges[own[closed] - 1]) / width[own[closed] - 1]
        before = np.cumsum(probabilities, axis=1) - probabilities
        places = np.arange(pairs)
        self.quantiles.append(before[places, own] + within * probabilities[places, own])
        self.weights.append(np.full(pairs, 1 / pairs))

    def curves(self) -> tuple[Reliability, Reliability]:
        """Of the bins, and of central intervals."""
        coverage = from_coverage(np.concatenate(self.quantiles), np.concatenate(self.weights))
        return self.bins.curve(), coverage
