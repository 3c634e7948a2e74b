"""The distance classes of the paper's network, its size and cost, and its predictions."""

from __future__ import annotations

import numpy as np
import torch

from alphacrystal.learn.contacts.matrix_labels import MAX_ATOMS, pair_mask
from alphacrystal.learn.contacts.paper_network import PaperNet, PaperNetConfig
from alphacrystal.typing import FloatArray, IntArray

PREDICT_BATCH = 256


def class_labels(distances: FloatArray, classes: int, maximum: float) -> IntArray:
    """Class of each distance among N classes of equal width over [0, maximum]; the last one is open above.

    Equation 5 of the paper derives the width from the smallest and largest value. The smallest is 0, on the
    diagonal.
    """
    labels = np.floor(np.asarray(distances) / (maximum / classes)).astype(np.int64)
    return np.asarray(np.clip(labels, 0, classes - 1))


def decode(labels: IntArray, classes: int, maximum: float) -> FloatArray:
    """Centres of the classes in Å, same shape as ``labels``."""
    return np.asarray((np.asarray(labels) + 0.5) * (maximum / classes))


def parameter_count(config: PaperNetConfig) -> int:
    """Number of trainable parameters."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in PaperNet(config).parameters())


def flop_count(config: PaperNetConfig) -> int:
    """Floating-point operations per structure; a multiplication with addition counts as two."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        PaperNet(config)(torch.zeros(1, MAX_ATOMS, dtype=torch.int64))
    return int(counter.get_total_flops())


def predict_matrices(net: PaperNet, numbers: IntArray, *, symmetric: bool = False) -> FloatArray:
    """Distance matrices at the centres of the most probable classes.

    Args:
        net: Trained network with a number as ``config.maximum``.
        numbers: Atomic numbers, 0 where padded, shape (n, 12).
        symmetric: Add the logits of (i, j) and (j, i) first. The paper has no such step, so its matrices may
            be asymmetric.

    Returns:
        Å, 0 on the diagonal and where padded, shape (n, 12, 12).
    """
    assert net.config.maximum is not None, "train_paper_net fills it in"
    net.eval()
    labels = np.zeros((*numbers.shape, numbers.shape[1]), dtype=np.int64)
    with torch.no_grad():
        for start in range(0, len(numbers), PREDICT_BATCH):
            logits = net(torch.as_tensor(numbers[start : start + PREDICT_BATCH]))
            if symmetric:
                logits = logits + logits.transpose(2, 3)
            labels[start : start + PREDICT_BATCH] = logits.argmax(1).numpy()
    return np.where(pair_mask(numbers), decode(labels, net.config.classes, net.config.maximum), 0.0)
