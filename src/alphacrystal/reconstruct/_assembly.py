"""Building a crystal orbit by orbit from a distance matrix whose rows belong to atoms: a beam search.

Each step takes the next atom of the matrix, tries it on every Wyckoff position that can still be filled,
looks for the at most three free coordinates that give its distances to what stands already, names the other
atoms of the orbit, and fits everything placed so far by least squares. What fits badly is dropped, so
Wyckoff assignments are never listed: they are screened by their first orbits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from alphacrystal.crystal import primitive_orbits
from alphacrystal.reconstruct._naming import renamed
from alphacrystal.reconstruct._partial import Partials, Target, refine

Array = NDArray[np.float64]
Index = NDArray[np.intp]

SAME_COST = 3e-4  # relative
GRID_VOLUME = 2**20  # numbers in the largest intermediate array of the grid step


@dataclass(frozen=True, slots=True)
class Effort:
    """How widely to search.

    Attributes:
        beam: Crystals kept at each stage.
        starts: Places kept for one orbit of one crystal.
        points: Trial places of an orbit with 1, 2, 3 free coordinates.
        steps: Least-squares steps of all coordinates at each stage.
    """

    beam: int
    starts: int
    points: tuple[int, int, int]
    steps: int


@dataclass(frozen=True, slots=True, eq=False)
class Orbit:
    """A Wyckoff position in the reduced cell; arrays as in PrimitiveOrbit."""

    index: int
    linear: Array
    constant: Array
    drifts: NDArray[np.bool_]
    original: bool
    leaders: Index

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

    parents: Index
    leaders: Index
    places: Array
    cost: Array

    def select(self, rows: Index) -> Trials:
        """Some of the trials."""
        return Trials(self.parents[rows], self.leaders[rows], self.places[rows], self.cost[rows])


class Assembly:
    """The search for one target, space group and partition of the atoms into interchangeable ones."""

    def __init__(
        self, target: Target, space_group: int, reduction: Array, classes: NDArray[np.int64], tolerance: float
    ) -> None:
        """Prepare.

        Args:
            target: Matrix and cell.
            space_group: Number.
            reduction: Fractional coordinates of the primitive cell to those of the reduced one, (3, 3).
            classes: Atoms that may share an orbit have the same number, shape (atoms,).
            tolerance: Residual in Å that counts as none.
        """
        self.target = target
        self.tolerance = tolerance
        self.orbits = [
            Orbit(
                index,
                np.einsum("ab,mbf->maf", reduction, orbit.linear),
                orbit.constant @ reduction.T,
                orbit.drifts,
                orbit.original,
                orbit.leaders,
            )
            for index, orbit in enumerate(primitive_orbits(space_group))
        ]
        self.classes = classes
        self.order = self._class_order()
        self.sizes = [int((classes == own).sum()) for own in self.order]
        self._fits: dict[tuple[int, int, int], bool] = {}

    @cached_property
    def once(self) -> NDArray[np.int64]:
        """Bit of each position that can be taken once only, 0 for the others, shape (positions,)."""
        return np.array([0 if orbit.free else 1 << i for i, orbit in enumerate(self.orbits)], dtype=np.int64)

    def _class_order(self) -> list[int]:
        """Classes in the order of building: few choices first, then far from what stands already."""
        distances = self.target.distances
        names = np.unique(self.classes)
        freedom = {}
        for name in names:
            size = int((self.classes == name).sum())
            freedom[name] = (max((o.free for o in self.orbits if o.size <= size), default=0), size)
        order: list[int] = []
        reach = distances.max(1)
        while len(order) < len(names):
            left = [name for name in names if name not in order]

            def key(name: int) -> tuple[int, int, float]:
                return (*freedom[name], -float(reach[self.classes == name].mean()))

            order.append(int(min(left, key=key)))
            placed = np.isin(self.classes, order)
            reach = distances[:, placed].max(1)
        return order

    def fits(self, place: int, left: int, used: int) -> bool:
        """Whether ``left`` atoms of the class at ``place`` and all later classes can still be placed."""
        if left == 0:
            if place + 1 >= len(self.sizes):
                return True
            place, left = place + 1, self.sizes[place + 1]
        key = (place, left, used)
        if key not in self._fits:
            self._fits[key] = any(
                orbit.size <= left
                and not used & int(self.once[orbit.index])
                and self.fits(place, left - orbit.size, used | int(self.once[orbit.index]))
                for orbit in self.orbits
            )
        return self._fits[key]

    def search(self, effort: Effort, random: np.random.Generator) -> Partials | None:
        """Complete crystals, best first; None where none could be completed."""
        atoms = len(self.classes)
        buckets: list[list[Partials]] = [[] for _ in range(atoms + 1)]
        buckets[0].append(Partials.empty(atoms))
        ends = np.cumsum(self.sizes)
        for count in range(atoms):
            if not buckets[count]:
                continue
            partials = self.best(Partials.join(buckets[count]), effort, random)
            buckets[count] = []
            if not len(partials):
                continue
            place = int(np.searchsorted(ends, count, side="right"))
            for orbit in self.orbits:
                left = int(ends[place]) - count
                # Where nothing stands yet, letters that differ by the choice of origin are one.
                if orbit.size <= left and (count or orbit.original):
                    grown = self.grow(partials, orbit, place, left, effort, random)
                    if grown is not None:
                        buckets[count + orbit.size].append(grown)
        if not buckets[atoms]:
            return None
        return self.best(Partials.join(buckets[atoms]), effort, random)

    def score(self, partials: Partials) -> Array:
        """Cost with a price on every free coordinate: noise can be fitted by chance, (batch,)."""
        return partials.cost + 2 * self.tolerance**2 * partials.free

    def best(self, partials: Partials, effort: Effort, random: np.random.Generator) -> Partials:
        """The beam: the best by score after a fit of all coordinates; hopeless ones are dropped."""
        chosen = self._ranked(self.score(partials), random)[: 3 * effort.beam]
        partials = partials.select(chosen)
        if partials.placed[0].any():
            strain = bool(len(self.target.strained)) and int(partials.placed[0].sum()) > 2
            partials = refine(partials, self.target, effort.steps, strain=strain)
            partials = renamed(partials, self.target, self.classes, effort.steps, strain=strain)
        order = self._ranked(self.score(partials), random)
        order = order[_different(partials.select(order), self.tolerance)]
        placed = int(partials.placed[0].sum())
        pairs = placed * (placed - 1) / 2
        # With as many coordinates as distances the fit is slow to end, and wrong crystals fit well anyway.
        slack = np.where(pairs >= partials.free[order] + 12, 5, 20)
        hopeful = partials.cost[order] < pairs * (slack * self.tolerance) ** 2 + 1e-6
        order = order[hopeful]
        solved = partials.cost[order] < pairs * self.tolerance**2 + 1e-9
        # More distances than coordinates, and still no residual: this is no chance.
        sure = solved & (pairs >= partials.free[order] + 12)
        if sure.any():
            order = order[sure][:4]
        return partials.select(order[: effort.beam])

    def _ranked(self, score: Array, random: np.random.Generator) -> Index:
        """Best first; without order where the score is as good as nothing, to keep the beam wide."""
        nothing = 0.25 * self.tolerance**2
        return np.asarray(np.argsort(np.maximum(score, nothing) + nothing * random.random(len(score))))

    def grow(
        self,
        partials: Partials,
        orbit: Orbit,
        place: int,
        left: int,
        effort: Effort,
        random: np.random.Generator,
    ) -> Partials | None:
        """Crystals with one more orbit on a given position; None where there is no room."""
        bit = int(self.once[orbit.index])
        masks = self._used(partials)
        room = np.array([not mask & bit and self.fits(place, left - orbit.size, mask | bit) for mask in masks])
        if not room.any():
            return None
        partials = partials.select(np.flatnonzero(room))
        open_atoms = (self.classes == self.order[place]) & ~partials.placed
        first = open_atoms.argmax(1)  # (batch,)
        trials = self._trials(partials, orbit, first, left, effort, random)
        cost = partials.cost[trials.parents] + trials.cost * orbit.size
        chosen = self._ranked(cost, random)[: 2 * effort.beam]
        trials = replace(trials.select(chosen), cost=cost[chosen])
        return self._added(partials.select(trials.parents), orbit, first[trials.parents], trials, place)

    def _used(self, partials: Partials) -> list[int]:
        """Bits of the taken positions without free coordinates, for each crystal."""
        bits = np.where(partials.letters >= 0, self.once[partials.letters], 0)
        return [int(x) for x in np.bitwise_or.reduce(bits, axis=1)]

    def _trials(
        self,
        partials: Partials,
        orbit: Orbit,
        first: Index,
        left: int,
        effort: Effort,
        random: np.random.Generator,
    ) -> Trials:
        """Places for the orbit that suit its first atom."""
        batch = len(partials)
        begun = bool(partials.placed[0].any())
        # The first orbit's first atom can be any of it: nothing else tells them apart.
        leaders = orbit.leaders if begun else orbit.leaders[:1]
        if orbit.free:
            grid = _grid(orbit.free, effort.points[orbit.free - 1], random)
        else:
            grid = np.zeros((1, 0))
        if not begun and orbit.free:
            grid[:, orbit.drifts] = 0  # where the origin is free it is here
            grid = grid[:1] if orbit.drifts.all() else grid
        kept = min((effort.starts if begun else 3 * effort.beam), len(grid) * len(leaders))
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
        first: Index,
        left: int,
        grid: Array,
        leaders: Index,
        kept: int,
    ) -> Index:
        """The best ``kept`` of leader * len(grid) + grid point for each crystal, shape (batch, kept)."""
        target = self.target
        columns = np.flatnonzero(partials.placed.any(0))
        points = (
            np.einsum("laf,gf->lga", orbit.linear[leaders], grid) + orbit.constant[leaders, None]
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

    def _own_lengths(self, orbit: Orbit, places: Array) -> Array:
        """Distances of the first atom to the others of its orbit, shape (places, size - 1)."""
        spread = (orbit.linear[1:] - orbit.linear[0]) @ places[:, None, :, None]
        return self.target.periodic.lengths(spread[..., 0] + orbit.constant[1:] - orbit.constant[0])

    def _own_targets(self, lengths: Array, atom: int, left: int) -> Array:
        """For lengths (places, size - 1) inside an orbit, those of the matrix they may be meant to be.

        Where the orbit is the whole class they are compared in order of length, else each with the next.
        """
        mates = np.flatnonzero(self.classes == self.classes[atom])
        known = np.sort(self.target.distances[atom, mates[mates != atom]])
        if lengths.shape[1] == len(known) == left - 1:
            rank = lengths.argsort(-1).argsort(-1)
            return np.asarray(known[rank])
        upper = np.searchsorted(known, lengths).clip(1, len(known) - 1) if len(known) > 1 else None
        if upper is None:
            return np.broadcast_to(known[0], lengths.shape)
        low, high = known[upper - 1], known[upper]
        return np.where(lengths - low < high - lengths, low, high)

    def _polished(
        self, partials: Partials, orbit: Orbit, first: Index, left: int, trials: Trials
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

        def evaluate(now: Array, rows: Index) -> tuple[Array, Array, Array]:
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
        damping = np.full(len(parents), 0.05)
        going = everyone
        index = np.arange(orbit.free)
        for _ in range(6):
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
        keys = np.column_stack([parents, np.rint(here * 50).astype(np.int64) % 50])
        _, once = np.unique(keys, axis=0, return_index=True)
        return replace(trials, places=places, cost=cost).select(once)

    def _added(
        self, partials: Partials, orbit: Orbit, first: Index, trials: Trials, place: int
    ) -> Partials:
        """Crystals with the orbit at the given places; its other atoms get the names that fit them best."""
        rows = np.arange(len(partials))
        partials = partials.padded(int(partials.free.max(initial=0)) + orbit.free)
        linear, constant = partials.linear.copy(), partials.constant.copy()
        parameters = partials.parameters.copy()
        placed, letters = partials.placed.copy(), partials.letters.copy()
        orbits = partials.orbits.copy()
        number = orbits.max(1) + 1
        slots = partials.free[:, None] + np.arange(orbit.free)
        parameters[rows[:, None], slots] = trials.places
        points = np.einsum("maf,tf->tma", orbit.linear, trials.places) + orbit.constant
        positions = partials.positions
        mates = np.flatnonzero(self.classes == self.order[place])
        for turn in range(orbit.size):
            # the leader first, then the others in their order
            member = trials.leaders if turn == 0 else np.where(turn <= trials.leaders, turn - 1, turn)
            point = points[rows, member]
            atom = first if turn == 0 else self._name(point, positions, placed, mates)
            positions[rows, atom] = point
            placed[rows, atom] = True
            letters[rows, atom] = orbit.index
            orbits[rows, atom] = number
            constant[rows, atom] = orbit.constant[member]
            for k in range(orbit.free):
                linear[rows, atom, :, slots[:, k]] = orbit.linear[member, :, k]
        return replace(
            partials,
            linear=linear,
            constant=constant,
            parameters=parameters,
            free=partials.free + orbit.free,
            placed=placed,
            letters=letters,
            orbits=orbits,
            cost=trials.cost,
        )

    def _name(
        self, point: Array, positions: Array, placed: NDArray[np.bool_], mates: Index
    ) -> NDArray[np.intp]:
        """The open atom of the class whose row of the matrix fits a place best, shape (batch,)."""
        columns = np.flatnonzero(placed.any(0))
        lengths = self.target.periodic.lengths(point[:, None] - positions[:, columns])
        misfit = np.square(lengths[:, None] - self.target.distances[mates][:, columns])
        misfit *= self.target.weights[mates][:, columns]
        cost = np.einsum("bmc,bc->bm", misfit, placed[:, columns].astype(float))
        cost[placed[:, mates]] = np.inf
        return np.asarray(mates[cost.argmin(1)])


def _different(partials: Partials, tolerance: float) -> NDArray[np.bool_]:
    """False for crystals that repeat the one before: equal cost of the same atoms. They come by cost.

    Images of one crystal under a symmetry of the lattice go the same way. Where the cost is as good as
    nothing it tells nothing.
    """
    cost = partials.cost
    same = np.zeros(len(cost), dtype=bool)
    close = np.diff(cost) < SAME_COST * cost[1:]
    same[1:] = close & (cost[1:] > tolerance**2) & np.all(partials.placed[1:] == partials.placed[:-1], axis=1)
    return ~same


def _grid(free: int, points: int, random: np.random.Generator) -> Array:
    """Evenly spread points of the unit cube, shifted at random, shape (points, free) (R-sequence)."""
    root = {1: 1.618033988749895, 2: 1.324717957244746, 3: 1.2207440846057596}[free]
    steps = root ** -np.arange(1.0, free + 1)
    return np.asarray((random.random(free) + np.arange(points)[:, None] * steps) % 1.0)


def same_rows(distances: Array, numbers: NDArray[np.int64], tolerance: float) -> NDArray[np.int64]:
    """Classes of atoms whose rows of the matrix are alike up to order: only they can share an orbit.

    Rows are compared class by class, and again with the finer classes until nothing changes.
    """
    classes = np.unique(numbers, return_inverse=True)[1].reshape(-1).astype(np.int64)
    while True:
        columns = [np.flatnonzero(classes == own) for own in range(classes.max() + 1)]
        rows = np.concatenate([np.sort(distances[:, own], axis=1) for own in columns], axis=1)
        apart = np.abs(rows[:, None] - rows[None]).max(-1) > tolerance
        apart |= classes[:, None] != classes[None]
        finer = np.full(len(numbers), -1)
        for atom in range(len(numbers)):
            if finer[atom] < 0:
                group = ~apart[atom] & (finer < 0)
                while (wider := (~apart[group]).any(0) & (finer < 0)).sum() > group.sum():
                    group = wider
                finer[group] = finer.max() + 1
        if finer.max() == classes.max():
            return classes
        classes = finer
