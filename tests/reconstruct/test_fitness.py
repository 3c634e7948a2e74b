"""Fitness: blind to the order of like atoms and to the origin, best for the true crystal, hard on clashes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from alphacrystal.crystal import min_image_distances
from alphacrystal.reconstruct._fitness import FitnessBatch, FitnessName, lattice_penalty
from alphacrystal.typing import FloatArray, IntArray

NAMES = ["rutile", "quartz", "spinel", "perovskite", "baddeleyite", "copper"]
names, seeds = st.sampled_from(NAMES), st.integers(0, 2**32 - 1)
kinds = st.sampled_from(["likelihood", "rmse", "contacts"])


def sites(task: Any) -> tuple[FloatArray, FloatArray, IntArray]:
    """Lattice, fractional coordinates and numbers of the solution, atoms in the order of the distogram."""
    numbers = task.distogram.numbers
    own = np.array(task.solution.atomic_numbers)
    order = np.argsort([numbers.tolist().index(number) for number in own], kind="stable")
    return task.solution.lattice.matrix, task.solution.frac_coords[order], own[order]


def pairs(fitness: FitnessBatch, lattice: FloatArray, fractional: FloatArray) -> Tensor:
    distances = min_image_distances(lattice, fractional)[fitness.rows.numpy(), fitness.columns.numpy()]
    return torch.as_tensor(distances, dtype=torch.float32)[None, None]


@given(names, kinds, seeds)
def test_fitness_does_not_depend_on_the_order_of_like_atoms_or_the_origin(
    task: Callable[..., Any], name: str, kind: FitnessName, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    given_puzzle = task(name)
    lattice, fractional, numbers = sites(given_puzzle)
    fractional = fractional + rng.normal(0, 0.03, fractional.shape)  # somewhere near the solution
    order = np.concatenate(
        [rng.permutation(np.flatnonzero(numbers == number)) for number in dict.fromkeys(numbers)]
    )
    fitness = FitnessBatch.of([given_puzzle.distogram], kind)
    moved = fractional[order] + rng.random(3)
    expected = fitness.geometry(pairs(fitness, lattice, fractional)).item()
    assert fitness.geometry(pairs(fitness, lattice, moved)).item() == pytest.approx(expected, abs=1e-4)
    assert fitness.clash(pairs(fitness, lattice, moved)).item() == pytest.approx(
        fitness.clash(pairs(fitness, lattice, fractional)).item(), abs=1e-3
    )


@given(st.sampled_from(NAMES[:-1]), kinds, seeds)
def test_the_true_crystal_is_fitter_than_a_distorted_one(
    task: Callable[..., Any], name: str, kind: FitnessName, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    given_puzzle = task(name)
    lattice, fractional, _ = sites(given_puzzle)
    fitness = FitnessBatch.of([given_puzzle.distogram], kind)
    true = fitness.geometry(pairs(fitness, lattice, fractional)).item()
    distorted = fractional + rng.normal(0, 0.08, fractional.shape)
    assert true < fitness.geometry(pairs(fitness, lattice, distorted)).item()
    if kind == "rmse":
        assert true < 0.2  # Å; the bins are 0.1 Å wide where bonds are, wider further out


def test_rmse_is_that_of_the_sorted_distances(task: Callable[..., Any]) -> None:
    quartz = task("quartz")
    lattice, fractional, numbers = sites(quartz)
    distorted = fractional + np.random.default_rng(0).normal(0, 0.05, fractional.shape)
    fitness = FitnessBatch.of([quartz.distogram], "rmse")
    matrix, expected = min_image_distances(lattice, distorted), quartz.distogram.expected
    squares = []
    upper = np.triu(np.ones_like(matrix, dtype=bool), 1)
    for pair in ((14, 14), (8, 8), (8, 14)):
        block = np.minimum.outer(numbers, numbers) == pair[0]
        block &= np.maximum.outer(numbers, numbers) == pair[1]
        squares.append((np.sort(matrix[upper & block]) - np.sort(expected[upper & block])) ** 2)
    rmse = np.sqrt(np.mean(np.concatenate(squares)))
    assert fitness.geometry(pairs(fitness, lattice, distorted)).item() == pytest.approx(rmse, abs=1e-5)


@pytest.mark.parametrize("kind", ["likelihood", "rmse"])
def test_batched_equals_single(task: Callable[..., Any], kind: FitnessName) -> None:
    # Two different distograms of one cell content.
    rutile, anatase = task("rutile"), task("anatase")
    together = FitnessBatch.of([rutile.distogram, anatase.distogram], kind)
    distances = 1.5 + 4 * torch.rand(2, 7, len(together.rows), generator=torch.Generator().manual_seed(0))
    found = together.geometry(distances)
    assert found.shape == (2, 7)
    for index, own in enumerate((rutile, anatase)):
        alone = FitnessBatch.of([own.distogram], kind).geometry(distances[index][None])
        assert alone[0].numpy() == pytest.approx(found[index].numpy(), abs=1e-5)
        part = together.select(torch.tensor([index])).geometry(distances[index][None])
        assert torch.equal(part[0], found[index])


def test_clashes_are_penalised(task: Callable[..., Any]) -> None:
    rutile = task("rutile")
    lattice, fractional, _ = sites(rutile)
    fitness = FitnessBatch.of([rutile.distogram])
    assert fitness.clash(pairs(fitness, lattice, fractional)).item() == 0
    penalties = []
    for depth in (0.2, 0.5, 0.9):  # the last O moves onto the first Ti
        close = fractional.copy()
        close[-1] = depth * fractional[0] + (1 - depth) * (fractional[0] + [0.3, 0, 0])
        penalties.append(fitness.clash(pairs(fitness, lattice, close)).item())
    assert 0 <= penalties[0] < penalties[1] < penalties[2]


def test_fitness_can_be_followed_downhill(task: Callable[..., Any]) -> None:
    quartz = task("quartz")
    lattice, fractional, _ = sites(quartz)
    for kind in ("likelihood", "rmse"):
        fitness = FitnessBatch.of([quartz.distogram], kind)
        distances = pairs(
            fitness, lattice, fractional + np.random.default_rng(1).normal(0, 0.02, fractional.shape)
        )
        distances.requires_grad_(True)
        (gradient,) = torch.autograd.grad(fitness.geometry(distances).sum(), distances)
        assert torch.isfinite(gradient).all()
        step = 1e-3 * gradient / gradient.norm()
        assert fitness.geometry(distances - step).item() < fitness.geometry(distances).item()


@pytest.mark.parametrize("kind", ["likelihood", "rmse"])
def test_a_single_atom_has_nothing_to_disagree_with(task: Callable[..., Any], kind: FitnessName) -> None:
    fitness = FitnessBatch.of([task("copper").distogram], kind)
    assert fitness.geometry(torch.zeros(1, 3, 0)).tolist() == [[0, 0, 0]]
    assert fitness.clash(torch.zeros(1, 3, 0)).tolist() == [[0, 0, 0]]


def test_leaving_the_predicted_cell_costs_by_the_spread() -> None:
    deviations = torch.tensor([[0.0, 0, 0, 0, 0, 0], [1.0, -2, 0.5, 3, 3, 3]])
    active = torch.tensor([True, True, True, False, False, False])
    assert lattice_penalty(deviations, active).tolist() == pytest.approx([0, 3.5])


def test_finer_classes_tell_more_apart(task: Callable[..., Any]) -> None:
    """Exchanging two distances of one element pair is seen once the atoms are crystal_input apart."""
    distogram = task("baddeleyite").distogram
    numbers = distogram.numbers
    oxygen = np.flatnonzero(numbers == 8)
    classes = numbers * 32
    classes[oxygen[len(oxygen) // 2 :]] += 1
    coarse = FitnessBatch.of([distogram])
    fine = FitnessBatch.of([replace(distogram, classes=classes)])
    true = distogram.expected
    order = np.arange(len(numbers))
    order[oxygen] = oxygen[::-1]  # the two kinds of oxygen change places
    upper = coarse.rows.numpy(), coarse.columns.numpy()
    right = torch.as_tensor(true[upper], dtype=torch.float32)[None, None]
    wrong = torch.as_tensor(true[np.ix_(order, order)][upper], dtype=torch.float32)[None, None]
    assert coarse.geometry(wrong).item() == pytest.approx(coarse.geometry(right).item(), abs=1e-5)
    assert fine.geometry(right).item() == pytest.approx(coarse.geometry(right).item(), abs=1e-5)
    assert fine.geometry(wrong).item() > fine.geometry(right).item() + 0.01
