"""Symmetry-distinct atom pairs: one atom of an orbit against the atoms of another orbit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from alphacrystal.typing import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class OrbitPairs:
    """Symmetry-distinct atom pairs of a cell.

    For two orbits of m and n >= m atoms, the distances between one atom of the larger orbit and the m atoms
    of the smaller one are all distances between the two orbits, each n times. Within one orbit of m atoms,
    the m - 1 distances of its first atom occur m / 2 times each.

    Attributes:
        sizes: Atoms in each orbit, shape (orbits,).
        firsts, seconds: Atoms of each pair, shape (pairs,).
        blocks: Pair of orbits i <= j, numbered row by row as in ``np.triu_indices(orbits)``, shape (pairs,).
        ranks: Number of the pair within its block, shape (pairs,).
        lengths: Pairs in the block of each pair, shape (pairs,).
        multiplicities: Atom pairs of the cell that each pair represents, shape (pairs,).
    """

    sizes: IntArray
    firsts: IntArray
    seconds: IntArray
    blocks: IntArray
    ranks: IntArray
    lengths: IntArray
    multiplicities: FloatArray

    def __len__(self) -> int:
        return len(self.blocks)

    @property
    def orbits(self) -> tuple[IntArray, IntArray]:
        """The two orbits of each pair, shape (pairs,) each."""
        rows, columns = np.triu_indices(len(self.sizes))
        return rows[self.blocks], columns[self.blocks]

    def classes(self, orbit_classes: IntArray) -> IntArray:
        """Class of each pair: of orbits of the same two classes, or within one orbit of a class.

        Args:
            orbit_classes: Class of each orbit, shape (orbits,). Orbits of one class have equal sizes.
        """
        rows, columns = self.orbits
        low, high = np.sort(np.stack([orbit_classes[rows], orbit_classes[columns]]), axis=0)
        size = int(orbit_classes.max(initial=0)) + 1
        return np.asarray((low * size + high) * 2 + (rows == columns), dtype=np.int64)

    def sort(self, distances: FloatArray) -> FloatArray:
        """Distances of the pairs, sorted within each block, shape (..., pairs)."""
        order = np.lexsort((distances, np.broadcast_to(self.blocks, distances.shape)), axis=-1)
        return np.asarray(np.take_along_axis(distances, order, axis=-1))


def orbit_pairs(orbits: IntArray) -> OrbitPairs:
    """Symmetry-distinct pairs of a cell.

    Args:
        orbits: Orbit of each atom, numbered in ascending order from 0, shape (atoms,).
    """
    return _orbit_pairs(tuple(np.bincount(orbits).tolist()))


@lru_cache(20_000)
def _orbit_pairs(sizes: tuple[int, ...]) -> OrbitPairs:
    size = np.array(sizes, dtype=np.int64)
    starts = np.cumsum(size) - size
    rows, columns = np.triu_indices(len(sizes))
    same = rows == columns
    lengths = np.where(same, size[rows] - 1, np.minimum(size[rows], size[columns]))
    blocks = np.repeat(np.arange(len(rows)), lengths)
    ranks = np.arange(len(blocks)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    larger = np.where(size[rows] >= size[columns], rows, columns)
    smaller = rows + columns - larger
    multiplicities = np.where(same, size[rows] / 2, size[larger].astype(np.float64))
    return OrbitPairs(
        sizes=size,
        firsts=starts[larger][blocks],
        seconds=starts[smaller][blocks] + ranks + same[blocks],
        blocks=blocks,
        ranks=ranks,
        lengths=lengths[blocks],
        multiplicities=multiplicities[blocks],
    )
