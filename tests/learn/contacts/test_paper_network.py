"""The paper's network: its filters and its reading of the text."""

from dataclasses import replace

import pytest
import torch

from alphacrystal.learn.contacts.matrix_labels import Matrices
from alphacrystal.learn.contacts.paper_network import PaperNet, PaperNetConfig

NARROW = PaperNetConfig(width=1 / 64, classes=5, maximum=10.0)


@pytest.fixture
def net() -> PaperNet:
    """Untrained, without the bias that makes the answers of such a network all alike."""
    torch.manual_seed(0)
    net = PaperNet(NARROW)
    torch.nn.init.zeros_(net.output.bias)  # type: ignore[arg-type]
    return net.eval()


def test_filters_double_every_third_block() -> None:
    assert PaperNetConfig().sequence_filters() == [32] * 3 + [64] * 3 + [128] * 3
    assert PaperNetConfig().pair_filters() == [256] * 3 + [512] * 3 + [1024] * 3
    eighth = PaperNetConfig(width=1 / 8)
    assert eighth.pair_filters() == [32] * 3 + [64] * 3 + [128] * 3
    assert eighth.sequence_filters()[0] == 16  # at least half, to hold the features
    assert PaperNetConfig(width=1 / 8, sequence_width=0.25).sequence_filters()[0] == 8
    assert PaperNetConfig(width=1e-6).pair_filters()[0] == 1


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
