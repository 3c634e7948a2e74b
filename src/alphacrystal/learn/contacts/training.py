"""Training of AlphaCrystal-I's contact map network."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.crystal import contact_limits
from alphacrystal.data import PreparedStructures
from alphacrystal.learn.contacts.matrix_labels import MOST_ATOMS, matrices
from alphacrystal.learn.contacts.network import ContactNet, ContactNetConfig
from alphacrystal.typing import IntArray

BATCH = 128
LOWER = np.tril_indices(MOST_ATOMS, -1)


class ContactTask:
    """Trains a ContactNet on the cells of at most 12 atoms in the training split of prepared structures."""

    def __init__(
        self, data: PreparedStructures, config: ContactNetConfig | None = None, seed: int = 0
    ) -> None:
        fits = (data.sizes <= MOST_ATOMS) & (data.sizes > 1)
        self.train = np.flatnonzero(~data.validation & fits)
        self.validation = np.flatnonzero(data.validation & fits)
        rows = np.flatnonzero(fits)
        cells = matrices(data, rows)
        self.place = np.full(len(data), -1)
        self.place[rows] = np.arange(len(rows))
        touching = cells.distances <= contact_limits(cells.numbers)
        self.numbers = torch.as_tensor(cells.numbers)
        self.contacts = torch.as_tensor(touching[:, LOWER[0], LOWER[1]])
        self.mask = torch.as_tensor(cells.mask[:, LOWER[0], LOWER[1]])
        torch.manual_seed(seed)
        self.model = ContactNet(config or ContactNetConfig())

    def batches(self, rng: np.random.Generator) -> list[IntArray]:
        """Shuffled batches."""
        order = rng.permutation(self.train)
        return [order[start : start + BATCH] for start in range(0, len(order), BATCH)]

    def loss(self, batch: IntArray, rng: np.random.Generator) -> Tensor:
        """Binary cross-entropy, mean over the pairs of the batch."""
        del rng
        rows = torch.as_tensor(self.place[batch])
        return self._loss(self.model(self.numbers[rows]), rows)

    def _loss(self, logits: Tensor, rows: Tensor) -> Tensor:
        losses = nn.functional.binary_cross_entropy_with_logits(
            logits, self.contacts[rows].float(), reduction="none"
        )
        mask = self.mask[rows]
        return (losses * mask).sum() / mask.sum()

    def validate(self, model: nn.Module) -> dict[str, float]:
        """F1 of the contacts over all pairs and per cell, beside a table of element pairs as control."""
        rows = torch.as_tensor(self.place[self.validation])
        logits = torch.cat([model(self.numbers[part]) for part in rows.split(512)])
        predicted = (logits > 0) & self.mask[rows]
        table = self._pair_table(rows)
        return {
            "val_loss": float(self._loss(logits, rows)),
            **{f"contact_{key}": value for key, value in self._scores(predicted, rows).items()},
            **{f"contact_{key}_pair_table": value for key, value in self._scores(table, rows).items()},
        }

    def _scores(self, predicted: Tensor, rows: Tensor) -> dict[str, float]:
        true = self.contacts[rows] & self.mask[rows]
        both, sizes = (predicted & true).sum(1).double(), (predicted.sum(1) + true.sum(1)).double()
        any_contact = sizes > 0
        return {
            "f1": float(2 * both.sum() / sizes.sum().clamp(min=1)),
            "f1_per_cell": float((2 * both[any_contact] / sizes[any_contact]).mean()),
            "precision": float(both.sum() / predicted.sum().clamp(min=1)),
            "recall": float(both.sum() / true.sum().clamp(min=1)),
        }

    def _pair_table(self, rows: Tensor) -> Tensor:
        """Whether most pairs of these two elements touch in the training cells; no for pairs never seen."""
        votes = torch.zeros(104 * 104, dtype=torch.float64)
        trained = torch.as_tensor(self.place[self.train])
        keys, mask = self._pair_keys(trained), self.mask[trained]
        votes.index_add_(0, keys[mask], self.contacts[trained][mask].double() - 0.5)
        return (votes[self._pair_keys(rows)] > 0) & self.mask[rows]

    def _pair_keys(self, rows: Tensor) -> Tensor:
        left, right = self.numbers[rows][:, LOWER[0]], self.numbers[rows][:, LOWER[1]]
        return torch.maximum(left, right) * 104 + torch.minimum(left, right)
