"""What the lattice model knows of structure types: no crystal ever speaks for itself."""

import numpy as np
import pytest
import torch

from alphacrystal.data import PreparedStructures, StructureRecord, assemble, prepare_record
from alphacrystal.learn.lattice.network import LatticeNetConfig
from alphacrystal.learn.lattice.prediction import predicted_shapes
from alphacrystal.learn.lattice.regression import PriorVariances, fitted_weights, leave_one_out_evidence
from alphacrystal.learn.lattice.statistics import (
    MAX_PER_TYPE,
    PRIOR_COUNT,
    ClassStatistics,
    atomic_log_volumes,
    clip_outliers,
    type_moments,
)
from alphacrystal.learn.structure_types import StructureType
from alphacrystal.learn.training import LatticeTask

HALITE = StructureType(225, ("a", "b"))
ZINCBLENDE = StructureType(216, ("a", "c"))
SMALL = LatticeNetConfig(width=16, slot_width=8, element_width=4, layers=1, features=6)
PRIOR = PriorVariances(torch.full((6,), 0.8), torch.full((6,), 0.5), torch.linspace(0.05, 0.3, 6))


def members(types: int, size: int, width: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(size)
    features = torch.randn(types, size, width, generator=generator)
    return features, features @ torch.randn(width, 6, generator=generator) + 0.3


def answer(weights: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """Regressed targets (..., 6) of features (..., width)."""
    return weights[..., 0] + (weights[..., 1:] @ features[..., None])[..., 0]


@pytest.mark.parametrize("size", [2, 3, 5, 9])
def test_leave_one_out_evidence_is_that_of_a_fit_without_the_crystal(size: int) -> None:
    features, targets = members(2, size)
    evidence = leave_one_out_evidence(features, targets, torch.ones(2, size), PRIOR)
    for own in range(size):
        others = [i for i in range(size) if i != own]
        weights, errors = fitted_weights(features[:, others], targets[:, others], PRIOR)
        assert torch.allclose(evidence.shift[:, own], answer(weights, features[:, own]), atol=2e-4)
        assert torch.allclose(evidence.error[:, own], errors, atol=2e-4)
        spread = targets[:, others].std(1, unbiased=False)
        assert torch.allclose(evidence.spread[:, own], spread, atol=2e-3)
        assert (evidence.count[:, own] == size - 1).all()


def test_padding_and_loneliness_say_nothing() -> None:
    features, targets = members(2, 4)
    present = torch.tensor([[1.0, 1, 1, 0], [1, 0, 0, 0]])
    padded = leave_one_out_evidence(features, targets, present, PRIOR)
    plain = leave_one_out_evidence(features[:1, :3], targets[:1, :3], torch.ones(1, 3), PRIOR)
    assert torch.allclose(padded.shift[0, :3], plain.shift[0], atol=1e-5)
    assert torch.allclose(padded.error[0, :3], plain.error[0], atol=1e-5)
    for values in (padded.shift, padded.spread, padded.error, padded.count, padded.distance):
        assert (values[1].abs() < 1e-6).all()


def test_the_two_ways_to_fit_a_type_agree_and_more_crystals_of_one_line_err_less() -> None:
    features, targets = members(1, 12)
    narrow, _ = fitted_weights(features[:, :3], targets[:, :3], PRIOR)  # as many crystals as features
    copied, _ = fitted_weights(features[:, [0, 1, 2] * 2], targets[:, [0, 1, 2] * 2], PRIOR)  # more
    half = PriorVariances(PRIOR.constant, PRIOR.features, PRIOR.noise / 2)
    assert torch.allclose(copied, fitted_weights(features[:, :3], targets[:, :3], half)[0], atol=1e-4)
    assert not torch.allclose(copied, narrow, atol=1e-4)
    _, few = fitted_weights(features[:, :2], targets[:, :2], PRIOR)
    _, many = fitted_weights(features, targets, PRIOR)
    assert many.mean() < 0.5 * few.mean()


def test_a_type_is_left_out_of_what_related_types_say() -> None:
    swapped = StructureType(225, ("b", "a"))
    far = StructureType(194, ("c", "d"))
    means = np.arange(18.0).reshape(3, 6) / 10
    counts, spreads = np.array([3.0, 2.0, 5.0]), np.zeros((3, 6))
    changed = means.copy()
    changed[0] += 1.0
    structure_types = [HALITE, swapped, ZINCBLENDE]
    before = ClassStatistics([HALITE, swapped, far], counts, means, spreads).of(structure_types)
    after = ClassStatistics([HALITE, swapped, far], counts, changed, spreads).of(structure_types)
    share = MAX_PER_TYPE / (MAX_PER_TYPE + 2 + MAX_PER_TYPE)  # of halite among all, the last resort
    weight = share * (PRIOR_COUNT / (2 + PRIOR_COUNT)) ** 4  # four classes of two others drew away from it
    assert after[0][0] - before[0][0] == pytest.approx(np.full(6, weight), abs=1e-6)
    assert (np.abs(after[0][1] - before[0][1]) > 0.5).all()
    sizes = before[1].reshape(3, 4, 13)[..., 0]
    assert sizes[0] == pytest.approx(np.log1p([2, 2, 2, 2]))
    assert sizes[2] == pytest.approx(np.zeros(4))


def test_moments_of_types() -> None:
    targets = np.array([[1.0] * 6, [3.0] * 6, [5.0] * 6])
    counts, means, spreads = type_moments(targets, np.array([0, 0, 2]), 3)
    assert counts.tolist() == [2, 0, 1]
    assert means[:, 0].tolist() == [2, 0, 5]
    assert spreads[:, 0].tolist() == [1, 0, 0]


def test_slabs_are_held_but_layered_cells_are_not() -> None:
    excess = np.array([[2.0, 0.0, 2.4, 0.0, 0.0, 0.0]])  # seven times the volume; c/a of a layered crystal
    held = clip_outliers(excess, np.zeros(6))[0]
    assert held[0] < 1
    assert held[2] == 2.4


def test_atomic_volumes_do_not_follow_an_outlier() -> None:
    rng = np.random.default_rng(0)
    fractions = np.zeros((60, 104))
    fractions[:, 11] = rng.random(60)
    fractions[:, 17] = 1 - fractions[:, 11]
    volumes = fractions[:, 11] * 3.1 + fractions[:, 17] * 2.5
    volumes[0] += 2.0  # a slab with vacuum
    found = atomic_log_volumes(fractions, volumes)
    assert found[[11, 17]] == pytest.approx([3.1, 2.5], abs=0.01)
    assert found[92] == pytest.approx(2.8)  # never seen


def test_no_group_holds_a_formula_twice(records: list[StructureRecord]) -> None:
    again = [record.model_copy(update={"id": record.id + "-again"}) for record in records]
    rows = [row for row in map(prepare_record, [*records, *again]) if row is not None]
    task = LatticeTask(assemble(rows), SMALL)
    seen: set[int] = set()
    for size in (2, 64):
        for group in task.groups(np.random.default_rng(0), size):
            assert len(group) <= size
            assert len(set(task.data.formulas[group])) == len(group)
            assert len({task.structure_types[i] for i in group}) == 1
            seen |= set(group.tolist())
        assert seen == set(task.train.tolist())


def test_predictions_of_training_crystals_do_not_use_their_cells(records: list[StructureRecord]) -> None:
    def log_c_a(stretched: str | None) -> dict[str, float]:
        rows = [row for row in map(prepare_record, records) if row is not None]
        for row in rows:
            if row["ids"] == stretched:
                row["lattices"] = [1, 1, 1.3, 1, 1, 1] * np.array(row["lattices"])
        task = LatticeTask(assemble(rows), SMALL)
        centre, _ = task.predictions(task.model, np.arange(len(rows)))
        return dict(zip(task.data.ids.tolist(), centre[:, 2].tolist(), strict=True))

    before, after = log_c_a(None), log_c_a("rutile-0")
    assert after["rutile-0"] == pytest.approx(before["rutile-0"], abs=0.01)
    assert after["rutile-1"] - before["rutile-1"] > 0.1


def test_many_cells_at_once_are_those_of_the_task(prepared: PreparedStructures) -> None:
    task = LatticeTask(prepared, SMALL)
    rows = task.validation
    task.model.eval()
    task.fit(task.model)
    expected = task.predictions(task.model, rows)
    elements = [list(prepared.occupation(int(row))) for row in rows]
    structure_types = [task.structure_types[row] for row in rows]
    found = predicted_shapes(task.model, structure_types, elements, prepared.functionals[rows].tolist())
    assert found[0] == pytest.approx(expected[0], abs=1e-5)
    assert found[1] == pytest.approx(expected[1], abs=1e-5)
    assert ((found[1] > 0) == (task.mask[rows].numpy() > 0)).all()
    hexagonal = [i for i, structure_type in enumerate(structure_types) if structure_type.space_group == 186]
    assert (found[0][hexagonal, 5] == -0.5).all()


def test_types_never_seen_get_cells_from_their_relatives(prepared: PreparedStructures) -> None:
    task = LatticeTask(prepared, SMALL)
    task.fit(task.model)
    swapped = StructureType(225, ("b", "a"))
    assert swapped not in task.model.rows
    centre, scale = predicted_shapes(task.model.eval(), [swapped], [["Na", "Cl"]], [1])
    assert np.exp(centre[0, 0]) == pytest.approx(22, rel=0.5)
    assert (scale[0, 1:] == 0).all()
    assert scale[0, 0] > 0
