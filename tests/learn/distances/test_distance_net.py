"""The pair distance network: symmetric, blind to the company of a sample, fair to the order of elements."""

import math
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch

from alphacrystal.crystal import Distogram
from alphacrystal.learn.distances.network import (
    BIN_CENTRES,
    BIN_EDGES,
    AtomTokens,
    DistanceNet,
    DistanceNetConfig,
    Triangle,
    full_matrices,
)
from alphacrystal.learn.distances.templates import TemplateBatch

FIELDS = ("numbers", "letters", "multiplicities", "space_groups", "functionals", "shapes")
PAIRS = 15


@pytest.fixture(scope="module")
def net() -> DistanceNet:
    torch.manual_seed(3)
    config = DistanceNetConfig(width=16, pair_width=8, template_width=8, layers=2, heads=2)
    # In double precision the order of sums, which differs between processors, changes 1e-15 and not 1e-4.
    return DistanceNet(config).double().eval()


@pytest.fixture(scope="module")
def tokens() -> AtomTokens:
    """Three cell contents of six atoms, the last without symmetry."""
    return AtomTokens(
        numbers=torch.tensor([[22, 22, 8, 8, 8, 8], [38, 22, 8, 8, 8, 9], [26, 26, 26, 26, 26, 26]]),
        letters=torch.tensor([[1, 1, 6, 6, 6, 6], [1, 2, 4, 4, 4, 3], [0] * 6]),
        multiplicities=torch.tensor([[2, 2, 4, 4, 4, 4], [1, 1, 3, 3, 3, 1], [0] * 6]),
        space_groups=torch.tensor([136, 221, 0]),
        functionals=torch.tensor([1, 2, 0]),
        shapes=torch.tensor([[2.3, 0, -0.4, 0, 0, 0], [2.5, 0, 0, 0, 0, 0], [0.0] * 6]).double(),
    )


@pytest.fixture(scope="module")
def templates() -> TemplateBatch:
    """One cluster of five formulas for the first cell, two of one each for the second, none for the third."""
    random = torch.Generator().manual_seed(5)
    batch = TemplateBatch.empty(3, 6)
    batch.counts[0, 0], batch.counts[1, :2] = 5, 1
    batch.means[:] = 0.8 + torch.rand(batch.means.shape, generator=random)
    batch.spreads[0] = 0.05
    batch.features[:] = torch.randn(batch.features.shape, generator=random)
    batch.shapes[..., 0] = 2.4
    values = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return TemplateBatch(**{name: v.double() if v.is_floating_point() else v for name, v in values.items()})


def chosen(batch: Any, rows: list[int]) -> Any:
    return type(batch)(**{field.name: getattr(batch, field.name)[rows] for field in fields(batch)})


@torch.no_grad()
def test_probabilities_sum_to_one(net: DistanceNet, tokens: AtomTokens, templates: TemplateBatch) -> None:
    log_probabilities = net(tokens, templates)
    assert log_probabilities.shape == (3, PAIRS, len(BIN_CENTRES))
    assert torch.allclose(log_probabilities.exp().sum(-1), torch.ones(3, PAIRS).double(), atol=1e-9)
    assert (log_probabilities.exp() > 1e-8).all()  # no distance is impossible


@torch.no_grad()
def test_a_sample_does_not_depend_on_its_batch_companions(
    net: DistanceNet, tokens: AtomTokens, templates: TemplateBatch
) -> None:
    together = net(tokens, templates)
    for rows in ([0], [1], [2], [2, 0, 1]):
        own = net(chosen(tokens, rows), chosen(templates, rows))
        assert torch.allclose(own, together[rows], atol=1e-9)


@torch.no_grad()
@pytest.mark.parametrize("order", [[2, 3, 4, 5, 0, 1], [2, 0, 3, 4, 1, 5]])
def test_elements_may_come_in_any_order(
    net: DistanceNet, tokens: AtomTokens, templates: TemplateBatch, order: list[int]
) -> None:
    rutile, known = chosen(tokens, [0]), chosen(templates, [0])
    expected = full_matrices(net(rutile, known), 6)[:, order][:, :, order]
    upper = torch.triu_indices(6, 6, 1)
    values = {name: getattr(rutile, name) for name in FIELDS}
    for name in ("numbers", "letters", "multiplicities"):
        values[name] = values[name][:, order]
    moved = TemplateBatch(
        known.counts,
        full_matrices(known.means, 6)[:, order][:, :, order][:, upper[0], upper[1]],
        full_matrices(known.spreads, 6)[:, order][:, :, order][:, upper[0], upper[1]],
        known.features[:, order],
        known.shapes,
    )
    found = full_matrices(net(AtomTokens(**values), moved), 6)
    assert torch.allclose(found, expected, atol=1e-9)


