"""Improve the assignment of matrix rows (labels) to the atoms of a crystal by exchanges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from alphacrystal.reconstruct._partial import PartialCrystals, Target, distance_matrices, refine
from alphacrystal.typing import BoolArray, FloatArray, IndexArray, IntArray

MIN_GAIN = 0.02  # relative decrease of the cost that justifies a fit
ROUNDS = 4  # in each, every crystal exchanges its best pair of labels


def exchange_labels(
    partials: PartialCrystals, target: Target, classes: IntArray, steps: int, *, strain: bool
) -> PartialCrystals:
    """Exchange labels within classes until none lowers the cost by MIN_GAIN; one label may be unplaced.

    An orbit gets its labels when it is placed, from the atoms placed before; later atoms give more
    information.
    """
    interchangeable = (classes[:, None] == classes[None]) & ~np.eye(len(classes), dtype=bool)
    if not interchangeable.any():
        return partials
    active = np.arange(len(partials))
    changed = np.zeros(len(partials), dtype=bool)
    for _ in range(ROUNDS):
        part = partials.select(active)
        gain = -_cost_changes(part, target, interchangeable)
        flat = gain.reshape(len(part), -1).argmax(1)
        first, second = np.divmod(flat, len(classes))
        rows = np.arange(len(part))
        worth = gain[rows, first, second] > MIN_GAIN * part.cost + 1e-6
        active, first, second = active[worth], first[worth], second[worth]
        if not len(active):
            break
        changed[active] = True
        partials = _exchanged(partials, active, first, second)
    exchanged = np.flatnonzero(changed)
    if not len(exchanged):
        return partials
    refined = refine(partials.select(exchanged), target, steps, strain=strain)
    unchanged = np.flatnonzero(~changed)
    return PartialCrystals.join([partials.select(unchanged), refined]) if len(unchanged) else refined


def _cost_changes(partials: PartialCrystals, target: Target, interchangeable: BoolArray) -> FloatArray:
    """Change of the cost if two atoms exchange labels, shape (batch, atoms, atoms); 0 between classes."""
    weights = target.weights * ~np.eye(len(interchangeable), dtype=bool)
    known = target.distances
    placed = partials.placed.astype(float)
    actual = distance_matrices(partials, target) * placed[:, None] * placed[:, :, None]
    # Cost of atom p with the label of q: sum over placed k of weight[q, k] * (actual[p, k] - known[q, k])².
    relabelled = (
        np.square(actual) @ weights
        - 2 * actual @ (weights * known)
        + (placed @ (weights * np.square(known)))[:, None]
    )
    both = placed[:, None] * placed[:, :, None]
    index = np.arange(len(interchangeable))
    current = relabelled[:, index, index]
    swap = relabelled - both * weights * np.square(known)
    mutual = both * weights * np.square(actual - known)
    change = (
        swap * placed[:, :, None]
        + swap.transpose(0, 2, 1) * placed[:, None]
        - (current[:, :, None] - mutual) * placed[:, :, None]
        - (current[:, None] - mutual) * placed[:, None]
    )
    # An unplaced atom must not count itself as placed.
    one = placed[:, :, None] * (1 - placed[:, None])
    excess = weights * np.square(known)
    change += -one * excess - one.transpose(0, 2, 1) * excess
    return np.where(interchangeable & (placed[:, :, None] + placed[:, None] > 0), change, 0.0)


def _exchanged(
    partials: PartialCrystals, rows: IndexArray, first: IndexArray, second: IndexArray
) -> PartialCrystals:
    """Exchange two labels in each of the given crystals."""
    order = np.tile(np.arange(partials.placed.shape[1]), (len(partials), 1))
    order[rows, first], order[rows, second] = second, first
    every = np.arange(len(partials))[:, None]
    return replace(
        partials,
        linear=partials.linear[every, order],
        constant=partials.constant[every, order],
        placed=partials.placed[every, order],
        letters=partials.letters[every, order],
        orbits=partials.orbits[every, order],
    )
