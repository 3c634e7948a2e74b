"""Templates of the orbit distance network: placed in the cell, and never from the formula itself."""

import numpy as np
import pytest
import torch

from alphacrystal.crystal import orbit_pairs
from alphacrystal.data import PreparedStructures
from alphacrystal.learn.coordinates.clusters import crystal_clusters, orbit_distances
from alphacrystal.learn.model_inputs import occupations
from alphacrystal.learn.orbit_distances.inputs import collate, nearest_images, sorted_in_blocks
from alphacrystal.learn.orbit_distances.network import OrbitDistanceNetConfig
from alphacrystal.learn.orbit_distances.templates import TrainingTemplates, reordered_atoms
from alphacrystal.learn.orbit_distances.training import OrbitDistanceTask, matched_distances
from alphacrystal.learn.structure_types import free_coordinate_count

SMALL = OrbitDistanceNetConfig(width=32, pair_width=16, template_width=16, layers=1, heads=2)


@pytest.fixture(scope="module")
def task(prepared: PreparedStructures) -> OrbitDistanceTask:
    return OrbitDistanceTask(prepared, SMALL)


def test_lists_of_distances_are_those_of_the_matrix(prepared: PreparedStructures) -> None:
    for row in range(len(prepared)):
        pairs = orbit_pairs(prepared.orbits[prepared.atoms(row)])
        matrix = prepared.matrix(row)
        found = orbit_distances(prepared, row)
        for block in np.unique(pairs.blocks):
            chosen = pairs.blocks == block
            expected = np.sort(matrix[pairs.firsts[chosen], pairs.seconds[chosen]])
            assert found[chosen] == pytest.approx(expected, abs=1e-5)


def test_coordinates_of_a_crystal_in_its_cell_give_its_distances(task: OrbitDistanceTask) -> None:
    checked = 0
    for row in np.concatenate([task.train, task.validation]).tolist():
        if not task.templates.rigid(row):
            continue
        (sample,) = task.samples(np.array([row]), task.true_shapes[[row]])
        tokens, templates = collate([sample])
        distances = templates.means[0, :, 0] * (tokens.shapes[0, 0] / 3).exp()
        assert distances.numpy() == pytest.approx(task.true[row], abs=2e-3)
        checked += 1
    assert checked >= 5


def test_no_template_has_the_formula_of_its_structure(
    task: OrbitDistanceTask, prepared: PreparedStructures
) -> None:
    clusters = crystal_clusters(prepared, 16, 2)
    rows = np.concatenate([task.train, task.validation])
    source = TrainingTemplates(prepared, clusters, rows)
    known = occupations(prepared)
    used = 0
    for row in rows.tolist():
        for member, _, count, features, _ in source._choose(row):
            assert prepared.formulas[member] != prepared.formulas[row]
            assert not prepared.validation[member]
            assert known[member][0] == known[row][0]  # these types have other formulas
            assert count >= 1
            assert features.shape == (len(task.pairs[row].sizes), 11)
            used += 1
        assert source.any(row) == bool(source.of(row, task.true_shapes[row]))
    assert used >= 5
    for structure_type, found in clusters.items():
        assert free_coordinate_count(structure_type)
        assert all(not prepared.validation[row] for cluster in found for row in cluster.rows)


def test_atoms_follow_their_orbits() -> None:
    orbits = np.array([0, 0, 1, 2, 2, 2])
    assert reordered_atoms(orbits, np.array([2, 0, 1])).tolist() == [3, 4, 5, 0, 1, 2]


def test_nearest_images_of_a_skewed_cell() -> None:
    lattice = np.array([[4.0, 0, 0], [1.9, 3.9, 0], [-1.8, 1.7, 5.0]])
    rng = np.random.default_rng(1)
    differences = rng.uniform(-2, 2, (1, 50, 2, 3))
    steps = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3, indexing="ij"), -1).reshape(-1, 3)
    exact = np.linalg.norm((differences[..., None, :] + steps) @ lattice, axis=-1).min(-1)
    metric = torch.as_tensor(lattice @ lattice.T, dtype=torch.float32)[None]
    found = nearest_images(torch.as_tensor(differences, dtype=torch.float32), metric)
    assert found.numpy() == pytest.approx(exact, abs=1e-4)


def test_padding_stays_at_the_end(task: OrbitDistanceTask) -> None:
    for batch in task.batches(np.random.default_rng(0)):
        tokens, _ = collate(task.samples(batch, task.true_shapes[batch]))
        values = torch.rand(*tokens.blocks.shape, 3)
        ranked = sorted_in_blocks(values, tokens)
        for place, row in enumerate(batch.tolist()):
            used = len(task.pairs[row])
            expected = task.pairs[row].sort(values[place, :used].T.numpy()).T
            assert ranked[place, :used].numpy() == pytest.approx(expected)
            assert tokens.weights[place].sum() == pytest.approx(1, abs=1e-5)


def test_true_distances_are_matched_within_classes() -> None:
    expected = torch.tensor([[3.0, 1.0, 2.0, 5.0]])
    true = torch.tensor([[1.5, 2.5, 3.5, 0.1]])
    classes = torch.tensor([[0, 0, 0, 7]])
    assert matched_distances(expected, true, classes).tolist() == [[3.5, 1.5, 2.5, pytest.approx(0.1)]]


def test_training_lowers_the_loss(task: OrbitDistanceTask) -> None:
    optimiser = torch.optim.Adam(task.model.parameters(), lr=3e-3)
    rng = np.random.default_rng(0)
    before = task.validate(task.model)["val_loss"]
    for _ in range(8):
        for batch in task.batches(rng):
            optimiser.zero_grad()
            task.loss(batch, rng).backward()
            optimiser.step()
    task.model.eval()
    with torch.no_grad():
        metrics = task.validate(task.model)
    assert metrics["val_loss"] < before - 0.5
    assert np.isfinite(list(metrics.values())).all()
