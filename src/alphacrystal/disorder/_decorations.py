"""Decorations of the units of a supercell: all of them, a random sample, and the inequivalent ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, prod

import numpy as np

from alphacrystal.typing import BoolArray, IntArray

#: Pairs of units that exclude states: the later unit, the earlier one, conflicts (states, states).
Conflicts = Sequence[tuple[int, int, BoolArray]]


@dataclass(frozen=True, slots=True, eq=False)
class UnitCounts:
    """The units of a supercell and the numbers of units in each class of states.

    Attributes:
        orbit: Orbit of each unit, shape (units,).
        counts: Units in each class, one array of shape (classes,) for each orbit.
        classes: Class of each state, one array of shape (states,) for each orbit.
    """

    orbit: IntArray
    counts: tuple[IntArray, ...]
    classes: tuple[IntArray, ...]

    @property
    def arrangements(self) -> int:
        """Decorations with these counts, if no units exclude each other."""
        return prod(
            _multinomial(counts.tolist())
            * prod(m**n for m, n in zip(np.bincount(classes).tolist(), counts.tolist(), strict=True))
            for counts, classes in zip(self.counts, self.classes, strict=True)
        )


def _multinomial(counts: Sequence[int]) -> int:
    total, ways = 0, 1
    for count in counts:
        total += count
        ways *= comb(total, count)
    return ways


def all_decorations(units: UnitCounts, conflicts: Conflicts, limit: int) -> IntArray | None:
    """All decorations, shape (decorations, units) of states; None where there are more than ``limit``."""
    return _grown(units, conflicts, limit, None)


def random_decorations(
    units: UnitCounts, conflicts: Conflicts, count: int, rng: np.random.Generator
) -> IntArray:
    """Random decorations, shape (up to ``count``, units); those that exclusions make impossible are dropped.

    Without exclusions each decoration has the same probability.
    """
    found = _grown(units, conflicts, count, rng)
    assert found is not None
    return found


def _grown(
    units: UnitCounts, conflicts: Conflicts, limit: int, rng: np.random.Generator | None
) -> IntArray | None:
    """Decorations built unit by unit: all choices, or one random choice for each of ``limit`` rows."""
    before: dict[int, list[tuple[int, BoolArray]]] = {}
    alone: dict[int, list[int]] = {}
    for unit, other, conflict in conflicts:
        if unit == other:  # an image of the unit itself
            alone.setdefault(unit, []).extend(np.flatnonzero(np.diag(conflict)).tolist())
        else:
            before.setdefault(unit, []).append((other, conflict))
    widest = max(map(len, units.counts))
    # Small numbers: a decoration has few states, and a supercell at most `MAX_SUPERCELL_SITES` sites.
    rows = np.zeros((1 if rng is None else limit, len(units.orbit)), dtype=np.int16)
    left = np.zeros((len(rows), len(units.counts), widest), dtype=np.int16)
    for orbit, counts in enumerate(units.counts):
        left[:, orbit, : len(counts)] = counts
    for unit, orbit in enumerate(units.orbit.tolist()):
        classes = units.classes[orbit]
        allowed = left[:, orbit, classes] > 0
        allowed[:, alone.get(unit, [])] = False
        for other, conflict in before.get(unit, ()):
            allowed &= ~conflict.T[rows[:, other]]
        if rng is None:
            parents, chosen = np.nonzero(allowed)
        else:
            shares = left[:, orbit, classes] / np.bincount(classes)[classes]
            weights = np.cumsum(allowed * shares, axis=1)
            parents = np.flatnonzero(weights[:, -1] > 0)
            draws = rng.random(len(parents)) * weights[parents, -1]
            chosen = (draws[:, None] >= weights[parents]).sum(1)
        if rng is None and len(parents) > limit:
            return None
        rows, left = rows[parents], left[parents]
        rows[:, unit] = chosen
        left[np.arange(len(rows)), orbit, classes[chosen]] -= 1
    return rows.astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Distinct:
    """Inequivalent decorations that no smaller cell has.

    Attributes:
        rows: States, shape (decorations, sites).
        sizes: Equivalent decorations of each, itself included, shape (decorations,).
    """

    rows: IntArray
    sizes: IntArray


def distinct_decorations(rows: IntArray, permutations: IntArray, pure: IntArray) -> Distinct:
    """One of each set of decorations that a group of permutations exchanges, without superperiodic ones.

    A decoration that a translation keeps has a smaller cell and is left out.

    Args:
        rows: States, shape (decorations, sites).
        permutations: Of the group, shape (operations, sites).
        pure: Translations other than the identity, shape (translations, sites).
    """
    states = int(rows.max(initial=0)) + 1
    sites = np.arange(permutations.shape[1])
    # Sums of random weights identify a decoration; two of 1e6 collide with a probability below 1e-6.
    weights = np.random.default_rng(0).integers(2**62, size=(len(sites), states))
    keys = weights[sites, rows].sum(1)
    keys, first = np.unique(keys, return_index=True)
    rows = rows[first]
    group = np.unique(permutations, axis=0)
    seen = np.zeros(len(rows), dtype=bool)
    chosen, sizes = [], []
    for place in range(len(rows)):
        if seen[place]:
            continue
        images = np.unique(weights[sites, rows[place][group]].sum(1))
        found = np.minimum(np.searchsorted(keys, images), len(keys) - 1)
        seen[found[keys[found] == images]] = True
        if len(pure) and (weights[sites, rows[place][pure]].sum(1) == keys[place]).any():
            continue
        chosen.append(place)
        sizes.append(len(images))
    return Distinct(rows[np.array(chosen, dtype=np.int64)], np.array(sizes, dtype=np.int64))
