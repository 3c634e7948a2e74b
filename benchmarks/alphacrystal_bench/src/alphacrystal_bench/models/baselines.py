"""Predictions of the random forests on our split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alphacrystal.crystal import space_group
from alphacrystal.data import PreparedStructures
from alphacrystal.typing import FloatArray, IntArray, StageProgress
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
class ForestPredictions:
    """Predictions of the forests for some structures.

    Attributes:
        lengths: Conventional a, b, c in Å by the forests of MLatticeABC, shape (n, 3).
        lengths_given_symmetry: The same, given space group, Wyckoff letters and functional, shape (n, 3).
        groups: Probability of each space group from the reduced formula, shape (n, 231).
        groups_given_cell: The same from the content of the conventional cell, as SG_predict, shape (n, 231).
        groups_given_system: The same, also given the crystal system, shape (n, 231).
    """

    lengths: FloatArray
    lengths_given_symmetry: FloatArray
    groups: FloatArray
    groups_given_cell: FloatArray
    groups_given_system: FloatArray


def crystal_systems(data: PreparedStructures) -> NDArray[np.str_]:
    """Crystal system of every structure, shape (n,)."""
    return np.array([space_group(int(number)).crystal_system for number in data.space_groups])


def forest_predictions(
    data: PreparedStructures,
    train: IntArray,
    rows: IntArray,
    *,
    trees: int = TREES,
    seed: int = 0,
    cache: Path | None = None,
    on_progress: StageProgress | None = None,
) -> ForestPredictions:
    """Fit the forests on ``train`` and predict ``rows``.

    Args:
        data: Prepared structures.
        train, rows: Training structures and structures to predict.
        trees: Trees per forest.
        seed: Random seed.
        cache: Folder of cached predictions.
        on_progress: Called with the trees fitted and their total.

    Raises:
        InputError: scikit-learn is not installed.
    """
    numbers, counts = cell_contents(data)
    composition = composition_features(numbers, counts)
    centring = np.array([len(space_group(int(number)).centring) for number in data.space_groups])
    conventional = counts * centring[:, None]
    reduced = counts // np.gcd.reduce(counts, axis=1)[:, None]
    columns = [column for column, name in enumerate(feature_names()) if "SpaceGroupNumber" not in name]
    for_lengths = np.concatenate([composition[:, columns], lattice_counts(conventional)], axis=1)
    for_lengths_given_symmetry = np.concatenate([for_lengths, symmetry_features(data)], axis=1)
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
    return ForestPredictions(
        lengths=length_forests(for_lengths, lengths, systems, train, rows, runs),
        groups=group_forest(for_groups, groups, train, rows, runs),
        groups_given_cell=group_forest(for_cells, groups, train, rows, runs),
        groups_given_system=group_forests_by_system(for_cells, groups, systems, train, rows, runs),
        lengths_given_symmetry=length_forests(
            for_lengths_given_symmetry, lengths, systems, train, rows, runs
        ),
    )
