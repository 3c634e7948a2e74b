"""Positions of one orbit from the distances of its first atom: trial positions, then Gauss-Newton."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from alphacrystal.reconstruct._partial import Partials, Target
from alphacrystal.typing import BoolArray, FloatArray, IndexArray, IntArray

GRID_VOLUME = 2**20  # numbers in the largest intermediate array of the grid step
FIRST_DAMPING = 0.05  # Levenberg-Marquardt, relative to the curvature
STEPS = 6  # least-squares steps of one orbit by itself
SAME_PLACE = 50  # ends closer than a cell edge over this are one


@dataclass(frozen=True, slots=True)
class Effort:
    """How widely to search.

    Attributes:
        beam: Crystals kept at each stage.
        starts: Places kept for one orbit of one crystal.
        points: Trial places of an orbit with 1, 2, 3 free coordinates.
        steps: Least-squares steps of all coordinates at each stage.
        namings: Ways in which the atoms of an orbit are named at each place, where there is a choice.
    """

    beam: int
    starts: int
    points: tuple[int, int, int]
    steps: int
    namings: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Orbit:
    """A Wyckoff position in the reduced cell; arrays as in PrimitiveOrbit."""

    index: int
    linear: FloatArray
    constant: FloatArray
    drifts: BoolArray
    original: bool
    leaders: IndexArray

    @property
    def size(self) -> int:
        """Atoms in the primitive cell."""
        return len(self.linear)

    @property
    def free(self) -> int:
        """Free coordinates."""
        return int(self.linear.shape[2])


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Places for one orbit.

    Attributes:
        parents: The crystal of each trial, shape (trials,).
        leaders: Which atom of the orbit is the first open atom of the matrix, shape (trials,).
        places: Free coordinates, shape (trials, free).
        cost: Sum of squared residuals in Å², shape (trials,).
    """

    parents: IndexArray
    leaders: IndexArray
    places: FloatArray
    cost: FloatArray

    def select(self, rows: IndexArray) -> Trials:
        """Some of the trials."""
        return Trials(self.parents[rows], self.leaders[rows], self.places[rows], self.cost[rows])


