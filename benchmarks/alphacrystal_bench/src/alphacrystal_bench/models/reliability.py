"""Calibration of predicted probabilities: observed frequencies and coverages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alphacrystal.typing import BoolArray, FloatArray

LEVELS = np.arange(0.1, 0.91, 0.1)  # probabilities of central intervals
CELLS = 10  # intervals of predicted probabilities


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """One curve of a reliability diagram.

    Attributes:
        stated: Predicted probability (mean over each interval of probabilities, or level), shape (points,).
        observed: Observed frequency, shape (points,).
        share: Share of the predictions of each point, sums to 1, shape (points,).
    """

    stated: FloatArray
    observed: FloatArray
    share: FloatArray

    @property
    def expected_error(self) -> float:
        """Expected calibration error: mean of |observed - stated| weighted by share."""
        return float((np.abs(self.observed - self.stated) * self.share).sum())

    def as_dict(self) -> dict[str, Any]:
        """JSON values, rounded to four digits."""
        names = ("stated", "observed", "share")
        columns = {name: np.round(getattr(self, name), 4).tolist() for name in names}
        return {"expected_calibration_error": round(self.expected_error, 4), **columns}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Reliability:
        """The inverse of ``as_dict``."""
        return cls(*(np.array(content[name]) for name in ("stated", "observed", "share")))


def from_confidence(
    confidence: FloatArray, right: BoolArray, weights: FloatArray | None = None
) -> Reliability:
    """Curve of single predictions, sorted by their probability into intervals of equal width.

    Args:
        confidence: Predicted probability of the outcome, shape (n,).
        right: Whether the outcome occurred, shape (n,).
        weights: Weights of the predictions (default: all equal), shape (n,).
    """
    bins = Histogram()
    bins.add(confidence, right, np.ones(len(confidence)) if weights is None else weights)
    return bins.curve()


def from_coverage(quantiles: FloatArray, weights: FloatArray | None = None) -> Reliability:
    """Curve of central intervals, from the quantiles of the true values in the predicted distributions.

    Args:
        quantiles: Predicted cumulative probability at the true value, shape (n,).
        weights: Weights of the predictions (default: all equal), shape (n,).
    """
    if weights is None:
        weights = np.ones(len(quantiles))
    inside = np.abs(quantiles[:, None] - 0.5) <= LEVELS / 2
    covered = (inside * weights[:, None]).sum(0) / weights.sum()
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
        """Add predictions, shape (n,) each."""
        indices = np.minimum((probabilities * CELLS).astype(np.int64), CELLS - 1)
        for row, values in enumerate((weights, weights * probabilities, weights * outcomes)):
            self.sums[row] += np.bincount(indices, values, CELLS)

    def curve(self) -> Reliability:
        """Reliability of the added predictions, without empty intervals."""
        weight, stated, observed = self.sums[:, self.sums[0] > 0]
        return Reliability(stated / weight, observed / weight, weight / weight.sum())


@dataclass(slots=True)
class DistogramReliability:
    """Reliability of distograms; every cell has the same weight, independent of its number of pairs.

    Attributes:
        edges: Bin edges in Å, shape (bins - 1,).
        bins: Histogram over all bins of all pairs, weighted by their probability, since most are nearly 0.
        quantiles, weights: Quantiles of the true distances and their weights, arrays of shape (pairs,).
    """

    edges: FloatArray
    bins: Histogram = field(default_factory=Histogram)
    quantiles: list[FloatArray] = field(default_factory=list)
    weights: list[FloatArray] = field(default_factory=list)

    def add(self, probabilities: FloatArray, true: FloatArray) -> None:
        """Add one cell: probabilities (pairs, bins), true distances in Å (pairs,)."""
        pairs, count = probabilities.shape
        bin_indices = np.searchsorted(self.edges, true)
        hit = np.arange(count) == bin_indices[:, None]
        self.bins.add(probabilities.ravel(), hit.ravel(), probabilities.ravel() / pairs)
        width = np.diff(self.edges)
        # The distribution within a bin is uniform; the open first and last bin count half.
        closed = (bin_indices > 0) & (bin_indices < count - 1)
        within = np.full(pairs, 0.5)
        within[closed] = (true[closed] - self.edges[bin_indices[closed] - 1]) / width[bin_indices[closed] - 1]
        before = np.cumsum(probabilities, axis=1) - probabilities
        indices = np.arange(pairs)
        self.quantiles.append(before[indices, bin_indices] + within * probabilities[indices, bin_indices])
        self.weights.append(np.full(pairs, 1 / pairs))

    def curves(self) -> tuple[Reliability, Reliability]:
        """Curves of the bins and of central intervals."""
        coverage = from_coverage(np.concatenate(self.quantiles), np.concatenate(self.weights))
        return self.bins.curve(), coverage
