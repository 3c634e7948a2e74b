"""Space groups straight from the composition, whatever is known of its stoichiometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.composition import element_features
from alphacrystal.learn.structure_types import MAX_ELEMENTS
from alphacrystal.learn.symmetry.training import composition_arrays
from alphacrystal.typing import Float32Array, FloatArray, IntArray

GROUPS = 231  # one more than there are, for numbers begin at 1
ELEMENTS = 104
DIVISORS = (2, 3, 4)
MOST_COUNTED = 16.0  # atoms of a formula unit; keeps the inputs small


@dataclass(frozen=True, slots=True)
class GroupNetConfig:
    """Sizes of the network."""

    width: int = 512
    dropout: float = 0.25


def composition_statistics(numbers: IntArray, counts: Float32Array) -> Float32Array:
    """Fixed-length description of compositions, the same in whatever order the elements stand.

    Weighted mean, spread, least, greatest and range of the eleven element properties (standardised), square
    roots of the atomic fractions of all elements, the fractions in falling order, and how the counts divide.

    Args:
        numbers: Atomic numbers, 0 where unused, shape (n, MAX_ELEMENTS).
        counts: Atoms in the reduced formula, shape (n, MAX_ELEMENTS).

    Returns:
        shape (n, features).
    """
    used = numbers > 0
    properties = np.nan_to_num(element_features())[numbers]  # (n, slots, 11)
    total = counts.sum(1, keepdims=True)
    fractions = np.where(used, counts, 0) / np.maximum(total, 1)
    mean = (fractions[..., None] * properties).sum(1)
    spread = np.sqrt((fractions[..., None] * (properties - mean[:, None]) ** 2).sum(1))
    least = np.where(used[..., None], properties, np.inf).min(1)
    greatest = np.where(used[..., None], properties, -np.inf).max(1)
    amounts = np.zeros((len(numbers), ELEMENTS))
    np.put_along_axis(amounts, numbers, np.sqrt(fractions), axis=1)
    amounts[:, 0] = 0
    falling = np.sort(fractions, axis=1)[:, ::-1]
    whole = np.where(used, counts, 0)
    divides = [((whole % d == 0) & used).sum(1) for d in DIVISORS]
    sums = np.column_stack(
        [
            used.sum(1) / MAX_ELEMENTS,
            np.log1p(total[:, 0]),
            np.minimum(whole.max(1), MOST_COUNTED) / MOST_COUNTED,
            *(share / MAX_ELEMENTS for share in divides),
            *(total[:, 0] % d == 0 for d in DIVISORS),
        ]
    )
    parts = [mean, spread, least, greatest, greatest - least, amounts, falling, sums]
    return np.asarray(np.concatenate(parts, axis=1), dtype=np.float32)


class GroupNet(nn.Module):
    """Log-probabilities of the space groups of compositions.

    It knows nothing of structure types or neighbours, and so speaks of stoichiometries never seen as well.
    """

    def __init__(self, config: GroupNetConfig) -> None:
        super().__init__()
        self.config = config
        size = composition_statistics(
            np.ones((1, MAX_ELEMENTS), dtype=np.int64), np.ones((1, MAX_ELEMENTS), "f4")
        )
        width = config.width
        self.layers = nn.Sequential(
            nn.Linear(size.shape[1] + 1, width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(width, GROUPS),
        )

    def forward(self, statistics: Tensor, experimental: Tensor) -> Tensor:
        """Log-probabilities, shape (batch, 231); entry 0 is no group.

        Args:
            statistics: Of ``composition_statistics``, shape (batch, features).
            experimental: 1 where an experimental compound is asked for, 0 for any, shape (batch,).
        """
        logits: Tensor = self.layers(torch.cat([statistics, experimental[:, None]], 1))
        logits[:, 0] = -torch.inf
        return logits.log_softmax(-1)


def group_opinion(net: GroupNet, elements: Sequence[str], counts: Sequence[int]) -> FloatArray:
    """Probability of each space group for an experimental compound of a composition, shape (231,)."""
    statistics = composition_statistics(*composition_arrays([elements], [counts]))
    with torch.no_grad():
        logs = net(torch.as_tensor(statistics), torch.ones(1))[0]
    return np.asarray(logs.double().exp().numpy(), dtype=np.float64)
