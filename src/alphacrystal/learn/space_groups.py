"""The space-group network, probabilities of the space groups from the composition alone, and its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.composition import element_features
from alphacrystal.learn.model_inputs import (
    EVIDENCE_WEIGHTS,
    SMALL_CELL,
    composition_arrays,
    evidence_levels,
    occupations,
    size_subsets,
)
from alphacrystal.learn.structure_types import MAX_ELEMENTS
from alphacrystal.typing import Float32Array, FloatArray, IntArray

if TYPE_CHECKING:
    from alphacrystal.data import PreparedStructures


GROUPS = 231  # space groups, indexed by international number; index 0 is unused
ELEMENTS = 104  # indexed by atomic number; index 0 is padding
DIVISORS = (2, 3, 4)
MAX_COUNT = 16.0  # atoms of one element per formula unit; larger counts are clipped

# Weight of the space-group network against the structure types. Validation results are flat from 0.1 to 0.3
# (docs/models.md).
NETWORK_SHARE = 0.2

BATCH = 512  # structures of a training step


@dataclass(frozen=True, slots=True)
class SpaceGroupNetConfig:
    """Sizes of the network."""

    width: int = 512
    dropout: float = 0.25


def composition_statistics(numbers: IntArray, counts: Float32Array) -> Float32Array:
    """Fixed-length features of compositions, independent of the order of the elements.

    The features are the weighted mean, standard deviation, minimum, maximum and range of the eleven
    standardised element properties, the square roots of the atomic fractions of all elements, the sorted
    fractions, and the divisibility of the counts.

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
    lowest = np.where(used[..., None], properties, np.inf).min(1)
    highest = np.where(used[..., None], properties, -np.inf).max(1)
    amounts = np.zeros((len(numbers), ELEMENTS))
    np.put_along_axis(amounts, numbers, np.sqrt(fractions), axis=1)
    amounts[:, 0] = 0
    sorted_fractions = np.sort(fractions, axis=1)[:, ::-1]
    whole = np.where(used, counts, 0)
    divisible = [((whole % d == 0) & used).sum(1) for d in DIVISORS]
    sums = np.column_stack(
        [
            used.sum(1) / MAX_ELEMENTS,
            np.log1p(total[:, 0]),
            np.minimum(whole.max(1), MAX_COUNT) / MAX_COUNT,
            *(share / MAX_ELEMENTS for share in divisible),
            *(total[:, 0] % d == 0 for d in DIVISORS),
        ]
    )
    parts = [mean, spread, lowest, highest, highest - lowest, amounts, sorted_fractions, sums]
    return np.asarray(np.concatenate(parts, axis=1), dtype=np.float32)


class SpaceGroupNet(nn.Module):
    """Log-probabilities of the space groups of compositions.

    The network uses neither structure types nor neighbouring compositions, so it also covers stoichiometries
    without training data.
    """

    def __init__(self, config: SpaceGroupNetConfig) -> None:
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
        """Log-probabilities, shape (batch, 231); entry 0 is -inf.

        Args:
            statistics: Output of ``composition_statistics``, shape (batch, features).
            experimental: 1 for experimental compounds, 0 for any compound, shape (batch,).
        """
        logits: Tensor = self.layers(torch.cat([statistics, experimental[:, None]], 1))
        logits[:, 0] = -torch.inf
        return logits.log_softmax(-1)


def space_group_probabilities(
    net: SpaceGroupNet, elements: Sequence[str], counts: Sequence[int]
) -> FloatArray:
    """Probability of each space group for an experimental compound of a composition, shape (231,)."""
    statistics = composition_statistics(*composition_arrays([elements], [counts]))
    with torch.no_grad():
        logs = net(torch.as_tensor(statistics), torch.ones(1))[0]
    return np.asarray(logs.double().exp().numpy(), dtype=np.float64)


