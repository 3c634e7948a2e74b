"""The permutation-aware loss of the distance network, and the batches it is trained on."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.distances.network import full_matrices
from alphacrystal.learn.distances.training import rank_matched
from alphacrystal.learn.training import DistanceTask

lengths = st.floats(0.5, 17.0)
pairs = st.lists(st.tuples(st.integers(0, 2), lengths, lengths), min_size=1, max_size=9)


def matched(rows: list[tuple[int, float, float]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Blocks, expected and matched true distances, shape (pairs,)."""
    blocks, expected, true = (
        torch.tensor([column], dtype=torch.float64) for column in zip(*rows, strict=True)
    )
    return blocks[0], expected[0], rank_matched(expected, true, blocks)[0]


@given(pairs)
def test_matching_permutes_inside_each_block(rows: list[tuple[int, float, float]]) -> None:
    blocks, _, found = matched(rows)
    true = torch.tensor([row[2] for row in rows], dtype=torch.float64)
    for block in blocks.unique():
        own = blocks == block
        assert torch.allclose(found[own].sort().values, true[own].sort().values, atol=1e-9)


@given(st.lists(st.tuples(lengths, lengths), min_size=1, max_size=5))
def test_matching_is_the_closest_of_all_permutations(rows: list[tuple[float, float]]) -> None:
    _, expected, found = matched([(1, *row) for row in rows])
    target = np.array([row[1] for row in rows])
    least = min(((np.array(p) - expected.numpy()) ** 2).sum() for p in permutations(target))
    assert float(((found - expected) ** 2).sum()) == pytest.approx(least, abs=1e-6)


@given(pairs)
def test_matching_keeps_what_is_in_order_already(rows: list[tuple[int, float, float]]) -> None:
    blocks, expected, true = matched(rows)
    again = rank_matched(expected[None], true[None], blocks[None])[0]
    assert torch.allclose(again, true, atol=1e-9)


@pytest.mark.parametrize("size", [6, 12])
def test_order_free_loss_ignores_the_order_of_equal_atoms(distance_task: DistanceTask, size: int) -> None:
    data = distance_task.data
    batch = np.flatnonzero(data.sizes == size)
    tokens, log_probabilities, true = distance_task.predict(distance_task.model.eval(), batch, given=True)
    order = np.arange(size)
    oxygen = np.flatnonzero(tokens.numbers[0].numpy() == tokens.numbers[0, -1].numpy())
    order[oxygen] = order[np.roll(oxygen, 1)]
    upper = np.triu_indices(size, 1)
    shuffled = full_matrices(true, size)[:, order][:, :, order][:, upper[0], upper[1]]
    assert not torch.equal(shuffled, true)
    with torch.no_grad():
        ordered, free = distance_task.losses(log_probabilities, tokens, true)
        ordered_shuffled, free_shuffled = distance_task.losses(log_probabilities, tokens, shuffled)
    assert torch.allclose(free_shuffled, free, atol=1e-5)
    assert not torch.allclose(ordered_shuffled, ordered, atol=1e-5)


def test_batches_hold_every_training_cell_once_and_equal_sizes(distance_task: DistanceTask) -> None:
    batches = distance_task.batches(np.random.default_rng(0))
    assert sorted(np.concatenate(batches).tolist()) == distance_task.train.tolist()
    assert all(len(set(distance_task.data.sizes[batch].tolist())) == 1 for batch in batches)


def test_gathered_matrices_are_those_of_the_crystals(
    distance_task: DistanceTask, prepared: PreparedStructures
) -> None:
    batch = np.flatnonzero(prepared.sizes == 6)
    tokens, true = distance_task.gather(batch, distance_task.true_shapes[batch])
    for place, row in enumerate(batch):
        assert np.array_equal(full_matrices(true, 6)[place].numpy(), prepared.matrix(int(row)))
        assert np.array_equal(tokens.numbers[place].numpy(), prepared.numbers[prepared.atoms(int(row))])
        volume = float(np.exp(tokens.shapes[place, 0].numpy()))
        assert volume == pytest.approx(prepared.volumes[row], rel=1e-5)
    rutile = prepared.ids[batch].tolist().index("rutile-0")
    assert tokens.multiplicities[rutile].tolist() == [2, 2, 4, 4, 4, 4]


def test_a_noisy_cell_keeps_its_crystal_system(distance_task: DistanceTask) -> None:
    rows = np.arange(len(distance_task.data))
    noisy = distance_task._noisy(rows, np.random.default_rng(1))
    changed = noisy != distance_task.true_shapes
    assert np.array_equal(changed, distance_task.free_shapes > 0)


def test_composition_alone_is_blind_to_the_symmetry(distance_task: DistanceTask) -> None:
    """Without the type given nothing of the structure may reach the network."""
    data = distance_task.data
    batch = distance_task.validation[data.sizes[distance_task.validation] == 6][:1]
    _, before, _ = distance_task.predict(distance_task.model.eval(), batch, given=False)
    letters, groups = data.letters.copy(), data.space_groups.copy()
    letters[data.atoms(int(batch[0]))] = 2
    groups[batch] = 1
    distance_task.data = replace(data, letters=letters, space_groups=groups)
    distance_task.shapes[batch] += 0.3
    _, after, _ = distance_task.predict(distance_task.model, batch, given=False)
    assert torch.equal(before, after)


def test_a_few_steps_lower_the_loss(distance_task: DistanceTask) -> None:
    optimiser = torch.optim.Adam(distance_task.model.parameters(), lr=3e-3)
    batch = distance_task.train[distance_task.data.sizes[distance_task.train] == 6]
    losses = []
    for _ in range(25):
        loss = distance_task.loss(batch, np.random.default_rng(0))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


def test_validation_metrics_are_finite(distance_task: DistanceTask) -> None:
    with torch.no_grad():
        metrics = distance_task.validate(distance_task.model.eval())
    subsets = ("", "_to_12_atoms")  # none of these crystals says whether it is experimental or stable
    names = {"val_loss", "rmse_sorted"} | {kind + end for kind in ("rmse", "rmse_given") for end in subsets}
    assert set(metrics) == names
    assert np.isfinite(list(metrics.values())).all()
    assert metrics["rmse_sorted"] <= metrics["rmse"]