class Placement:
    """Finds places for orbits of one target; ``classes``: which atoms may share an orbit, shape (atoms,)."""

    def __init__(self, target: Target, classes: IntArray, tolerance: float) -> None:
        self.target = target
        self.classes = classes
        self.tolerance = tolerance

    def trials(
        self,
        partials: Partials,
        orbit: Orbit,
        first: IndexArray,
        left: int,
        effort: Effort,
        random: np.random.Generator,
    ) -> Trials:
        """Places for the orbit that suit its first atom."""
        batch = len(partials)
        begun = bool(partials.placed[0].any())
        # The first orbit's first atom can be any of it: nothing else tells them apart.
        leaders = orbit.leaders if begun else orbit.leaders[:1]
        grid = np.zeros((1, 0))
        if orbit.free:
            grid = _grid(orbit.free, effort.points[orbit.free - 1], random)
        if not begun and orbit.free:
            grid[:, orbit.drifts] = 0  # where the origin is free it is here
            grid = grid[:1] if orbit.drifts.all() else grid
        # Few crystals leave room for many places: early distances fix no coordinates, the beam must.
        kept = max(effort.starts, 2 * effort.beam // batch) if begun else 3 * effort.beam
        kept = min(kept, len(grid) * len(leaders))
        chosen = self._grid_search(partials, orbit, first, left, grid, leaders, kept)
        trials = Trials(
            parents=np.repeat(np.arange(batch), kept),
            leaders=leaders[chosen.ravel() // len(grid)],
            places=grid[chosen.ravel() % len(grid)],
            cost=np.zeros(batch * kept),
        )
        return self._polished(partials, orbit, first, left, trials)

    def _grid_search(
        self,
        partials: Partials,
        orbit: Orbit,
        first: IndexArray,
        left: int,
        grid: FloatArray,
        leaders: IndexArray,
        kept: int,
    ) -> IndexArray:
        """The best ``kept`` of leader * len(grid) + grid point for each crystal, shape (batch, kept)."""
        target = self.target
        columns = np.flatnonzero(partials.placed.any(0))
        points = (
            np.einsum("naf,gf->nga", orbit.linear[leaders], grid) + orbit.constant[leaders, None]
        ).reshape(-1, 3)
        own = self._own_lengths(orbit, grid)
        positions = partials.positions[:, columns]
        chunk = max(1, GRID_VOLUME // max(len(points) * len(columns) * 3, 1))
        found = []
        for start in range(0, len(partials), chunk):
            rows = slice(start, start + chunk)
            cost = np.zeros((len(first[rows]), len(points)))
            if len(columns):
                difference = points[None, :, None] - positions[rows, None]
                lengths = target.periodic.lengths(difference)
                known = target.distances[first[rows]][:, None, columns]
                weights = target.weights[first[rows]][:, columns] * partials.placed[rows][:, columns]
                cost += np.einsum("bgc,bc->bg", np.square(lengths - known), weights)
            if own.shape[1]:
                for atom in np.unique(first[rows]):
                    same = first[rows] == atom
                    wanted = self._own_targets(own, int(atom), left)
                    cost[same] += np.tile(np.square(own - wanted).sum(-1), len(leaders))
            if kept < len(points):
                found.append(np.argpartition(cost, kept - 1, axis=1)[:, :kept])
            else:
                found.append(np.broadcast_to(np.arange(kept), (len(cost), kept)))
        return np.concatenate(found)

    def _own_lengths(self, orbit: Orbit, places: FloatArray) -> FloatArray:
        """Distances of the first atom to the others of its orbit, shape (places, size - 1)."""
        spread = (orbit.linear[1:] - orbit.linear[0]) @ places[:, None, :, None]
        return self.target.periodic.lengths(spread[..., 0] + orbit.constant[1:] - orbit.constant[0])

    def _own_targets(self, lengths: FloatArray, atom: int, left: int) -> FloatArray:
        """For lengths (places, size - 1) inside an orbit, those of the matrix they may be meant to be.

        Where the orbit is the whole class they are compared in order of length, else each with the next.
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
        self, partials: Partials, orbit: Orbit, first: IndexArray, left: int, trials: Trials
    ) -> Trials:
        """Gauss-Newton on the free coordinates of the new orbit; equal ends are taken once."""
        target = self.target
        parents, places = trials.parents, trials.places.copy()
        columns = np.flatnonzero(partials.placed.any(0))
        others = partials.positions[parents][:, columns]  # (trials, columns, 3)
        known = target.distances[first[parents]][:, columns]
        weights = np.sqrt(target.weights[first[parents]][:, columns] * partials.placed[parents][:, columns])
        lead, base = orbit.linear[trials.leaders], orbit.constant[trials.leaders]
        inner = orbit.linear[1:] - orbit.linear[0]  # (size - 1, 3, free)
        gaps = orbit.constant[1:] - orbit.constant[0]
        same_first = np.unique(first)

        def evaluate(now: FloatArray, rows: IndexArray) -> tuple[FloatArray, FloatArray, FloatArray]:
            here = (lead[rows] @ now[..., None])[..., 0] + base[rows]
            vectors, lengths = target.periodic.nearest(here[:, None] - others[rows])
            residuals = weights[rows] * (lengths - known[rows])
            slope = (vectors @ target.periodic.metric) * (weights[rows] / lengths)[..., None]
            jacobian = slope @ lead[rows]
            if len(inner):
                own_vectors, own = target.periodic.nearest(np.einsum("maf,tf->tma", inner, now) + gaps)
                wanted = np.empty_like(own)
                for atom in same_first:
                    mine = first[parents[rows]] == atom
                    if mine.any():
                        wanted[mine] = self._own_targets(own[mine], int(atom), left)
                own_slope = (own_vectors @ target.periodic.metric) / own[..., None]
                own_jacobian = np.einsum("tma,maf->tmf", own_slope, inner)
                residuals = np.concatenate([residuals, own - wanted], 1)
                jacobian = np.concatenate([jacobian, own_jacobian], 1)
            return residuals, jacobian, np.square(residuals).sum(-1)

        everyone = np.arange(len(parents))
        _, _, cost = evaluate(places, everyone)
        if not orbit.free:
            return replace(trials, cost=cost)
        damping = np.full(len(parents), FIRST_DAMPING)
        going = everyone
        index = np.arange(orbit.free)
        for _ in range(STEPS):
            residuals, jacobian, before = evaluate(places[going], going)
            transposed = jacobian.transpose(0, 2, 1)
            curvature = transposed @ jacobian
            curvature[:, index, index] += damping[going, None] * curvature[:, index, index] + 1e-5
            gradient = transposed @ residuals[..., None]
            trial = places[going] - np.linalg.solve(curvature, gradient)[..., 0]
            _, _, after = evaluate(trial, going)
            better = after < before
            places[going[better]] = trial[better]
            cost[going[better]] = after[better]
            damping[going] *= np.where(better, 0.2, 8)
            going = going[(damping[going] < 1e3) & (cost[going] > 0.01 * self.tolerance**2)]
            if not len(going):
                break
        here = ((lead @ places[..., None])[..., 0] + base) % 1.0
        keys = np.column_stack([parents, np.rint(here * SAME_PLACE).astype(np.int64) % SAME_PLACE])
        _, once = np.unique(keys, axis=0, return_index=True)
        return replace(trials, places=places, cost=cost).select(once)


def _grid(free: int, points: int, random: np.random.Generator) -> FloatArray:
    """Evenly spread points of the unit cube, shifted at random, shape (points, free) (R-sequence)."""
    root = {1: 1.618033988749895, 2: 1.324717957244746, 3: 1.2207440846057596}[free]
    steps = root ** -np.arange(1.0, free + 1)
    return np.asarray((random.random(free) + np.arange(points)[:, None] * steps) % 1.0)
