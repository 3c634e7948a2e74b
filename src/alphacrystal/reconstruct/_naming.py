"""Which atom of the matrix is which atom of the crystal: exchanges of names that lower the cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from alphacrystal.reconstruct._partial import Partials, Target, matrices, refine
from alphacrystal.typing import BoolArray, FloatArray, IndexArray, IntArray

LEAST_GAIN = 0.02  # of the cost; a smaller one is not worth a fit
ROUNDS = 4  # of exchanges, each of the best pair of every crystal


def renamed(partials: Partials, target: Target, classes: IntArray, steps: int, *, strain: bool) -> Partials:
    """Crystals in which no exchange of two names within a class (one may be open) lowers the cost by much.

    The atoms of an orbit are named when it is placed, from the atoms placed before; later atoms give more
    information.
    """
    alike = (classes[:, None] == classes[None]) & ~np.eye(len(classes), dtype=bool)
    if not alike.any():
        return partials
    going = np.arange(len(partials))
    changed = np.zeros(len(partials), dtype=bool)
    for _ in range(ROUNDS):
        part = partials.select(going)
        gain = -_changes(part, target, alike)
        flat = gain.reshape(len(part), -1).argmax(1)
        first, second = np.divmod(flat, len(classes))
        rows = np.arange(len(part))
        worth = gain[rows, first, second] > LEAST_GAIN * part.cost + 1e-6
        going, first, second = going[worth], first[worth], second[worth]
        if not len(going):
            break
        changed[going] = True
        partials = _exchanged(partials, going, first, second)
    again = np.flatnonzero(changed)
    if not len(again):
        return partials
    better = refine(partials.select(again), target, steps, strain=strain)
    kept = np.flatnonzero(~changed)
    return Partials.join([partials.select(kept), better]) if len(kept) else better


def _changes(partials: Partials, target: Target, alike: BoolArray) -> FloatArray:
    """Change of the cost when two atoms exchange names, shape (batch, atoms, atoms); 0 where they may not."""
    weights = target.weights * ~np.eye(len(alike), dtype=bool)
    known = target.distances
    placed = partials.placed.astype(float)
    own = matrices(partials, target) * placed[:, None] * placed[:, :, None]
    # as if atom p had the row of q: the sum over placed k of weight[q, k] * (own[p, k] - known[q, k])²
    borrowed = (
        np.square(own) @ weights
        - 2 * own @ (weights * known)
        + (placed @ (weights * np.square(known)))[:, None]
    )
    both = placed[:, None] * placed[:, :, None]
    index = np.arange(len(alike))
    kept = borrowed[:, index, index]
    swap = borrowed - both * weights * np.square(known)
    mutual = both * weights * np.square(own - known)
    change = (
        swap * placed[:, :, None]
        + swap.transpose(0, 2, 1) * placed[:, None]
        - (kept[:, :, None] - mutual) * placed[:, :, None]
        - (kept[:, None] - mutual) * placed[:, None]
    )
    # an open atom must not count itself among the placed ones
    one = placed[:, :, None] * (1 - placed[:, None])
    lent = weights * np.square(known)
    change += -one * lent - one.transpose(0, 2, 1) * lent
    return np.where(alike & (placed[:, :, None] + placed[:, None] > 0), change, 0.0)


def _exchanged(partials: Partials, rows: IndexArray, first: IndexArray, second: IndexArray) -> Partials:
    """Two names exchanged in some crystals."""
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
