"""The paper's network: its size, its reading of the text, its predictions."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from alphacrystal.learn.contacts.matrix_labels import Matrices, class_labels, decode
from alphacrystal.learn.contacts.paper_network import (
    PaperNet,
    PaperNetConfig,
    flop_count,
    parameter_count,
    predict_matrices,
)

NARROW = PaperNetConfig(width=1 / 64, classes=5, maximum=10.0)


@pytest.fixture
def net() -> PaperNet:
    """Untrained, without the bias that makes the answers of such a network all alike."""
    torch.manual_seed(0)
    net = PaperNet(NARROW)
    torch.nn.init.zeros_(net.output.bias)  # type: ignore[arg-type]
    return net.eval()


def test_size_and_cost_at_full_width() -> None:
    # Counted by hand from section 2.3: 0.37 M in the 1-D blocks, 69.1 M in the 2-D blocks, 0.1 M between and
    # after; two operations for each weight at each of 12 x 12 places.
    config = PaperNetConfig(width=1.0, classes=20)
    assert parameter_count(config) == pytest.approx(69.6e6, rel=0.01)
    assert flop_count(config) == pytest.approx(19.9e9, rel=0.01)


def test_filters_double_every_third_block() -> None:
    assert PaperNetConfig().sequence_filters() == [32] * 3 + [64] * 3 + [128] * 3
    assert PaperNetConfig().pair_filters() == [256] * 3 + [512] * 3 + [1024] * 3
    eighth = PaperNetConfig(width=1 / 8)
    assert eighth.pair_filters() == [32] * 3 + [64] * 3 + [128] * 3
    assert eighth.sequence_filters()[0] == 16  # at least half, to hold the features
    assert PaperNetConfig(width=1 / 8, sequence_width=0.25).sequence_filters()[0] == 8
    assert PaperNetConfig(width=1e-6).pair_filters()[0] == 1


def test_cost_follows_the_square_of_the_width() -> None:
    half, quarter = (
        flop_count(PaperNetConfig(width=width, sequence_width=1 / 8)) for width in (1 / 2, 1 / 4)
    )
    assert half / quarter == pytest.approx(4, rel=0.01)


@pytest.mark.parametrize("pairs", ["concatenation", "product"])
def test_one_logit_for_each_class_and_pair(pairs: str, cells: Matrices) -> None:
    net = PaperNet(replace(NARROW, pairs=pairs))  # type: ignore[arg-type]
    assert net(torch.as_tensor(cells.numbers)).shape == (len(cells.numbers), 5, 12, 12)


def test_merging_is_a_convolution_over_the_features_of_both_atoms(net: PaperNet, cells: Matrices) -> None:
    numbers = torch.as_tensor(cells.numbers[:4])
    inputs: list[torch.Tensor] = []
    net.pair.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    with torch.no_grad():
        net(numbers)
        sequence = net.sequence(net.features[numbers].transpose(1, 2))  # (batch, c, 12)
        both = torch.cat(
            [sequence[..., None].expand(-1, -1, -1, 12), sequence[:, :, None].expand(-1, -1, 12, -1)], 1
        )
        weight = torch.cat([net.merge_left.weight, net.merge_right.weight], 1)[..., None, None]
        expected = torch.nn.functional.conv2d(both, weight, net.merge_left.bias)
    assert torch.allclose(inputs[0], expected, atol=1e-5)


def test_the_answer_depends_on_the_order_of_the_atoms(net: PaperNet) -> None:
    one, other = torch.zeros(2, 1, 12, dtype=torch.int64)
    one[0, :3] = torch.tensor([11, 17, 17])
    other[0, :3] = torch.tensor([17, 11, 17])
    with torch.no_grad():
        assert not torch.allclose(net(one)[0, :, 0, 1], net(other)[0, :, 0, 1])


def test_predictions_are_class_centres_of_real_pairs(net: PaperNet, cells: Matrices) -> None:
    found = predict_matrices(net, cells.numbers)
    assert not found[~cells.mask].any()
    centres = decode(np.arange(5), 5, 10.0)
    assert np.isin(found[cells.mask], centres).all()
    with torch.no_grad():
        labels = net(torch.as_tensor(cells.numbers)).argmax(1).numpy()
    assert np.array_equal(class_labels(found, 5, 10.0)[cells.mask], labels[cells.mask])


def test_predictions_do_not_depend_on_the_batch(net: PaperNet, cells: Matrices) -> None:
    many = np.tile(cells.numbers, (6, 1))  # more than one batch
    assert np.array_equal(predict_matrices(net, many)[-7:], predict_matrices(net, cells.numbers[-7:]))


def test_symmetric_predictions_on_demand(net: PaperNet, cells: Matrices) -> None:
    found = predict_matrices(net, cells.numbers, symmetric=True)
    assert np.array_equal(found, found.transpose(0, 2, 1))
    plain = predict_matrices(net, cells.numbers)
    assert not np.array_equal(plain, plain.transpose(0, 2, 1))