@torch.no_grad()
def test_symmetry_matters_where_it_is_given(
    net: DistanceNet, tokens: AtomTokens, templates: TemplateBatch
) -> None:
    nothing = torch.zeros(3, dtype=torch.bool)
    with_symmetry, without_symmetry = (
        net(tokens, templates),
        net(tokens.without_symmetry(nothing), templates.where(nothing)),
    )
    assert not torch.allclose(with_symmetry[:2], without_symmetry[:2], atol=1e-3)
    assert torch.allclose(with_symmetry[2], without_symmetry[2], atol=1e-5)  # nothing was known of the third


@torch.no_grad()
def test_what_is_not_known_of_a_type_has_no_influence(
    net: DistanceNet, tokens: AtomTokens, templates: TemplateBatch
) -> None:
    """Means and features of clusters that hold nothing are never read."""
    other = TemplateBatch(
        templates.counts,
        templates.means.clone(),
        templates.spreads,
        templates.features.clone(),
        templates.shapes.clone(),
    )
    empty = templates.counts == 0
    other.means.transpose(1, 2)[empty] = 9.0
    other.features.transpose(1, 2)[empty] = -3.0
    other.shapes[empty] = 1.0
    assert torch.allclose(net(tokens, other), net(tokens, templates), atol=1e-4)


@torch.no_grad()
def test_peaks_follow_the_size_of_the_cell(
    net: DistanceNet, tokens: AtomTokens, templates: TemplateBatch
) -> None:
    """A cell of eight times the volume per atom has template distances twice as long."""
    reader = net.reader
    features, large = net.features[tokens.numbers], tokens.shapes.clone()
    large[:, 0] += math.log(8)
    small_distances = reader(templates, features, tokens.shapes)[-1]
    assert torch.allclose(reader(templates, features, large)[-1], 2 * small_distances, rtol=1e-5)


@torch.no_grad()
def test_expected_distances_are_means(net: DistanceNet, tokens: AtomTokens, templates: TemplateBatch) -> None:
    log_probabilities = net(tokens, templates)
    expected = full_matrices(net.expected_distances(log_probabilities), 6)
    assert torch.equal(torch.diagonal(expected, dim1=1, dim2=2), torch.zeros(3, 6))
    probabilities = full_matrices(log_probabilities.exp(), 6)[0].numpy()
    distogram = Distogram(tokens.numbers[0].numpy(), BIN_EDGES, BIN_CENTRES, probabilities)
    assert expected[0].numpy() == pytest.approx(distogram.expected, abs=1e-3)


def test_bins_cover_every_distance_in_order() -> None:
    assert len(BIN_CENTRES) == len(BIN_EDGES) + 1
    assert (np.diff(BIN_EDGES) > 0).all()
    assert (np.searchsorted(BIN_EDGES, BIN_CENTRES) == np.arange(len(BIN_CENTRES))).all()


def test_pairs_of_a_triangle_make_the_matrix_again() -> None:
    torch.manual_seed(0)
    for size in (1, 2, 5):
        triangle = Triangle(size)
        matrix = torch.rand(3, size, size, 2)
        matrix = matrix + matrix.transpose(1, 2)
        assert torch.equal(triangle.matrix(triangle.pairs(matrix)), matrix)
        left, right = torch.rand(3, size, 4), torch.rand(3, size, 4)
        outer = left[:, :, None] * right[:, None]
        expected = triangle.pairs(outer + outer.transpose(1, 2))
        assert torch.allclose(triangle.products(left, right), expected)
        upper = torch.triu_indices(size, size, 1)
        assert torch.equal(triangle.rows[triangle.off_diagonal], upper[0])
        assert torch.equal(triangle.columns[triangle.off_diagonal], upper[1])


def test_clusters_that_no_sample_has_are_left_out(templates: TemplateBatch) -> None:
    count = int((templates.counts > 0).any(0).nonzero().max()) + 1
    filled = templates.without_padding()
    for name in ("counts", "shapes"):
        assert torch.equal(getattr(filled, name), getattr(templates, name)[:, :count])
    assert torch.equal(filled.means, templates.means[..., :count])
    assert torch.equal(filled.features, templates.features[:, :, :count])
    assert TemplateBatch.empty(2, 3).without_padding().counts.shape == (2, 1)
