"""Statistics of lattice targets over classes of related structure types."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphacrystal.learn.structure_types import StructureType
from alphacrystal.typing import Float32Array, FloatArray, IntArray

LEVELS = 4  # classes of related types, the narrowest first
LEVEL_FEATURES = 13  # log count, mean and spread of the six targets
PRIOR_COUNT = 0.2  # weight of the next wider class, in crystals
MAX_PER_TYPE = 3.0  # crystals of one type in the sums of its classes, so that no type dominates a class
# Largest deviation of a target from the median of all crystals. Slabs with vacuum and wrong entries exceed
# it.
MAX_DEVIATION = np.array([0.9, 4.0, 4.0, 1.0, 1.0, 1.0])


def related_classes(structure_type: StructureType) -> tuple[tuple[object, ...], ...]:
    """Keys of the classes of a structure type, the narrowest first.

    The classes are: equal sets of sites per element, in any order of the elements; equal sites in total;
    equal counts in the same space group; the same space group.
    """
    group = structure_type.space_group
    return (
        (0, group, tuple(sorted(structure_type.letters))),
        (1, group, "".join(sorted("".join(structure_type.letters)))),
        (2, group, tuple(sorted(structure_type.counts()))),
        (3, group),
    )


class ClassStatistics:
    """Means and spreads of lattice targets over classes of related types.

    Args:
        types: Structure types of the training crystals.
        counts: Crystals of each type, shape (types,).
        means, spreads: Mean and standard deviation of their targets, shape (types, 6).
    """

    def __init__(
        self, types: Sequence[StructureType], counts: FloatArray, means: FloatArray, spreads: FloatArray
    ) -> None:
        weights = np.minimum(counts, MAX_PER_TYPE)[:, None]
        sums = np.concatenate([weights, weights * means, weights * (means**2 + spreads**2)], 1)
        self._rows = {structure_type: row for row, structure_type in enumerate(types)}
        self._type_sums = np.concatenate([sums, np.zeros((1, sums.shape[1]))])  # last row: unseen types
        self._members: dict[int, list[int]] = {}  # rows of the types of each space group
        self._types = list(types)
        for row, structure_type in enumerate(types):
            self._members.setdefault(structure_type.space_group, []).append(row)
        self._classes: dict[int, tuple[dict[tuple[object, ...], int], FloatArray]] = {}
        total = sums.sum(0)
        self._mean = total[1:7] / max(total[0], 1.0)

    def _class_sums(self, structure_type: StructureType) -> FloatArray:
        """Sums over the types of each class of a type, shape (LEVELS, 13)."""
        group = structure_type.space_group
        if group not in self._classes:  # computed at the first question for the space group
            classes: dict[tuple[object, ...], int] = {}
            rows = self._members.get(group, [])
            members = [
                [classes.setdefault(key, len(classes)) for key in related_classes(self._types[row])]
                for row in rows
            ]
            sums = np.zeros((len(classes) + 1, self._type_sums.shape[1]))  # last row: classes without types
            index = np.array(members, dtype=np.int64).reshape(-1, LEVELS)
            np.add.at(sums, index, self._type_sums[rows][:, None])
            self._classes[group] = classes, sums
        classes, sums = self._classes[group]
        return sums[[classes.get(key, -1) for key in related_classes(structure_type)]]

    def of(self, structure_types: Sequence[StructureType]) -> tuple[Float32Array, Float32Array]:
        """Statistics of the related types of each structure type, excluding the type itself.

        Returns:
            Expected targets, shape (types, 6): class means, each shrunk towards the next wider class. Then
            for each class the log of its size (a type counts for at most MAX_PER_TYPE), its mean minus the
            expected targets, and its spread, shape (types, LEVELS * LEVEL_FEATURES); 0 for classes without
            other types.
        """
        distinct: dict[StructureType, int] = {}
        index = [distinct.setdefault(structure_type, len(distinct)) for structure_type in structure_types]
        type_sums = self._type_sums[[self._rows.get(structure_type, -1) for structure_type in distinct]]
        classes = np.array([self._class_sums(structure_type) for structure_type in distinct])
        classes = classes.reshape(-1, LEVELS, type_sums.shape[1])
        features = np.zeros((len(distinct), LEVELS, LEVEL_FEATURES), dtype=np.float32)
        expected = np.tile(self._mean, (len(distinct), 1))
        for level in reversed(range(LEVELS)):
            others = classes[:, level] - type_sums
            present = others[:, 0] >= 0.5
            count, sums, squares = np.split(others[present], [1, 7], axis=1)
            mean = sums / count
            expected[present] = (count * mean + PRIOR_COUNT * expected[present]) / (count + PRIOR_COUNT)
            spread = np.sqrt(np.maximum(squares / count - mean**2, 0))
            features[present, level] = np.concatenate([np.log1p(count), mean, spread], 1)
        features[:, :, 1:7] -= np.where(features[:, :, :1] > 0, expected[:, None], 0)
        flat = features.reshape(len(distinct), LEVELS * LEVEL_FEATURES)
        return expected.astype(np.float32)[index], flat[index]


def type_moments(
    targets: FloatArray, rows: IntArray, types: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Count, mean and standard deviation of the targets of each type.

    Args:
        targets: Shape (n, 6).
        rows: Row of the type of each crystal, shape (n,).
        types: Number of types.
    """
    counts = np.bincount(rows, minlength=types).astype(np.float64)
    sums, squares = np.zeros((types, 6)), np.zeros((types, 6))
    np.add.at(sums, rows, targets)
    np.add.at(squares, rows, targets**2)
    share = np.maximum(counts, 1)[:, None]
    means = sums / share
    return counts, means, np.sqrt(np.maximum(squares / share - means**2, 0))


def clip_outliers(targets: FloatArray, median: FloatArray) -> FloatArray:
    """Targets (n, 6) clipped to MAX_DEVIATION from the median (6,)."""
    return np.clip(targets, median - MAX_DEVIATION, median + MAX_DEVIATION)


def atomic_log_volumes(fractions: FloatArray, log_volumes: FloatArray) -> FloatArray:
    """Log atomic volume of each element, fitted to the log volumes per atom of crystals, shape (104,).

    Iteratively reweighted least squares minimise the sum of absolute errors. A weak ridge towards 2.8 (16 Å³
    per atom) determines the volumes of rare elements.

    Args:
        fractions: Atomic fraction of each element, shape (n, 104).
        log_volumes: Log volume per atom (Å³), shape (n,).
    """
    volumes = np.full(fractions.shape[1], 2.8)
    ridge = 1e-2
    weights = np.ones(len(fractions))
    for _ in range(12):
        weighted = fractions * weights[:, None]
        matrix = weighted.T @ fractions + ridge * np.eye(fractions.shape[1])
        volumes = np.linalg.solve(matrix, weighted.T @ log_volumes + ridge * 2.8)
        weights = 1 / np.maximum(np.abs(log_volumes - fractions @ volumes), 0.02)
    return volumes
