"""DMCrystal: batched evolutionary search over free coordinates and the cell, then gradient polishing."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from alphacrystal.crystal import (
    CrystalEncoding,
    Distogram,
    OrbitDistogram,
    SymmetryHypothesis,
    encode,
)
from alphacrystal.reconstruct._batch import EncodingBatch
from alphacrystal.reconstruct._fitness import FitnessBatch, FitnessName, lattice_penalty
from alphacrystal.runtime.torch_setup import one_torch_thread
from alphacrystal.typing import CountProgress, FloatArray, IntArray

TIERS = (0, 3, 10)  # limits of free coordinates between the batches
PATIENCE = 12  # generations between checks of the progress
MIN_PROGRESS = 2e-3  # decrease of the best cost between two checks; with less, the evolution ends
MAX_GENERATIONS_FACTOR = 3.5  # relative to one free coordinate


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Effort and fitness of the search.

    Attributes:
        population: Individuals per hypothesis.
        generations: Generations of differential evolution for one free coordinate; they increase with the
            number of coordinates.
        polish_steps: Gradient steps on the best individuals.
        restarts: Random individuals polished in addition to the best; with many free coordinates they reach
            minima that evolution misses.
        fitness: "likelihood" of the distogram; "rmse" to the expected matrix; "paper": RMSE to its
            decoding in the paper's 20 classes; "contacts": 1 - F1 of AlphaCrystal-I's contact map.
        spread_limit: Largest lattice deviation in units of its spread.
        assembly: Whether the generator also tries the crystals of ``improve_by_assembly``.
    """

    population: int = 40
    generations: int = 24
    polish_steps: int = 40
    restarts: int = 0
    fitness: FitnessName = "likelihood"
    spread_limit: float = 3.0
    assembly: bool = False

    @classmethod
    def thorough(cls) -> SearchSettings:
        """Settings for the most probable hypotheses, with about three times the work."""
        return cls(restarts=96, polish_steps=100, assembly=True)


