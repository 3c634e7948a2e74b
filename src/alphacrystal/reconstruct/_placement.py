"""Positions of one orbit from the distances of its first atom: trial positions, then Gauss-Newton."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from alphacrystal.crystal import PrimitiveOrbit
from alphacrystal.reconstruct._partial import PartialCrystals, Target
from alphacrystal.typing import FloatArray, IndexArray, IntArray

MAX_GRID_VALUES = 2**20  # in the largest intermediate array of the grid search
FIRST_DAMPING = 0.05  # Levenberg-Marquardt, relative to the curvature
STEPS = 6  # least-squares steps of a single orbit
SAME_POSITION = 50  # results closer than a cell edge over this number are equal


@dataclass(frozen=True, slots=True)
class Effort:
    """Width of the beam search.

    Attributes:
        beam: Crystals kept at each stage.
        starts: Positions kept for one orbit of one crystal.
        points: Trial positions of an orbit with 1, 2, 3 free coordinates.
        steps: Least-squares steps of all coordinates at each stage.
        labellings: Assignments of labels to the atoms of an orbit at each position.
    """

    beam: int
    starts: int
    points: tuple[int, int, int]
    steps: int
    labellings: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class TrialPositions:
    """Trial positions of one orbit.

    Attributes:
        parents: The crystal of each trial, shape (trials,).
        representatives: Atom of the orbit that gets the first unplaced label, shape (trials,).
        parameters: Free coordinates, shape (trials, free).
        cost: Sum of squared residuals in Å², shape (trials,).
    """

    parents: IndexArray
    representatives: IndexArray
    parameters: FloatArray
    cost: FloatArray

    def select(self, rows: IndexArray) -> TrialPositions:
        """The trials in these rows."""
        return TrialPositions(
            self.parents[rows], self.representatives[rows], self.parameters[rows], self.cost[rows]
        )


class OrbitPlacement:
    """Finds positions of orbits; ``classes``: atoms that may share an orbit, shape (atoms,)."""

    def __init__(self, target: Target, classes: IntArray, tolerance: float) -> None:
        self.target = target
        self.classes = classes
        self.tolerance = tolerance

    def trials(
        self,
        partials: PartialCrystals,
        orbit: PrimitiveOrbit,
        first: IndexArray,
        left: int,
        effort: Effort,
        random: np.random.Generator,
    ) -> TrialPositions:
        """Positions of the orbit with a good fit of its first atom."""
        batch = len(partials)
        begun = bool(partials.placed[0].any())
        # Nothing distinguishes the atoms of the first orbit, so any of them can be the first.
        representatives = orbit.representatives if begun else orbit.representatives[:1]
        grid = np.zeros((1, 0))
        if orbit.free:
            grid = _grid(orbit.free, effort.points[orbit.free - 1], random)
        if not begun and orbit.free:
            grid[:, orbit.polar] = 0  # fixes the free origin of polar groups
            grid = grid[:1] if orbit.polar.all() else grid
        # With few crystals, more positions fit the beam: early distances do not determine coordinates.
        kept = max(effort.starts, 2 * effort.beam // batch) if begun else 3 * effort.beam
        kept = min(kept, len(grid) * len(representatives))
        chosen = self._grid_search(partials, orbit, first, left, grid, representatives, kept)
        trials = TrialPositions(
            parents=np.repeat(np.arange(batch), kept),
            representatives=representatives[chosen.ravel() // len(grid)],
            parameters=grid[chosen.ravel() % len(grid)],
            cost=np.zeros(batch * kept),
        )
        return self._polished(partials, orbit, first, left, trials)

    def _grid_search(
        self,
        partials: PartialCrystals,
        orbit: PrimitiveOrbit,
        first: IndexArray,
        left: int,
        grid: FloatArray,
        representatives: IndexArray,
        kept: int,
    ) -> IndexArray:
        """The best ``kept`` of leader * len(grid) + grid point for each crystal, shape (batch, kept)."""
        target = self.target
        columns = np.flatnonzero(partials.placed.any(0))
        points = (
            np.einsum("naf,gf->nga", orbit.linear[representatives], grid)
            + orbit.constant[representatives, None]
        ).reshape(-1, 3)
        inner = self._orbit_lengths(orbit, grid)
        positions = partials.positions[:, columns]
        chunk = max(1, MAX_GRID_VALUES // max(len(points) * len(columns) * 3, 1))
        chosen = []
        for start in range(0, len(partials), chunk):
            rows = slice(start, start + chunk)
            cost = np.zeros((len(first[rows]), len(points)))
            if len(columns):
                difference = points[None, :, None] - positions[rows, None]
                lengths = target.periodic.lengths(difference)
                known = target.distances[first[rows]][:, None, columns]
                weights = target.weights[first[rows]][:, columns] * partials.placed[rows][:, columns]
                cost += np.einsum("bgc,bc->bg", np.square(lengths - known), weights)
            if inner.shape[1]:
                for atom in np.unique(first[rows]):
                    same = first[rows] == atom
                    inner_target = self._orbit_targets(inner, int(atom), left)
                    cost[same] += np.tile(np.square(inner - inner_target).sum(-1), len(representatives))
            if kept < len(points):
                chosen.append(np.argpartition(cost, kept - 1, axis=1)[:, :kept])
            else:
                chosen.append(np.broadcast_to(np.arange(kept), (len(cost), kept)))
        return np.concatenate(chosen)

    def _orbit_lengths(self, orbit: PrimitiveOrbit, parameters: FloatArray) -> FloatArray:
        """Distances of the first atom to the others of its orbit, shape (trials, size - 1)."""
        spread = (orbit.linear[1:] - orbit.linear[0]) @ parameters[:, None, :, None]
        return self.target.periodic.lengths(spread[..., 0] + orbit.constant[1:] - orbit.constant[0])

    def _orbit_targets(self, lengths: FloatArray, atom: int, left: int) -> FloatArray:
        """Target distances of the matrix for lengths inside an orbit, shape (trials, size - 1).

        If the orbit is the whole class, sorted lengths are matched. Otherwise each length is matched to the
        nearest distance.
        """
        mates = np.flatnonzero(self.classes == self.classes[atom])
        known = np.sort(self.target.distances[atom, mates[mates != atom]])
        if lengths.shape[1] == len(known) == left - 1:
            rank = lengths.argsort(-1).argsort(-1)
            return np.asarray(known[rank])
        if len(known) == 1:
            return np.full(lengths.shape, known[0])
        upper = np.searchsorted(known, lengths).clip(1, len(known) - 1)
        low, high = known[upper - 1], known[upper]
        return np.asarray(np.where(lengths - low < high - lengths, low, high))

    def _polished(
        self,
        partials: PartialCrystals,
        orbit: PrimitiveOrbit,
        first: IndexArray,
        left: int,
        trials: TrialPositions,
    ) -> TrialPositions:
        """Gauss-Newton on the free coordinates of the new orbit, without duplicate results."""
        target = self.target
        parents, parameters = trials.parents, trials.parameters.copy()
        columns = np.flatnonzero(partials.placed.any(0))
        others = partials.positions[parents][:, columns]  # (trials, columns, 3)
        known = target.distances[first[parents]][:, columns]
        weights = np.sqrt(target.weights[first[parents]][:, columns] * partials.placed[parents][:, columns])
        first_linear, first_constant = (
            orbit.linear[trials.representatives],
            orbit.constant[trials.representatives],
        )
        inner = orbit.linear[1:] - orbit.linear[0]  # (size - 1, 3, free)
        gaps = orbit.constant[1:] - orbit.constant[0]
        same_first = np.unique(first)

        def evaluate(values: FloatArray, rows: IndexArray) -> tuple[FloatArray, FloatArray, FloatArray]:
            here = (first_linear[rows] @ values[..., None])[..., 0] + first_constant[rows]
            vectors, lengths = target.periodic.nearest(here[:, None] - others[rows])
            residuals = weights[rows] * (lengths - known[rows])
            slope = (vectors @ target.periodic.metric) * (weights[rows] / lengths)[..., None]
            jacobian = slope @ first_linear[rows]
            if len(inner):
                inner_vectors, lengths_inside = target.periodic.nearest(
                    np.einsum("maf,tf->tma", inner, values) + gaps
                )
                inner_target = np.empty_like(lengths_inside)
                for atom in same_first:
                    same = first[parents[rows]] == atom
                    if same.any():
                        inner_target[same] = self._orbit_targets(lengths_inside[same], int(atom), left)
                inner_slope = (inner_vectors @ target.periodic.metric) / lengths_inside[..., None]
                inner_jacobian = np.einsum("tma,maf->tmf", inner_slope, inner)
                residuals = np.concatenate([residuals, lengths_inside - inner_target], 1)
                jacobian = np.concatenate([jacobian, inner_jacobian], 1)
            return residuals, jacobian, np.square(residuals).sum(-1)

        all_trials = np.arange(len(parents))
        _, _, cost = evaluate(parameters, all_trials)
        if not orbit.free:
            return replace(trials, cost=cost)
        damping = np.full(len(parents), FIRST_DAMPING)
        active = all_trials
        index = np.arange(orbit.free)
        for _ in range(STEPS):
            residuals, jacobian, before = evaluate(parameters[active], active)
            transposed = jacobian.transpose(0, 2, 1)
            curvature = transposed @ jacobian
            curvature[:, index, index] += damping[active, None] * curvature[:, index, index] + 1e-5
            gradient = transposed @ residuals[..., None]
            trial = parameters[active] - np.linalg.solve(curvature, gradient)[..., 0]
            _, _, after = evaluate(trial, active)
            better = after < before
            parameters[active[better]] = trial[better]
            cost[active[better]] = after[better]
            damping[active] *= np.where(better, 0.2, 8)
            active = active[(damping[active] < 1e3) & (cost[active] > 0.01 * self.tolerance**2)]
            if not len(active):
                break
        here = ((first_linear @ parameters[..., None])[..., 0] + first_constant) % 1.0
        keys = np.column_stack([parents, np.rint(here * SAME_POSITION).astype(np.int64) % SAME_POSITION])
        _, unique = np.unique(keys, axis=0, return_index=True)
        return replace(trials, parameters=parameters, cost=cost).select(unique)


def _grid(free: int, points: int, random: np.random.Generator) -> FloatArray:
    """Evenly spread points of the unit cube, shifted at random, shape (points, free) (R-sequence)."""
    root = {1: 1.618033988749895, 2: 1.324717957244746, 3: 1.2207440846057596}[free]
    steps = root ** -np.arange(1.0, free + 1)
    return np.asarray((random.random(free) + np.arange(points)[:, None] * steps) % 1.0)
