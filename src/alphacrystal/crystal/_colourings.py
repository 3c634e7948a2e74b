"""Order two species on the sites of one: colourings of a crystal by subgroups of its space group.

A colouring whose symmetry is a subgroup of the space group splits an orbit into orbits of that subgroup. The
subgroup may keep the lattice (translationengleiche) or have a sublattice of it (klassengleiche, or both).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from alphacrystal.crystal._supercells import site_permutations, supercell_points, supercells
from alphacrystal.crystal._wyckoff import space_group
from alphacrystal.typing import BoolArray, FloatArray, IntArray

MAX_SITES = 48  # sites of the supercell that two species share
MAX_ORBITS = 8  # orbits of a subgroup whose unions are colourings
MAX_COLOURINGS = 400  # compared for equivalence, the most symmetric first


@dataclass(frozen=True, slots=True, eq=False)
class Colouring:
    """Two species on the sites of one, in a supercell.

    Attributes:
        index: Index of the symmetry of the colouring in the space group of the crystal.
        supercell: Rows are its vectors in units of the primitive cell, shape (3, 3).
        translations: Lattice points of the primitive cell in the supercell, shape (cells, 3).
        first: True for sites of the first species, shape (cells, sites).
    """

    index: int
    supercell: IntArray
    translations: IntArray
    first: BoolArray


def colourings(number: int, sites: FloatArray, first: int, cells: int, max_index: int) -> list[Colouring]:
    """Symmetry-inequivalent colourings of sites that no smaller cell has, the most symmetric first.

    Colourings are unions of orbits of subgroups with two generators, which reach all subgroups of low index.
    Colourings that keep the space group are left out.

    Args:
        number: Space group.
        sites: Sites that two species share in one primitive cell, whole orbits, fractional coordinates in
            the primitive basis, shape (sites, 3).
        first: Sites of the first species in the supercell.
        cells: Primitive cells in the supercell.
        max_index: Largest index of the symmetry of a colouring.
    """
    if not 0 < first < cells * len(sites) <= MAX_SITES:
        return []
    rotations, _ = _operations(number)
    images, shifts = _site_images(number, sites)
    found: list[Colouring] = []
    for supercell in _sublattices(number, cells):
        permutations, pure = site_permutations(supercell, rotations, images, shifts)
        points = supercell_points(supercell)
        for index, colours in _colour_sets(permutations, pure, first):
            total = len(rotations) * cells // index
            if 1 < total <= max_index:
                found.append(Colouring(total, supercell, points, colours.reshape(cells, -1)))
    return sorted(found, key=lambda colouring: colouring.index)


@cache
def _operations(number: int) -> tuple[IntArray, FloatArray]:
    """Rotations (operations, 3, 3) and translations (operations, 3) of the primitive cell."""
    group = space_group(number)
    inverse = np.linalg.inv(group.to_primitive)
    rotations = np.rint(group.to_primitive @ group.rotations @ inverse).astype(np.int64)
    rotations, kept = np.unique(rotations, axis=0, return_index=True)
    return rotations, group.translations[kept] @ group.to_primitive.T


def _site_images(number: int, sites: FloatArray) -> tuple[IntArray, IntArray]:
    """Image of each site under each operation, (operations, sites), and its cell, (operations, sites, 3)."""
    rotations, translations = _operations(number)
    moved = np.einsum("oij,sj->osi", rotations, sites) + translations[:, None]
    difference = moved[:, :, None] - sites
    residual = np.abs(difference - np.rint(difference)).max(-1)
    images = residual.argmin(-1)
    return images, np.rint(moved - sites[images]).astype(np.int64)


@lru_cache(1000)
def _sublattices(number: int, cells: int) -> tuple[IntArray, ...]:
    """Sublattices of an index, one of each set that the point group exchanges, in Hermite normal form."""
    return tuple(supercell.vectors for supercell in supercells(_operations(number)[0], cells))


def _colour_sets(permutations: IntArray, pure: IntArray, first: int) -> list[tuple[int, BoolArray]]:
    """Inequivalent sets of ``first`` sites, each with the number of operations that keep it."""
    effective, _ = _distinct(permutations)
    kernel = len(permutations) // len(effective)
    sets = _unions(effective, first)
    if not len(sets):
        return []
    weights = 1 << np.arange(effective.shape[1], dtype=np.int64)
    values = sets @ weights
    images = sets @ weights[effective].T  # (sets, operations)
    translated = (sets @ weights[pure].T == values[:, None]).any(1)
    kept = (images == values[:, None]).sum(1) * kernel
    _, distinct = np.unique(images.min(1), return_index=True)
    return [(int(kept[i]), sets[i].astype(bool)) for i in np.sort(distinct).tolist() if not translated[i]]


def _unions(permutations: IntArray, first: int) -> IntArray:
    """Unions of orbits of subgroups with two generators that hold ``first`` sites, shape (sets, sites)."""
    size = permutations.shape[1]
    cyclic, generators = _distinct(_orbits(permutations[None]))
    left, right = map(np.ravel, np.meshgrid(_inequivalent(cyclic, permutations), np.arange(len(cyclic))))
    pairs, _ = _distinct(_orbits(permutations[generators][np.stack([left, right])]))
    partitions, _ = _distinct(np.concatenate([cyclic, pairs]))
    counts = (partitions == np.arange(size)).sum(1)
    found: dict[bytes, IntArray] = {}
    for place in np.argsort(counts, kind="stable").tolist():
        if not 1 < counts[place] <= MAX_ORBITS:
            continue
        _, orbit, sizes = np.unique(partitions[place], return_inverse=True, return_counts=True)
        choices = _choices(len(sizes))
        for choice in choices[choices @ sizes == first]:
            chosen = choice[orbit]
            found.setdefault(chosen.tobytes(), chosen)
        if len(found) >= MAX_COLOURINGS:
            break
    return np.array(list(found.values()), dtype=np.int64).reshape(-1, size)


def _distinct(rows: IntArray) -> tuple[IntArray, IntArray]:
    """Distinct rows and where each occurs first; sums with random weights identify a row."""
    weights = np.random.default_rng(0).integers(2**40, size=rows.shape[1])
    _, first = np.unique(rows @ weights, return_index=True)
    first = np.sort(first)
    return rows[first], first


def _inequivalent(partitions: IntArray, permutations: IntArray) -> IntArray:
    """Indices of partitions that no permutation of a group maps to one another, the first of each set."""
    weights = np.random.default_rng(0).integers(2**40, size=partitions.shape[1])
    places = {value: place for place, value in enumerate((partitions @ weights).tolist())}
    chosen, seen = [], np.zeros(len(partitions), dtype=bool)
    for place, labels in enumerate(partitions):
        if seen[place]:
            continue
        chosen.append(place)
        images = np.empty_like(permutations)
        for label in np.unique(labels):
            members = permutations[:, labels == label]
            np.put_along_axis(images, members, members.min(1, keepdims=True), 1)
        seen[[places[value] for value in (images @ weights).tolist()]] = True
    return np.array(chosen)


@cache
def _choices(count: int) -> IntArray:
    """All rows of zeros and ones, shape (2^count, count)."""
    return np.array(list(np.ndindex(*[2] * count)), dtype=np.int64)


def _orbits(generators: IntArray) -> IntArray:
    """Smallest site of the orbit of each site under groups of permutations.

    Args:
        generators: Shape (generators, groups, sites).

    Returns:
        Shape (groups, sites).
    """
    powers = []
    for power in generators:
        for _ in range(4):  # operations modulo a supercell have orders up to 16 on its sites
            powers.append(power)
            power = np.take_along_axis(power, power, 1)
    labels = np.tile(np.arange(generators.shape[2]), (generators.shape[1], 1))
    while True:
        before = labels
        for power in powers:
            labels = np.minimum(labels, np.take_along_axis(labels, power, 1))
        if np.array_equal(labels, before):
            return labels
