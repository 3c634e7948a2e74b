"""The lattice model: targets and cells back and forth, and predictions only where symmetry leaves freedom."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from alphacrystal.crystal import (
    FREE_SHAPE,
    LatticeParameters,
    constrained_shape,
    lattice_parameters,
    shape_to_cell,
    space_group,
)
from alphacrystal.data import PreparedStructures
from alphacrystal.learn.lattice.network import lattice_targets
from alphacrystal.learn.training import LatticeTask
from alphacrystal.typing import FloatArray

length = st.floats(2.0, 20.0)
FIXED_COSINES = {"hexagonal": (0, 0, -0.5), "trigonal": (0, 0, -0.5)}


def cell_from_targets(system: str, targets: FloatArray, atoms: int) -> LatticeParameters:
    shape = constrained_shape(system, targets + np.array([np.log(atoms), 0, 0, 0, 0, 0]))
    return lattice_parameters(shape_to_cell(shape))


def parameters(cell: object) -> list[float]:
    return list(cell.as_dict().values())  # type: ignore[attr-defined]


@given(length, length, length, *[st.floats(75.0, 110.0)] * 3, st.integers(1, 40))
def test_triclinic_cells_come_back_from_their_targets(
    a: float, b: float, c: float, alpha: float, beta: float, gamma: float, atoms: int
) -> None:
    cell = np.array([a, b, c, alpha, beta, gamma])
    cosines = np.cos(np.radians(cell[3:]))
    volume = a * b * c * np.sqrt(1 - (cosines**2).sum() + 2 * cosines.prod())
    (targets,) = lattice_targets(cell[None], np.array([volume / atoms]))
    back = cell_from_targets("triclinic", targets.astype(float), atoms)
    assert parameters(back) == pytest.approx(cell.tolist(), rel=1e-4)


def test_cells_of_crystals_come_back_from_their_targets(prepared: PreparedStructures) -> None:
    targets = lattice_targets(prepared.lattices, prepared.volumes).astype(float)
    for row in range(len(prepared)):
        group = space_group(int(prepared.space_groups[row]))
        atoms = int(prepared.sizes[row]) * len(group.centring)
        back = cell_from_targets(group.crystal_system, targets[row], atoms)
        assert parameters(back) == pytest.approx(prepared.lattices[row].tolist(), rel=1e-4)


@given(st.sampled_from(sorted(FREE_SHAPE)), st.lists(st.floats(-0.4, 0.4), min_size=6, max_size=6))
def test_targets_that_symmetry_fixes_do_not_count(system: str, noise: list[float]) -> None:
    targets = np.array([np.log(15.0), 0.1, 0.3, *FIXED_COSINES.get(system, (0.05, 0.1, 0.02))])
    fixed = [place for place in range(6) if place not in FREE_SHAPE[system]]
    changed = targets.copy()
    changed[fixed] += np.array(noise)[fixed]
    assert cell_from_targets(system, changed, 8) == cell_from_targets(system, targets, 8)
    assert cell_from_targets(system, targets, 8).volume == pytest.approx(8 * 15.0)


def test_the_loss_is_blind_to_what_symmetry_fixes(lattice_task: LatticeTask) -> None:
    lattice_task.model.eval()
    rng = np.random.default_rng(0)
    (batch, *_) = lattice_task.batches(rng)
    before = lattice_task.loss(batch, rng).item()
    lattice_task.targets = lattice_task.targets + 5 * (1 - lattice_task.mask)
    assert lattice_task.loss(batch, rng).item() == before
    lattice_task.targets = lattice_task.targets + 0.1 * lattice_task.mask
    assert lattice_task.loss(batch, rng).item() != before


def test_batches_hold_every_training_crystal_once(lattice_task: LatticeTask) -> None:
    batches = lattice_task.batches(np.random.default_rng(1))
    rows = np.concatenate([batch.ravel() for batch in batches])
    assert sorted(rows[rows >= 0].tolist()) == lattice_task.train.tolist()


def test_a_few_steps_learn_the_volumes(lattice_task: LatticeTask) -> None:
    optimiser = torch.optim.Adam(lattice_task.model.parameters(), lr=1e-2)
    lattice_task.model.train()
    for step in range(60):
        rng = np.random.default_rng(step)
        optimiser.zero_grad()
        for batch in lattice_task.batches(rng):
            lattice_task.loss(batch, rng).backward()
        optimiser.step()
    lattice_task.validation = np.array(
        [row for row in lattice_task.train if lattice_task.mask[row].sum() < 4]
    )
    with torch.no_grad():
        metrics = lattice_task.validate(lattice_task.model.eval())
    assert metrics["volume_mean_error"] < 0.2
    assert np.isfinite(list(metrics.values())).all()
    assert 0 <= metrics["coverage_50"] <= metrics["coverage_68"] <= metrics["coverage_90"] <= 1
    assert "angle_mean_error_deg" not in metrics  # nothing monoclinic or triclinic was measured
    lattice_task.validation = lattice_task.train
    with torch.no_grad():
        assert lattice_task.validate(lattice_task.model)["angle_mean_error_deg"] > 0
