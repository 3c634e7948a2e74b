"""The rival forests on our split: what each is told, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alphacrystal.crystal import space_group
from alphacrystal.data import PreparedStructures
from alphacrystal.typing import FloatArray, IntArray
from alphacrystal_bench.models.forests import TREES, ForestRuns
from alphacrystal_bench.models.lattice_forest import PUBLISHED_R2, length_forests, symmetry_features
from alphacrystal_bench.models.magpie import (
    cell_contents,
    composition_features,
    feature_names,
    group_counts,
    lattice_counts,
)
from alphacrystal_bench.models.symmetry_forest import group_forest, group_forests_by_system


@dataclass(frozen=True, slots=True, eq=False)
class RivalPredictions:
    """What the forests say about the rows asked for.

    Attributes:
        lengths: Conventional a, b, c in Å by MLatticeABC's forests, shape (n, 3).
        lengths_told_symmetry: The same told space group, Wyckoff letters and functional too, shape (n, 3).
        groups: Probability of each space group from the reduced formula, shape (n, 231).
        groups_told_cell: The same from the content of the conventional cell, as SG_predict, shape (n, 231).
        groups_told_system: The same told the crystal system too, shape (n, 231).
    """

    lengths: FloatArray
    lengths_told_symmetry: FloatArray
    groups: FloatArray
    groups_told_cell: FloatArray
    groups_told_system: FloatArray


def crystal_systems(data: PreparedStructures) -> NDArray[np.str_]:
    """Crystal system of every structure, shape (n,)."""
    return np.array([space_group(int(number)).crystal_system for number in data.space_groups])


def rival_predictions(
    data: PreparedStructures,
    train: IntArray,
    rows: IntArray,
    *,
    trees: int = TREES,
    seed: int = 0,
    cache: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> RivalPredictions:
    """Fit the forests on ``train`` and predict ``rows``.

    Args:
        data: Prepared structures.
        train, rows: Which to learn from and which to predict.
        trees: In each forest.
        seed: Of their random numbers.
        cache: Folder where a forest that was fitted to the same data before is found again.
        on_progress: Called with the trees fitted and their total.

    Raises:
        InputError: scikit-learn is not installed.
    """
    numbers, counts = cell_contents(data)
    composition = composition_features(numbers, counts)
    centring = np.array([len(space_group(int(number)).centring) for number in data.space_groups])
    conventional = counts * centring[:, None]
    reduced = counts // np.gcd.reduce(counts, axis=1)[:, None]
    own = [place for place, name in enumerate(feature_names()) if "SpaceGroupNumber" not in name]
    for_lengths = np.concatenate([composition[:, own], lattice_counts(conventional)], axis=1)
    told = np.concatenate([for_lengths, symmetry_features(data)], axis=1)
    for_groups = np.concatenate([composition, group_counts(reduced)], axis=1)
    for_cells = np.concatenate([composition, group_counts(conventional)], axis=1)
    systems, groups, lengths = crystal_systems(data), data.space_groups, data.lattices[:, :3]
    known = [PUBLISHED_R2[system] for system in set(systems[rows]) & set(systems[train])]
    total = trees * (2 * sum(map(len, known)) + 2 + len(known))
    done = 0

    def on_trees(count: int) -> None:
        nonlocal done
        done += count
        if on_progress:
            on_progress(done, total)

    runs = ForestRuns(trees, seed, cache, on_trees)
    return RivalPredictions(
        lengths=length_forests(for_lengths, lengths, systems, train, rows, runs),
        groups=group_forest(for_groups, groups, train, rows, runs),
        groups_told_cell=group_forest(for_cells, groups, train, rows, runs),
        groups_told_system=group_forests_by_system(for_cells, groups, systems, train, rows, runs),
        lengths_told_symmetry=length_forests(told, lengths, systems, train, rows, runs),
    )
