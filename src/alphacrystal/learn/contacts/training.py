"""Training of the contact map network of AlphaCrystal-I."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.crystal import contact_limits
from alphacrystal.data import PreparedStructures
from alphacrystal.learn.contacts.matrix_labels import MAX_ATOMS, matrices
from alphacrystal.learn.contacts.network import ContactNet, ContactNetConfig
from alphacrystal.typing import IntArray

BATCH = 128
LOWER = np.tril_indices(MAX_ATOMS, -1)


class ContactTask:
    """Trains a ContactNet on the cells of at most 12 atoms in the training split of prepared structures."""

    def __init__(
        self, data: PreparedStructures, config: ContactNetConfig | None = None, seed: int = 0
    ) -> None:
        fits = (data.sizes <= MAX_ATOMS) & (data.sizes > 1)
        self.train = np.flatnonzero(~data.validation & fits)
        self.validation = np.flatnonzero(data.validation & fits)
        rows = np.flatnonzero(fits)
        cells = matrices(data, rows)
        self.cell_of = np.full(len(data), -1)
        self.cell_of[rows] = np.arange(len(rows))
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
        rows = torch.as_tensor(self.cell_of[batch])
        return self._loss(self.model(self.numbers[rows]), rows)

    def _loss(self, logits: Tensor, rows: Tensor) -> Tensor:
        losses = nn.functional.binary_cross_entropy_with_logits(
            logits, self.contacts[rows].float(), reduction="none"
        )
        mask = self.mask[rows]
        return (losses * mask).sum() / mask.sum()

    def validate(self, model: nn.Module) -> dict[str, float]:
        """F1 score of the contacts over all pairs and per cell, and that of a table of element pairs."""
        rows = torch.as_tensor(self.cell_of[self.validation])
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
        common, sizes = (predicted & true).sum(1).double(), (predicted.sum(1) + true.sum(1)).double()
        any_contact = sizes > 0
        return {
            "f1": float(2 * common.sum() / sizes.sum().clamp(min=1)),
            "f1_per_cell": float((2 * common[any_contact] / sizes[any_contact]).mean()),
            "precision": float(common.sum() / predicted.sum().clamp(min=1)),
            "recall": float(common.sum() / true.sum().clamp(min=1)),
        }

    def _pair_table(self, rows: Tensor) -> Tensor:
        """Baseline: contact if most training pairs of the two elements are contacts; no contact if unseen."""
        balance = torch.zeros(104 * 104, dtype=torch.float64)
        trained = torch.as_tensor(self.cell_of[self.train])
        keys, mask = self._pair_keys(trained), self.mask[trained]
        balance.index_add_(0, keys[mask], self.contacts[trained][mask].double() - 0.5)
        return (balance[self._pair_keys(rows)] > 0) & self.mask[rows]

    def _pair_keys(self, rows: Tensor) -> Tensor:
        left, right = self.numbers[rows][:, LOWER[0]], self.numbers[rows][:, LOWER[1]]
        return torch.maximum(left, right) * 104 + torch.minimum(left, right)
