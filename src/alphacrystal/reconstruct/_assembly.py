"""Building a crystal orbit by orbit from a distance matrix whose rows belong to atoms: a beam search.

Each step takes the next atom of the matrix, tries it on every Wyckoff position that can still be filled,
searches the free coordinates (at most three) that give its distances to the placed atoms, labels the other
atoms of the orbit, and fits all placed atoms by least squares. Bad fits are dropped, so Wyckoff assignments
are screened by their first orbits and never enumerated.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from alphacrystal.crystal import PrimitiveOrbit, primitive_orbits
from alphacrystal.reconstruct._labelling import exchange_labels
from alphacrystal.reconstruct._partial import PartialCrystals, Target, measure, refine
from alphacrystal.reconstruct._placement import Effort, OrbitPlacement, TrialPositions
from alphacrystal.typing import BoolArray, FloatArray, IndexArray, IntArray

SAME_COST = 3e-4  # relative
COORDINATE_PENALTY = 2.0  # squared tolerances per free coordinate (Akaike information criterion)
MAX_SOLVED = 8  # solved crystals in the beam; some may be images of others
LABEL_SLACK = 0.15  # Å; largest random handicap of a label in alternative labellings
LETTER_PENALTY = 4.0  # per distinct letter with free coordinates: real crystals use few of them


class Assembly:
    """The search for one target, space group and partition of the atoms into interchangeable ones."""

    def __init__(
        self, target: Target, space_group: int, reduction: FloatArray, classes: IntArray, tolerance: float
    ) -> None:
        """Prepare the search.

        Args:
            target: Matrix and cell.
            space_group: Number.
            reduction: Fractional coordinates of the primitive cell to those of the reduced one, (3, 3).
            classes: Class of each atom, equal for atoms that may share an orbit, shape (atoms,).
            tolerance: Residual in Å that counts as zero.
        """
        self.target = target
        self.tolerance = tolerance
        self.orbits = [orbit.in_basis(reduction) for orbit in primitive_orbits(space_group)]
        self.classes = classes
        self.placement = OrbitPlacement(target, classes, tolerance)
        self.order = self._class_order()
        self.sizes = [int((classes == name).sum()) for name in self.order]
        self._fits: dict[tuple[int, int, int], bool] = {}

    @cached_property
    def fixed_bits(self) -> IntArray:
        """Bit of each position without free coordinates, which holds one orbit, else 0; (positions,)."""
        return np.array([0 if orbit.free else 1 << i for i, orbit in enumerate(self.orbits)], dtype=np.int64)

    @cached_property
    def _free_positions(self) -> IndexArray:
        """Positions with free coordinates, shape (positions,)."""
        return np.array([orbit.index for orbit in self.orbits if orbit.free], dtype=np.intp)

    def _class_order(self) -> list[int]:
        """Order of placement: fewest free coordinates first, then farthest from the placed atoms."""
        distances = self.target.distances
        names = np.unique(self.classes)
        freedom = {}
        for name in names:
            size = int((self.classes == name).sum())
            freedom[name] = (max((o.free for o in self.orbits if o.multiplicity <= size), default=0), size)
        order: list[int] = []
        reach = distances.max(1)
        while len(order) < len(names):
            left = [name for name in names if name not in order]

            keys = {name: (*freedom[name], -float(reach[self.classes == name].mean())) for name in left}
            order.append(int(min(left, key=keys.__getitem__)))
            placed = np.isin(self.classes, order)
            reach = distances[:, placed].max(1)
        return order

    def fits(self, class_index: int, left: int, used: int) -> bool:
        """Whether ``left`` atoms of the class at ``class_index`` and all later classes fit."""
        if left == 0:
            if class_index + 1 >= len(self.sizes):
                return True
            class_index, left = class_index + 1, self.sizes[class_index + 1]
        key = (class_index, left, used)
        if key not in self._fits:
            self._fits[key] = any(
                orbit.multiplicity <= left
                and not used & int(self.fixed_bits[orbit.index])
                and self.fits(
                    class_index, left - orbit.multiplicity, used | int(self.fixed_bits[orbit.index])
                )
                for orbit in self.orbits
            )
        return self._fits[key]

    def search(self, effort: Effort, random: np.random.Generator) -> PartialCrystals | None:
        """Complete crystals, best first; None where none could be completed."""
        atoms = len(self.classes)
        buckets: list[list[PartialCrystals]] = [[] for _ in range(atoms + 1)]
        buckets[0].append(PartialCrystals.empty(atoms))
        ends = np.cumsum(self.sizes)
        for count in range(atoms):
            if not buckets[count]:
                continue
            partials = self.best(PartialCrystals.join(buckets[count]), effort, random)
            buckets[count] = []
            if not len(partials):
                continue
            class_index = int(np.searchsorted(ends, count, side="right"))
            for orbit in self.orbits:
                left = int(ends[class_index]) - count
                # For the first orbit, letters that differ by the choice of origin are equivalent.
                if orbit.multiplicity <= left and (count or orbit.canonical):
                    grown = self.grow(partials, orbit, class_index, left, effort, random)
                    if grown is not None:
                        buckets[count + orbit.multiplicity].append(grown)
        if not buckets[atoms]:
            return None
        return self.best(PartialCrystals.join(buckets[atoms]), effort, random)

    def score(self, partials: PartialCrystals) -> FloatArray:
        """Cost with a penalty for every free coordinate, which can fit noise; shape (batch,)."""
        letters = (partials.letters[:, :, None] == self._free_positions).any(1).sum(1)
        penalty = COORDINATE_PENALTY * partials.free + LETTER_PENALTY * letters
        return np.asarray(partials.cost + self.tolerance**2 * penalty)

    def best(self, partials: PartialCrystals, effort: Effort, random: np.random.Generator) -> PartialCrystals:
        """The beam: the best by score after a fit of all coordinates; bad fits are dropped."""
        if len(partials) > 3 * effort.beam:
            partials = replace(partials, cost=measure(partials, self.target))
            chosen = self._ranked(self.score(partials), random)[: 3 * effort.beam]
            partials = partials.select(chosen)
        if partials.placed[0].any():
            strain = bool(len(self.target.strained)) and int(partials.placed[0].sum()) > 2
            partials = refine(partials, self.target, effort.steps, strain=strain)
            partials = exchange_labels(partials, self.target, self.classes, effort.steps, strain=strain)
        order = self._ranked(self.score(partials), random)
        order = order[_different(partials.select(order), self.tolerance)]
        placed = int(partials.placed[0].sum())
        pairs = placed * (placed - 1) / 2
        # With about as many coordinates as distances, the fit converges slowly and wrong crystals fit too.
        slack = np.where(pairs >= partials.free[order] + 12, 5, 20)
        plausible = partials.cost[order] < pairs * (slack * self.tolerance) ** 2 + 1e-6
        order = order[plausible]
        solved = partials.cost[order] < pairs * self.tolerance**2 + 1e-9
        # More distances than coordinates without residual: the crystal is correct.
        certain = solved & (pairs >= partials.free[order] + 12)
        if certain.any() and not len(self.target.strained):
            order = order[certain][:MAX_SOLVED]
        return partials.select(order[: effort.beam])

    def _ranked(self, score: FloatArray, random: np.random.Generator) -> IndexArray:
        """Order by score; scores within the tolerance are in random order, to keep the beam diverse."""
        floor = 0.25 * self.tolerance**2
        return np.asarray(np.argsort(np.maximum(score, floor) + floor * random.random(len(score))))

    def grow(
        self,
        partials: PartialCrystals,
        orbit: PrimitiveOrbit,
        class_index: int,
        left: int,
        effort: Effort,
        random: np.random.Generator,
    ) -> PartialCrystals | None:
        """Crystals with one more orbit on a given Wyckoff position; None if none has space for it."""
        bit = int(self.fixed_bits[orbit.index])
        masks = self._used(partials)
        fitting = np.array(
            [
                not mask & bit and self.fits(class_index, left - orbit.multiplicity, mask | bit)
                for mask in masks
            ]
        )
        if not fitting.any():
            return None
        partials = partials.select(np.flatnonzero(fitting))
        unplaced = (self.classes == self.order[class_index]) & ~partials.placed
        first = unplaced.argmax(1)  # (batch,)
        trials = self.placement.trials(partials, orbit, first, left, effort, random)
        cost = partials.cost[trials.parents] + trials.cost * orbit.multiplicity
        chosen = self._ranked(cost, random)[: 2 * effort.beam]
        copies = effort.labellings if orbit.multiplicity > 1 and left > 2 else 1
        # The first copy takes the best labels; the others also take labels that fit almost as well.
        slack = np.repeat([0.0] + [LABEL_SLACK**2] * (copies - 1), len(chosen))
        chosen = np.tile(chosen, copies)
        trials = replace(trials.select(chosen), cost=cost[chosen])
        handicaps = slack[:, None] * random.random((len(chosen), len(self.classes)))
        return self._added(
            partials.select(trials.parents), orbit, first[trials.parents], trials, class_index, handicaps
        )

    def _used(self, partials: PartialCrystals) -> list[int]:
        """Bits of the taken positions without free coordinates, for each crystal."""
        bits = np.where(partials.letters >= 0, self.fixed_bits[partials.letters], 0)
        return [int(x) for x in np.bitwise_or.reduce(bits, axis=1)]

    def _added(
        self,
        partials: PartialCrystals,
        orbit: PrimitiveOrbit,
        first: IndexArray,
        trials: TrialPositions,
        class_index: int,
        handicaps: FloatArray,
    ) -> PartialCrystals:
        """Crystals with the orbit at the trial positions; its other atoms get the labels with the best fit.

        ``handicaps`` in Å² are added to the misfit of each label, shape (batch, atoms).
        """
        rows = np.arange(len(partials))
        partials = partials.padded(int(partials.free.max(initial=0)) + orbit.free)
        linear, constant = partials.linear.copy(), partials.constant.copy()
        parameters = partials.parameters.copy()
        placed, letters = partials.placed.copy(), partials.letters.copy()
        orbits = partials.orbits.copy()
        number = orbits.max(1) + 1
        slots = partials.free[:, None] + np.arange(orbit.free)
        parameters[rows[:, None], slots] = trials.parameters
        points = np.einsum("maf,tf->tma", orbit.linear, trials.parameters) + orbit.constant
        positions = partials.positions
        mates = np.flatnonzero(self.classes == self.order[class_index])
        for turn in range(orbit.multiplicity):
            # the representative first, then the others in order
            member = (
                trials.representatives
                if turn == 0
                else np.where(turn <= trials.representatives, turn - 1, turn)
            )
            point = points[rows, member]
            atom = first if turn == 0 else self._label(point, positions, placed, mates, handicaps)
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

    def _label(
        self,
        point: FloatArray,
        positions: FloatArray,
        placed: BoolArray,
        mates: IndexArray,
        handicaps: FloatArray,
    ) -> IndexArray:
        """The unplaced label of the class whose matrix row fits a point best, shape (batch,)."""
        columns = np.flatnonzero(placed.any(0))
        lengths = self.target.periodic.lengths(point[:, None] - positions[:, columns])
        misfit = np.square(lengths[:, None] - self.target.distances[mates][:, columns])
        misfit *= self.target.weights[mates][:, columns]
        cost = np.einsum("bmc,bc->bm", misfit, placed[:, columns].astype(float))
        cost += handicaps[:, mates]
        cost[placed[:, mates]] = np.inf
        return np.asarray(mates[cost.argmin(1)])


def _different(partials: PartialCrystals, tolerance: float) -> BoolArray:
    """False for crystals with the cost and the atoms of the previous one; crystals are sorted by cost.

    This also removes images of one crystal under symmetries of the lattice. Costs within the tolerance are
    not compared.
    """
    cost = partials.cost
    same = np.zeros(len(cost), dtype=bool)
    close = np.diff(cost) < SAME_COST * cost[1:]
    same[1:] = close & (cost[1:] > tolerance**2) & np.all(partials.placed[1:] == partials.placed[:-1], axis=1)
    return ~same
