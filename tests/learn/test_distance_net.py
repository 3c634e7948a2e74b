"""The pair distance network: symmetric, blind to the company of a sample, fair to the order of elements."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from alphacrystal.crystal import Distogram
from alphacrystal.learn._distance_net import (
    BIN_CENTRES,
    BIN_EDGES,
    AtomTokens,
    DistanceNet,
    DistanceNetConfig,
)


@pytest.fixture(scope="module")
def net() -> DistanceNet:
    torch.manual_seed(3)
    return DistanceNet(DistanceNetConfig(width=16, pair_width=8, layers=2, heads=2)).eval()


@pytest.fixture(scope="module")
def tokens() -> AtomTokens:
    """Three cell contents of six atoms, the last without symmetry."""
    return AtomTokens(
        numbers=torch.tensor([[22, 22, 8, 8, 8, 8], [38, 22, 8, 8, 8, 9], [26, 26, 26, 26, 26, 26]]),
        letters=torch.tensor([[1, 1, 6, 6, 6, 6], [1, 2, 4, 4, 4, 3], [0] * 6]),
        multiplicities=torch.tensor([[2, 2, 4, 4, 4, 4], [1, 1, 3, 3, 3, 1], [0] * 6]),
        space_groups=torch.tensor([136, 221, 0]),
        functionals=torch.tensor([1, 2, 0]),
    )


def chosen(tokens: AtomTokens, rows: list[int]) -> AtomTokens:
    return AtomTokens(**{field.name: getattr(tokens, field.name)[rows] for field in fields(tokens)})


def reordered(tokens: AtomTokens, order: list[int]) -> AtomTokens:
    return AtomTokens(
        numbers=tokens.numbers[:, order],
        letters=tokens.letters[:, order],
        multiplicities=tokens.multiplicities[:, order],
        space_groups=tokens.space_groups,
        functionals=tokens.functionals,
    )


@torch.no_grad()
def test_distogram_is_symmetric_and_sums_to_one(net: DistanceNet, tokens: AtomTokens) -> None:
    logits = net(tokens)
    assert logits.shape == (3, 6, 6, len(BIN_CENTRES))
    assert torch.equal(logits, logits.transpose(1, 2))
    assert torch.allclose(logits.softmax(-1).sum(-1), torch.ones(3, 6, 6), atol=1e-5)


@torch.no_grad()
def test_a_sample_does_not_depend_on_its_batch_companions(net: DistanceNet, tokens: AtomTokens) -> None:
    together = net(tokens)
    for row in range(3):
        assert torch.allclose(net(chosen(tokens, [row]))[0], together[row], atol=1e-5)
    assert torch.allclose(net(chosen(tokens, [2, 0, 1])), together[[2, 0, 1]], atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("order", [[2, 3, 4, 5, 0, 1], [2, 0, 3, 4, 1, 5]])
def test_elements_may_come_in_any_order(net: DistanceNet, tokens: AtomTokens, order: list[int]) -> None:
    rutile = chosen(tokens, [0])
    expected = net(rutile)[:, order][:, :, order]
    assert torch.allclose(net(reordered(rutile, order)), expected, atol=1e-5)


@torch.no_grad()
def test_symmetry_matters_where_it_is_given(net: DistanceNet, tokens: AtomTokens) -> None:
    rutile = chosen(tokens, [0])
    untold = AtomTokens(
        numbers=rutile.numbers,
        letters=torch.zeros_like(rutile.letters),
        multiplicities=torch.zeros_like(rutile.multiplicities),
        space_groups=torch.zeros_like(rutile.space_groups),
        functionals=rutile.functionals,
    )
    assert not torch.allclose(net(rutile), net(untold), atol=1e-4)


@torch.no_grad()
def test_expected_distances_are_means_with_a_zero_diagonal(net: DistanceNet, tokens: AtomTokens) -> None:
    logits = net(tokens)
    expected = net.expected_distances(logits)
    assert torch.equal(torch.diagonal(expected, dim1=1, dim2=2), torch.zeros(3, 6))
    probabilities = logits[0].softmax(-1).numpy()
    distogram = Distogram(tokens.numbers[0].numpy(), BIN_EDGES, BIN_CENTRES, probabilities)
    assert expected[0].numpy() == pytest.approx(distogram.expected, abs=1e-4)


def test_bins_cover_every_distance_in_order() -> None:
    assert len(BIN_CENTRES) == len(BIN_EDGES) + 1
    assert (np.diff(BIN_EDGES) > 0).all()
    assert (np.searchsorted(BIN_EDGES, BIN_CENTRES) == np.arange(len(BIN_CENTRES))).all()
