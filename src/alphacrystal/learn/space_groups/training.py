"""Training of the space-group network."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.model_inputs import (
    EVIDENCE_WEIGHTS,
    SMALL_CELL,
    composition_arrays,
    evidence_levels,
    occupations,
    size_subsets,
)
from alphacrystal.learn.space_groups.network import (
    SpaceGroupNet,
    SpaceGroupNetConfig,
    composition_statistics,
)
from alphacrystal.learn.structure_types import MAX_ELEMENTS
from alphacrystal.typing import IntArray

BATCH = 512


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