def mix_space_groups(
    groups: IntArray, log_probabilities: FloatArray, network: FloatArray, share: float = NETWORK_SHARE
) -> FloatArray:
    """Log-probabilities of structure types after mixing in the probabilities of the space-group network.

    The probability of each space group becomes (1 - share) times the sum over its types plus share times the
    probability of the network. Types of one space group keep their ratios. Space groups without a type get
    no probability.

    Args:
        groups: Space group of each type, shape (types,).
        log_probabilities: Normalised, shape (types,).
        network: Probability of each space group, shape (231,).
        share: Weight of the network, 0 to 1.

    Returns:
        Normalised log-probabilities, shape (types,).
    """
    prior = np.zeros(len(network))
    np.add.at(prior, groups, np.exp(log_probabilities))
    listed = np.zeros(len(network), dtype=bool)
    listed[groups] = True
    other = np.where(listed, network, 0)
    if prior.sum() <= 0 or other.sum() <= 0:
        return log_probabilities
    mixed = (1 - share) * prior + share * other / other.sum()
    with np.errstate(divide="ignore"):
        gain = np.log(mixed[groups]) - np.log(prior[groups])
    # If the prior of a listed group underflows to zero, its types share the mixed probability equally.
    equal = np.log(mixed[groups] / np.maximum(np.bincount(groups, minlength=len(network))[groups], 1))
    result = np.where(prior[groups] > 0, log_probabilities + gain, equal)
    return np.asarray(result - np.logaddexp.reduce(result))


class SpaceGroupTask:
    """Trains a SpaceGroupNet on the training split of prepared structures.

    A sample is one entry. Experimental and stable entries have larger weights. An input feature tells
    whether the entry is experimental.
    """

    def __init__(
        self, data: PreparedStructures, config: SpaceGroupNetConfig | None = None, seed: int = 0
    ) -> None:
        supported = data.elements_per_structure <= MAX_ELEMENTS
        self.train = np.flatnonzero(~data.validation & supported)
        self.validation = np.flatnonzero(data.validation & supported)
        rows = occupations(data)
        numbers, counts = composition_arrays(
            [elements for _, elements in rows], [structure_type.counts() for structure_type, _ in rows]
        )
        self.statistics = torch.as_tensor(composition_statistics(numbers, counts))
        self.groups = torch.as_tensor(data.space_groups)
        self.experimental = torch.as_tensor((data.experimental == 1).astype(np.float32))
        self.small, self.sizes = data.sizes <= SMALL_CELL, data.sizes
        self.weights = torch.as_tensor(EVIDENCE_WEIGHTS[evidence_levels(data)].astype(np.float32))
        torch.manual_seed(seed)
        self.model = SpaceGroupNet(config or SpaceGroupNetConfig())

    def batches(self, rng: np.random.Generator) -> list[IntArray]:
        """Shuffled batches."""
        order = rng.permutation(self.train)
        return [order[start : start + BATCH] for start in range(0, len(order), BATCH)]

    def loss(self, batch: IntArray, rng: np.random.Generator) -> Tensor:
        """Weighted cross-entropy."""
        del rng
        scores = self.model(self.statistics[batch], self.experimental[batch])
        losses = nn.functional.nll_loss(scores, self.groups[batch], reduction="none")
        weights = self.weights[batch]
        return (losses * weights).sum() / weights.sum()

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Ranks of the true space group on the validation split, with the experimental input set."""
        rows = self.validation
        with torch.no_grad():
            scores = model(self.statistics[rows], torch.ones(len(rows)))
        true = self.groups[rows]
        true_scores = scores.gather(1, true[:, None])
        ranks = (scores > true_scores).sum(1).numpy()
        losses, weights = -true_scores[:, 0].double().numpy(), self.weights[rows].double().numpy()
        experimental = self.experimental[rows].numpy() == 1
        evaluated = experimental if experimental.any() else np.ones(len(rows), dtype=bool)
        metrics = {"val_loss": float(np.average(losses[evaluated], weights=weights[evaluated]))}
        subsets = {
            "": np.ones(len(rows), dtype=bool),
            "_experimental": experimental,
            f"_experimental_{SMALL_CELL}": experimental & self.small[rows],
            **size_subsets(self.sizes[rows], experimental, "_experimental"),
        }
        for name, chosen in subsets.items():
            if chosen.any():
                metrics |= {f"group_top{k}{name}": float((ranks[chosen] < k).mean()) for k in (1, 5)}
        return metrics
