"""The contact map network of AlphaCrystal-I: 66 contact probabilities from the elements of a cell.

Source: Hu et al., ACS Omega 8, 26170 (2023), arXiv 2102.01620. The paper publishes neither code nor layer
sizes. The residual blocks are those of AlphaCrystal-II, which its authors describe in the same words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.learn.contacts.matrix_labels import MAX_ATOMS
from alphacrystal.learn.contacts.paper_network import PaperNet, PaperNetConfig
from alphacrystal.typing import FloatArray, IntArray

MAX_CONTACT_MAP_ATOMS = MAX_ATOMS


@dataclass(frozen=True, slots=True)
class ContactNetConfig:
    """Sizes of the network as multiples of the filters of the paper (see PaperNetConfig)."""

    width: float = 1 / 32
    sequence_width: float = 0.5


class ContactNet(nn.Module):
    """Logits of the contacts of all atom pairs from the elements."""

    def __init__(self, config: ContactNetConfig) -> None:
        super().__init__()
        self.config = config
        self.residual = PaperNet(
            PaperNetConfig(width=config.width, classes=1, sequence_width=config.sequence_width)
        )
        rows, columns = np.tril_indices(MAX_ATOMS, -1)
        self.register_buffer("rows", torch.as_tensor(rows), persistent=False)
        self.register_buffer("columns", torch.as_tensor(columns), persistent=False)

    rows: Tensor
    columns: Tensor

    def forward(self, numbers: Tensor) -> Tensor:
        """Logits of the strict lower triangle, row by row, averaged over both orders of each pair.

        Args:
            numbers: Atomic numbers, 0 where padded, shape (batch, 12).

        Returns:
            shape (batch, 66).
        """
        logits: Tensor = self.residual(numbers)[:, 0]
        return (logits[:, self.rows, self.columns] + logits[:, self.columns, self.rows]) / 2


def contact_probabilities(net: ContactNet, numbers: IntArray) -> FloatArray:
    """Contact probability of each atom pair, zero on the diagonal.

    Args:
        net: Trained network.
        numbers: Atomic numbers of a cell, elements in electronegativity order, shape (atoms,), at most 12.

    Returns:
        shape (atoms, atoms).
    """
    padded = np.zeros((1, MAX_ATOMS), dtype=np.int64)
    padded[0, : len(numbers)] = numbers
    with torch.no_grad():
        flat = net(torch.as_tensor(padded)).sigmoid()[0].double().numpy()
    matrix = np.zeros((MAX_ATOMS, MAX_ATOMS))
    matrix[np.tril_indices(MAX_ATOMS, -1)] = flat
    return np.asarray((matrix + matrix.T)[: len(numbers), : len(numbers)])
