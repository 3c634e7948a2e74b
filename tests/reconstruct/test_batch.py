"""Batches of encodings: the same cells and distances as the crystal package gives, one by one."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from alphacrystal.crystal import (
    LatticeParameters,
    SymmetryHypothesis,
    constrained_shape,
    encode,
    lattice_parameters,
    min_image_distances,
    shape_to_cell,
    space_group,
)
from alphacrystal.reconstruct._batch import EncodingBatch, _cells

seeds = st.integers(0, 2**32 - 1)
shapes = st.tuples(st.floats(2, 7), *[st.floats(-1, 1) for _ in range(5)]).map(np.array)


def random_hypothesis(number: int, rng: np.random.Generator, spread: float) -> SymmetryHypothesis:
    """Two elements on random letters in a random cell of the crystal system, four atoms or more."""
    group = space_group(number)
    general = list(group.positions)[-1]
    shape = np.concatenate([[5.5], rng.normal(0, 0.4, 2), rng.uniform(-0.3, 0.3, 3)])
    return SymmetryHypothesis(
        space_group=number,
        occupation={"Ti": rng.choice([x for x, p in group.positions.items() if p.free]), "O": general},
        formula_units=1,
        lattice=lattice_parameters(shape_to_cell(constrained_shape(group.crystal_system, shape))),
        lattice_std=LatticeParameters(0, 0, 0, 0, 0, 0),
        shape_scale=(spread,) * 6,
        log_probability=0.0,
    )


@given(shapes)
def test_cells_equal_those_of_the_crystal_package(shape: np.ndarray) -> None:
    ours = _cells(torch.as_tensor(shape)).numpy()
    assert ours == pytest.approx(shape_to_cell(shape), rel=1e-9, abs=1e-9)


@settings(max_examples=60)
@given(st.sampled_from([1, 2, 5, 12, 14, 38, 43, 62, 69, 88, 122, 141, 146, 155, 166, 194, 198]), seeds)
def test_distances_are_the_minimum_image_distances(number: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    encoding = encode(random_hypothesis(number, rng, spread=0.0))
    batch = EncodingBatch.of([encoding])
    rows, columns = np.triu_indices(len(encoding.numbers), 1)
    x = rng.random((5, encoding.free))
    parameters = torch.as_tensor(np.concatenate([x, np.zeros((5, 6))], 1)[None], dtype=torch.float32)
    squared = batch.squared_distances(parameters, torch.as_tensor(rows), torch.as_tensor(columns))
    expected = min_image_distances(encoding.lattice(np.zeros(6)), encoding.positions(x))[:, rows, columns]
    assert squared.shape == (1, 5, len(rows))
    assert squared.sqrt().numpy()[0] == pytest.approx(np.maximum(expected, 1e-3), abs=2e-3)


@given(st.sampled_from([2, 12, 62, 139, 166, 194, 225]), seeds)
def test_deviating_cells_are_those_of_the_encoding(number: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    encoding = encode(random_hypothesis(number, rng, spread=0.05))
    batch = EncodingBatch.of([encoding])
    deviations = rng.normal(size=(4, 6))
    parameters = np.concatenate([rng.random((4, encoding.free)), deviations], 1)[None]
    lattices = batch.lattices(torch.as_tensor(parameters, dtype=torch.float32)).numpy()
    assert lattices[0] == pytest.approx(encoding.lattice(deviations), rel=1e-4, abs=1e-3)


@given(seeds)
def test_batched_equals_single(seed: int) -> None:
    # Groups with different numbers of free coordinates but eight atoms each.
    rng = np.random.default_rng(seed)
    hypotheses = []
    for number, occupation in [
        (2, {"Ti": "ii", "O": "ii"}),
        (14, {"Ti": "e", "O": "e"}),
        (10, {"Ti": "mn", "O": "o"}),
    ]:
        base = random_hypothesis(number, rng, spread=0.03)
        hypotheses.append(
            SymmetryHypothesis(
                base.space_group, occupation, 1, base.lattice, base.lattice_std, base.shape_scale, 0.0
            )
        )
    encodings = [encode(hypothesis) for hypothesis in hypotheses]
    batch = EncodingBatch.of(encodings)
    rows, columns = map(torch.as_tensor, np.triu_indices(8, 1))
    generator = torch.Generator().manual_seed(seed)
    parameters = torch.cat([torch.rand(3, 4, batch.free, generator=generator), torch.zeros(3, 4, 6)], -1)
    together = batch.squared_distances(parameters * batch.active[:, None], rows, columns)
    for index, encoding in enumerate(encodings):
        alone = EncodingBatch.of([encoding])
        own = torch.cat([parameters[index, :, : encoding.free], parameters[index, :, batch.free :]], -1)
        assert alone.squared_distances(own[None], rows, columns)[0].sqrt().numpy() == pytest.approx(
            together[index].sqrt().numpy(), abs=1e-3
        )
        part = batch.select(torch.tensor([index]))
        torch.testing.assert_close(  # the order of a sum depends on the size of the batch
            part.squared_distances((parameters * batch.active[:, None])[index][None], rows, columns)[0],
            together[index],
            rtol=1e-5,
            atol=1e-5,
        )
