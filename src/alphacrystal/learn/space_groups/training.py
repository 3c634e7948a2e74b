"""Training of the space-group network."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.space_groups.network import GroupNet, GroupNetConfig, composition_statistics
from alphacrystal.learn.structure_types import MAX_ELEMENTS
from alphacrystal.learn.symmetry.member_table import evidence
from alphacrystal.learn.symmetry.training import SHARE, SMALL, composition_arrays, occupations
from alphacrystal.typing import IntArray

BATCH = 512


class GroupTask:
    """Trains a GroupNet on the training split of prepared structures.

    A sample is one entry; experimental and stable ones weigh more. The network is told whether the entry is
    experimental.
    """

    def __init__(self, data: PreparedStructures, config: GroupNetConfig | None = None, seed: int = 0) -> None:
        few = data.elements_per_structure <= MAX_ELEMENTS
        self.train = np.flatnonzero(~data.validation & few)
        self.validation = np.flatnonzero(data.validation & few)
        rows = occupations(data)
        numbers, counts = composition_arrays(
            [elements for _, elements in rows], [kind.counts() for kind, _ in rows]
        )
        self.statistics = torch.as_tensor(composition_statistics(numbers, counts))
        self.groups = torch.as_tensor(data.space_groups)
        self.experimental = torch.as_tensor((data.experimental == 1).astype(np.float32))
        self.small = data.sizes <= SMALL
        self.weights = torch.as_tensor(SHARE[evidence(data)].astype(np.float32))
        torch.manual_seed(seed)
        self.model = GroupNet(config or GroupNetConfig())

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
        """Ranks of the true space group on the validation split, an experimental compound being asked for."""
        rows = self.validation
        with torch.no_grad():
            scores = model(self.statistics[rows], torch.ones(len(rows)))
        true = self.groups[rows]
        own = scores.gather(1, true[:, None])
        ranks = (scores > own).sum(1).numpy()
        losses, weights = -own[:, 0].double().numpy(), self.weights[rows].double().numpy()
        experimental = self.experimental[rows].numpy() == 1
        judged = experimental if experimental.any() else np.ones(len(rows), dtype=bool)
        metrics = {"val_loss": float(np.average(losses[judged], weights=weights[judged]))}
        subsets = {
            "": np.ones(len(rows), dtype=bool),
            "_experimental": experimental,
            f"_experimental_{SMALL}": experimental & self.small[rows],
        }
        for name, chosen in subsets.items():
            if chosen.any():
                metrics |= {f"group_top{k}{name}": float((ranks[chosen] < k).mean()) for k in (1, 5)}
        return metrics
