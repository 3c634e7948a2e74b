"""Building a crystal orbit by orbit from a distance matrix whose rows belong to atoms: a beam search.

Each step takes the next atom of the matrix, tries it on every Wyckoff position that can still be filled,
looks for the at most three free coordinates that give its distances to the placed atoms, names the other
atoms of the orbit, and fits everything placed so far by least squares. Bad fits are dropped, so
Wyckoff assignments are never listed: they are screened by their first orbits.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from alphacrystal.crystal import primitive_orbits
from alphacrystal.reconstruct._naming import renamed
from alphacrystal.reconstruct._partial import Partials, Target, measure, refine
from alphacrystal.reconstruct._placement import Effort, Orbit, Placement, Trials
from alphacrystal.typing import BoolArray, FloatArray, IndexArray, IntArray

SAME_COST = 3e-4  # relative
FREEDOM_PRICE = 2.0  # squared tolerances per free coordinate: what noise gains by one (Akaike)
SURE = 8  # crystals kept where nothing is wrong with them; some may be images of others
NAMING_SLACK = 0.15  # Å; how much worse than the best a name may fit where several are tried
LINE_PRICE = 4.0  # per letter with free coordinates in use: atoms share few lines and planes


class Assembly:
    """The search for one target, space group and partition of the atoms into interchangeable ones."""

    def __init__(
        self, target: Target, space_group: int, reduction: FloatArray, classes: IntArray, tolerance: float
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
        self.placement = Placement(target, classes, tolerance)
        self.order = self._class_order()
        self.sizes = [int((classes == own).sum()) for own in self.order]
        self._fits: dict[tuple[int, int, int], bool] = {}

    @cached_property
    def once(self) -> IntArray:
        """Bit of each position that can be taken once only, 0 for the others, shape (positions,)."""
        return np.array([0 if orbit.free else 1 << i for i, orbit in enumerate(self.orbits)], dtype=np.int64)

    @cached_property
    def _lines(self) -> IndexArray:
        """Positions with free coordinates, shape (positions,)."""
        return np.array([orbit.index for orbit in self.orbits if orbit.free], dtype=np.intp)

    def _class_order(self) -> list[int]:
        """Classes in the order of building: few choices first, then far from the placed atoms."""
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

            keys = {name: (*freedom[name], -float(reach[self.classes == name].mean())) for name in left}
            order.append(int(min(left, key=keys.__getitem__)))
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

    def score(self, partials: Partials) -> FloatArray:
        """Cost with a price on every free coordinate: noise can be fitted by chance, (batch,)."""
        lines = (partials.letters[:, :, None] == self._lines).any(1).sum(1)
        price = FREEDOM_PRICE * partials.free + LINE_PRICE * lines
        return np.asarray(partials.cost + self.tolerance**2 * price)

    def best(self, partials: Partials, effort: Effort, random: np.random.Generator) -> Partials:
        """The beam: the best by score after a fit of all coordinates; bad fits are dropped."""
        if len(partials) > 3 * effort.beam:
            partials = replace(partials, cost=measure(partials, self.target))
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
        if sure.any() and not len(self.target.strained):
            order = order[sure][:SURE]
        return partials.select(order[: effort.beam])

    def _ranked(self, score: FloatArray, random: np.random.Generator) -> IndexArray:
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
        room = np.array(
            [not mask & bit and self.fits(place, left - orbit.size, mask | bit) for mask in masks]
        )
        if not room.any():
            return None
        partials = partials.select(np.flatnonzero(room))
        open_atoms = (self.classes == self.order[place]) & ~partials.placed
        first = open_atoms.argmax(1)  # (batch,)
        trials = self.placement.trials(partials, orbit, first, left, effort, random)
        cost = partials.cost[trials.parents] + trials.cost * orbit.size
        chosen = self._ranked(cost, random)[: 2 * effort.beam]
        copies = effort.namings if orbit.size > 1 and left > 2 else 1
        # The first copy takes the names that fit best; the others may take some that fit nearly as well.
        slack = np.repeat([0.0] + [NAMING_SLACK**2] * (copies - 1), len(chosen))
        chosen = np.tile(chosen, copies)
        trials = replace(trials.select(chosen), cost=cost[chosen])
        names = slack[:, None] * random.random((len(chosen), len(self.classes)))
        return self._added(
            partials.select(trials.parents), orbit, first[trials.parents], trials, place, names
        )

    def _used(self, partials: Partials) -> list[int]:
        """Bits of the taken positions without free coordinates, for each crystal."""
        bits = np.where(partials.letters >= 0, self.once[partials.letters], 0)
        return [int(x) for x in np.bitwise_or.reduce(bits, axis=1)]

    def _added(
        self,
        partials: Partials,
        orbit: Orbit,
        first: IndexArray,
        trials: Trials,
        place: int,
        slack: FloatArray,
    ) -> Partials:
        """Crystals with the orbit at the given places; its other atoms get the names that fit them best.

        ``slack`` in Å² is added to the misfit of each name, shape (batch, atoms).
        """
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
            atom = first if turn == 0 else self._name(point, positions, placed, mates, slack)
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
        self,
        point: FloatArray,
        positions: FloatArray,
        placed: BoolArray,
        mates: IndexArray,
        slack: FloatArray,
    ) -> IndexArray:
        """The open atom of the class whose row of the matrix fits a place best, shape (batch,)."""
        columns = np.flatnonzero(placed.any(0))
        lengths = self.target.periodic.lengths(point[:, None] - positions[:, columns])
        misfit = np.square(lengths[:, None] - self.target.distances[mates][:, columns])
        misfit *= self.target.weights[mates][:, columns]
        cost = np.einsum("bmc,bc->bm", misfit, placed[:, columns].astype(float))
        cost += slack[:, mates]
        cost[placed[:, mates]] = np.inf
        return np.asarray(mates[cost.argmin(1)])


def _different(partials: Partials, tolerance: float) -> BoolArray:
    """False for crystals that repeat the one before: equal cost of the same atoms. They come by cost.

    Images of one crystal under a symmetry of the lattice go the same way. Where the cost is as good as
    nothing it tells nothing.
    """
    cost = partials.cost
    same = np.zeros(len(cost), dtype=bool)
    close = np.diff(cost) < SAME_COST * cost[1:]
    same[1:] = close & (cost[1:] > tolerance**2) & np.all(partials.placed[1:] == partials.placed[:-1], axis=1)
    return ~same
