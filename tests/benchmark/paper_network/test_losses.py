"""The two losses of distance classes."""

import numpy as np
import pytest
import torch

from alphacrystal.learn.contacts.matrix_labels import Matrices
from alphacrystal_bench.paper_network.losses import Loss, matrix_loss
from alphacrystal_bench.paper_network.prediction import class_labels

CLASSES = 5


def tensors(cells: Matrices) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    labels = class_labels(cells.distances, CLASSES, 15.0)
    logits = torch.as_tensor(np.random.default_rng(0).normal(0, 2, (len(labels), CLASSES, 12, 12)))
    return logits, torch.as_tensor(labels), torch.as_tensor(cells.mask)


def test_the_binary_loss_is_the_equation_of_the_paper(cells: Matrices) -> None:
    logits, labels, mask = tensors(cells)
    # The classes of each row of atoms side by side, zeros outside the mask, (n, 12, 12 N).
    hot = (labels.numpy()[..., None] == np.arange(CLASSES)) & cells.mask[..., None]
    hot = hot.reshape(len(labels), 12, -1).astype(float)
    predicted = 1 / (1 + np.exp(-logits.permute(0, 2, 3, 1).numpy())).reshape(hot.shape)
    entries = -(hot * np.log(predicted) + (1 - hot) * np.log(1 - predicted))
    found = matrix_loss(logits, labels, mask, "binary", masked=False)
    assert float(found) == pytest.approx(entries.mean())
    counted = np.repeat(cells.mask, CLASSES, axis=2)
    assert float(matrix_loss(logits, labels, mask, "binary")) == pytest.approx(entries[counted].mean())


def test_the_categorical_loss_is_minus_the_log_probability_of_the_class(cells: Matrices) -> None:
    logits, labels, mask = tensors(cells)
    right = logits.log_softmax(1).gather(1, labels[:, None])[:, 0]
    assert float(matrix_loss(logits, labels, mask, "categorical")) == pytest.approx(
        -float(right[mask].mean())
    )
    first = torch.where(mask, right, logits.log_softmax(1)[:, 0])
    found = matrix_loss(logits, labels, mask, "categorical", masked=False)
    assert float(found) == pytest.approx(-float(first.mean()))


@pytest.mark.parametrize("kind", ["binary", "categorical"])
def test_diagonal_and_padding_do_not_count(cells: Matrices, kind: Loss) -> None:
    logits, labels, mask = tensors(cells)
    expected = matrix_loss(logits, labels, mask, kind)
    changed = torch.where(mask[:, None], logits, 50.0)
    assert torch.equal(matrix_loss(changed, torch.where(mask, labels, 3), mask, kind), expected)
    assert not torch.isclose(matrix_loss(changed, labels, mask, kind, masked=False), expected)