@dataclass(frozen=True, slots=True, eq=False)
class Reconstruction:
    """The best structure of one hypothesis.

    Attributes:
        lattice: Reduced primitive rows in Å, shape (3, 3).
        positions: Fractional coordinates, shape (atoms, 3).
        numbers: Atomic numbers, shape (atoms,).
        geometry: Mean disagreement per atom pair (negative log density in 1/Å, or RMSE in Å); low is good.
        penalty: Clash plus lattice deviation.
        method: "search", "assembly" or "prototype".
    """

    lattice: FloatArray
    positions: FloatArray
    numbers: IntArray
    geometry: float
    penalty: float
    method: Literal["search", "assembly", "prototype"] = "search"


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    encodings: EncodingBatch
    fitness: FitnessBatch

    def select(self, rows: Tensor) -> _Problem:
        return _Problem(self.encodings.select(rows), self.fitness.select(rows))

    def terms(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Geometry and penalty, shape (hypotheses, members) each."""
        distances = self.encodings.squared_distances(
            parameters, self.fitness.rows, self.fitness.columns
        ).sqrt()
        free = self.encodings.free
        pairs = self.fitness.pairs
        penalty = lattice_penalty(parameters[..., free:], self.encodings.active[:, None, free:])
        return self.fitness.geometry(distances), (self.fitness.clash(distances) + penalty) / pairs

    def cost(self, parameters: Tensor) -> Tensor:
        geometry, penalty = self.terms(parameters)
        return geometry + penalty


def reconstruct(
    hypotheses: Sequence[SymmetryHypothesis],
    distograms: Sequence[Distogram | OrbitDistogram],
    settings: SearchSettings,
    seed: int,
    *,
    on_done: CountProgress | None = None,
) -> list[Reconstruction]:
    """Best structure of each hypothesis under its distogram, all searched as batches.

    Args:
        hypotheses: Symmetry, cell and spread.
        distograms: One per hypothesis; its atoms have the elements of the hypothesis in the same order.
        settings: Effort and fitness.
        seed: Seed of the random numbers; equal seeds give equal results.
        on_done: Called with the number of hypotheses solved so far.

    Returns:
        In the order of the hypotheses.
    """
    encodings = [encode(hypothesis) for hypothesis in hypotheses]
    groups: dict[tuple[tuple[int, ...], int, int], list[int]] = defaultdict(list)
    for index, encoding in enumerate(encodings):
        tier = sum(encoding.free > limit for limit in TIERS)
        # Distograms of orbits have different pairs, so each is a group.
        number = index if isinstance(distograms[index], OrbitDistogram) else -1
        groups[tuple(encoding.numbers.tolist()), tier, number].append(index)
    results: dict[int, Reconstruction] = {}

    def solve(number: int, rows: list[int]) -> None:
        problem = _Problem(
            EncodingBatch.of([encodings[i] for i in rows]),
            FitnessBatch.of([distograms[i] for i in rows], settings.fitness),
        )
        random = torch.Generator().manual_seed(seed * 1009 + number)
        best, geometry, penalty = _solve(problem, settings, random)
        for row, index in enumerate(rows):
            results[index] = _result(
                encodings[index], problem.encodings.free, best[row], geometry[row], penalty[row]
            )

    # For small tensors, one thread per group of hypotheses is faster than threads in torch.
    with one_torch_thread(), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        # Groups are independent and have separate random numbers, so their order does not matter.
        futures = [pool.submit(solve, number, groups[key]) for number, key in enumerate(sorted(groups))]
        try:
            for future in futures:
                future.result()
                if on_done:
                    on_done(len(results))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [results[index] for index in range(len(hypotheses))]


def polish_from(
    hypothesis: SymmetryHypothesis,
    distogram: OrbitDistogram,
    starts: Sequence[tuple[Sequence[str], FloatArray]],
    settings: SearchSettings,
) -> Reconstruction:
    """The fittest crystal that gradients reach from given coordinates.

    Args:
        hypothesis: Symmetry, cell and spread.
        distogram: Its distogram.
        starts: Letters of the orbits in some setting of the space group, and free coordinates, shape (free,).
        settings: Effort and fitness.
    """
    encodings = [encode(hypothesis, letters) for letters, _ in starts]
    free = encodings[0].free
    problem = _Problem(
        EncodingBatch.of(encodings),
        FitnessBatch.of([distogram], settings.fitness).select(torch.zeros(len(starts), dtype=torch.long)),
    )
    parameters = torch.zeros(len(starts), 1, free + 6)
    parameters[:, 0, :free] = torch.as_tensor(np.array([values for _, values in starts]))
    with one_torch_thread():
        polished = _polish(problem, settings, parameters)
        with torch.no_grad():
            geometry, penalty = problem.terms(polished)
    best = int((geometry + penalty).argmin())
    return replace(
        _result(encodings[best], free, polished[best, 0], geometry[best, 0], penalty[best, 0]),
        method="prototype",
    )


def _result(
    encoding: CrystalEncoding, free: int, parameters: Tensor, geometry: Tensor, penalty: Tensor
) -> Reconstruction:
    values = parameters.double().numpy()
    return Reconstruction(
        lattice=encoding.lattice(values[free:]),
        positions=encoding.positions(values[: encoding.free]) % 1.0,
        numbers=encoding.numbers,
        geometry=float(geometry),
        penalty=float(penalty),
    )


def _solve(
    problem: _Problem, settings: SearchSettings, random: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Best parameters (hypotheses, free + 6) with their geometry and penalty."""
    encodings = problem.encodings
    free = encodings.free
    with torch.no_grad():
        population, cost = _first_population(problem, settings, random)
        random_starts = population[:, : settings.restarts if free else 0]
        if free:
            population, cost = _search(problem, settings, population, cost, random)
    elite = cost.argsort(1)[:, : 3 if free else 1]
    start = population.gather(1, elite[..., None].expand(-1, -1, free + 6))
    polished = _polish(problem, settings, torch.cat([start, random_starts], 1))
    with torch.no_grad():
        geometry, penalty = problem.terms(polished)
        winner = (geometry + penalty).argmin(1)
        rows = torch.arange(len(winner))
        return polished[rows, winner], geometry[rows, winner], penalty[rows, winner]


def _first_population(
    problem: _Problem, settings: SearchSettings, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The best of many random individuals; coordinates uniform, the cell near its prediction."""
    encodings = problem.encodings
    hypotheses, free = len(encodings.shape), encodings.free
    members = max(settings.population, settings.restarts) if free else 8
    draws, costs = [], []
    for _ in range(4 if free else 1):
        coordinates = torch.rand(hypotheses, members, free, generator=random)
        deviations = 0.7 * torch.randn(hypotheses, members, 6, generator=random)
        deviations[:, 0] = 0
        parameters = torch.cat(
            [coordinates, deviations.clamp(-settings.spread_limit, settings.spread_limit)], -1
        )
        parameters = parameters * encodings.active[:, None]
        draws.append(parameters)
        costs.append(problem.cost(parameters))
    individuals, cost = torch.cat(draws, 1), torch.cat(costs, 1)
    chosen = cost.argsort(1)[:, :members]
    return individuals.gather(1, chosen[..., None].expand(-1, -1, free + 6)), cost.gather(1, chosen)


def _search(
    problem: _Problem, settings: SearchSettings, population: Tensor, cost: Tensor, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Evolve each hypothesis until it stagnates and leaves the batch, or its rounds are over."""
    free = problem.encodings.free
    rounds = int(settings.generations * min(1 + 0.5 * (free - 1), MAX_GENERATIONS_FACTOR))
    population, cost = population.clone(), cost.clone()
    active = torch.arange(len(cost))
    last = cost.amin(1)
    for start in range(0, rounds, PATIENCE):
        part, members, member_cost = problem.select(active), population[active], cost[active]
        for _ in range(min(PATIENCE, rounds - start)):
            members, member_cost = _evolve(part, settings, members, member_cost, random)
        population[active], cost[active] = members, member_cost
        best = member_cost.amin(1)
        moving = last[active] - best > MIN_PROGRESS
        last[active] = best
        active = active[moving]
        if not len(active):
            break
    return population, cost


def _evolve(
    problem: _Problem, settings: SearchSettings, population: Tensor, cost: Tensor, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """One generation of differential evolution (Storn & Price 1997, doi:10.1023/A:1008202821328).

    Half of the trials start from the best member, half from a random one; coordinates wrap around the cell.
    """
    hypotheses, members, size = population.shape
    free = problem.encodings.free

    def others() -> Tensor:
        index = torch.randint(members, (hypotheses, members, 1), generator=random)
        return population.gather(1, index.expand(-1, -1, size))

    best = population.gather(1, cost.argmin(1)[:, None, None].expand(-1, 1, size))
    greedy = torch.rand(hypotheses, members, 1, generator=random) < 0.5
    base = torch.where(greedy, best, others())
    difference = others() - others()
    difference = torch.cat(
        [difference[..., :free] - difference[..., :free].round(), difference[..., free:]], -1
    )
    scale = 0.3 + 0.6 * torch.rand(hypotheses, members, 1, generator=random)
    noise = 0.01 * torch.randn(population.shape, generator=random)
    mutant = base + scale * difference + noise
    crossed = torch.rand(population.shape, generator=random) < 0.8
    trial = torch.where(crossed, mutant, population)
    limit = settings.spread_limit
    trial = torch.cat([trial[..., :free] % 1.0, trial[..., free:].clamp(-limit, limit)], -1)
    trial = trial * problem.encodings.active[:, None]
    trial_cost = problem.cost(trial)
    better = trial_cost < cost
    return torch.where(better[..., None], trial, population), torch.where(better, trial_cost, cost)


def _polish(problem: _Problem, settings: SearchSettings, start: Tensor) -> Tensor:
    """Adam on the best individuals of all hypotheses at once; keeps the best point of each path."""
    free = problem.encodings.free
    active = problem.encodings.active[:, None].expand_as(start)
    # One rate for all fractional coordinates: cells are a few Å wide along each axis.
    rate = torch.cat([torch.full((free,), 0.006), torch.full((6,), 0.06)])
    current = start.clone()
    momentum, variance = torch.zeros_like(start), torch.zeros_like(start)
    best, best_cost = start.clone(), torch.full(start.shape[:2], torch.inf)
    for step in range(1, settings.polish_steps + 1):
        leaf = current.detach().requires_grad_(True)
        with torch.enable_grad():
            cost = problem.cost(leaf)
            (gradient,) = torch.autograd.grad(cost.sum(), leaf)
        improved = cost.detach() < best_cost
        best = torch.where(improved[..., None], leaf.detach(), best)
        best_cost = torch.where(improved, cost.detach(), best_cost)
        gradient = gradient * active
        momentum = 0.8 * momentum + 0.2 * gradient
        variance = 0.95 * variance + 0.05 * gradient.square()
        update = (momentum / (1 - 0.8**step)) / ((variance / (1 - 0.95**step)).sqrt() + 1e-8)
        current = leaf.detach() - rate * (1 - step / (settings.polish_steps + 1)) * update
        deviations = current[..., free:].clamp(-settings.spread_limit, settings.spread_limit)
        current = torch.cat([current[..., :free], deviations], -1)
    return best
