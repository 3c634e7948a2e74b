"""The paper's loss, and the one that a choice among N classes suggests."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

Loss = Literal["binary", "categorical"]


def matrix_loss(logits: Tensor, labels: Tensor, mask: Tensor, loss: Loss, *, masked: bool = True) -> Tensor:
    """Mean loss of a batch.

    "binary" is the paper's eq. 1: every entry of the one-hot matrix by itself, through a sigmoid, mean over
    entries. "categorical" is the cross-entropy of a softmax over the N classes, mean over pairs. The paper
    does not say whether the diagonal and the padding count. They do not in its errors (perfect classes would
    exceed them otherwise), so by default they do not here; with ``masked=False`` they do, as entries that
    are all zero (binary) or of the first class (categorical).

    Args:
        logits: shape (batch, N, atoms, atoms).
        labels: Class of each pair, shape (batch, atoms, atoms).
        mask: Pairs of two different atoms, shape (batch, atoms, atoms).
        loss: Which loss.
        masked: Leave out what is not in the mask.
    """
    if loss == "categorical":
        losses = cross_entropy(logits, torch.where(mask, labels, 0), reduction="none")
        return losses[mask].mean() if masked else losses.mean()
    target = torch.zeros_like(logits).scatter_(1, labels[:, None], mask[:, None].to(logits.dtype))
    losses = binary_cross_entropy_with_logits(logits, target, reduction="none")
    if not masked:
        return losses.mean()
    counted = mask.sum() * logits.shape[1]
    return (losses * mask[:, None]).sum() / counted
