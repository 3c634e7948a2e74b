"""Two opinions on the space group made one: that of the structure types and that of the composition alone."""

from __future__ import annotations

import numpy as np

from alphacrystal.typing import FloatArray, IntArray

# Of the space-group network. On validation compounds anything from 0.1 to 0.3 serves (docs/models.md).
OPINION_SHARE = 0.2


def with_opinion(
    groups: IntArray, log_probabilities: FloatArray, opinion: FloatArray, share: float = OPINION_SHARE
) -> FloatArray:
    """Log-probabilities of types whose space groups are a mixture of theirs and of another opinion.

    The probability of each space group becomes (1 - share) times that of its types and share times the
    other; within a space group the types keep their ratios. Groups without a type get nothing.

    Args:
        groups: Space group of each type, shape (types,).
        log_probabilities: Normalised, shape (types,).
        opinion: Probability of each space group, shape (231,).
        share: Of the other opinion, 0 to 1.

    Returns:
        Normalised, shape (types,).
    """
    own = np.zeros(len(opinion))
    np.add.at(own, groups, np.exp(log_probabilities))
    listed = np.zeros(len(opinion), dtype=bool)
    listed[groups] = True
    other = np.where(listed, opinion, 0)
    if own.sum() <= 0 or other.sum() <= 0:
        return log_probabilities
    mixed = (1 - share) * own + share * other / other.sum()
    with np.errstate(divide="ignore"):
        gain = np.log(mixed[groups]) - np.log(own[groups])
    # Where rounding leaves a listed group nothing of its own, its types share alike.
    alike = np.log(mixed[groups] / np.maximum(np.bincount(groups, minlength=len(opinion))[groups], 1))
    result = np.where(own[groups] > 0, log_probabilities + gain, alike)
    return np.asarray(result - np.logaddexp.reduce(result))
