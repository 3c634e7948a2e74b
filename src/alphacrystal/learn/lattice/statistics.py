"""What crystals of the same and of related structure types say about a cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphacrystal.learn.structure_types import StructureType
from alphacrystal.typing import Float32Array, FloatArray, IntArray

LEVELS = 4  # classes of related types, the narrowest first
LEVEL_FEATURES = 13  # log count, mean and spread of the six targets
WIDER = 0.2  # crystals of a class that weigh as much as the next wider class
MOST_PER_TYPE = 3.0  # crystals that a type counts for in its classes, so that no type owns them
# Targets further than this from the middle of all crystals are held there: slabs with vacuum, broken entries.
CLIP = np.array([0.9, 4.0, 4.0, 1.0, 1.0, 1.0])


def related_classes(kind: StructureType) -> tuple[tuple[object, ...], ...]:
    """Keys of the classes a structure type belongs to, the narrowest first.

    The same sites whatever element takes which set; the same sites whatever element takes which; the same
    counts in the same space group; the same space group.
    """
    group = kind.space_group
    return (
        (0, group, tuple(sorted(kind.letters))),
        (1, group, "".join(sorted("".join(kind.letters)))),
        (2, group, tuple(sorted(kind.counts()))),
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
        weights = np.minimum(counts, MOST_PER_TYPE)[:, None]
        own = np.concatenate([weights, weights * means, weights * (means**2 + spreads**2)], 1)
        self._rows = {kind: row for row, kind in enumerate(types)}
        self._own = np.concatenate([own, np.zeros((1, own.shape[1]))])  # the last row: a type never seen
        self._classes: dict[tuple[object, ...], int] = {}
        members = [
            [self._classes.setdefault(key, len(self._classes)) for key in related_classes(kind)]
            for kind in types
        ]
        self._sums = np.zeros((len(self._classes) + 1, own.shape[1]))  # the last row: a class without types
        np.add.at(self._sums, np.array(members, dtype=np.int64).reshape(-1, LEVELS), own[:, None])
        total = own.sum(0)
        self._middle = total[1:7] / max(total[0], 1.0)

    def of(self, kinds: Sequence[StructureType]) -> tuple[Float32Array, Float32Array]:
        """What related types say of each structure type, without crystals of that very type.

        Returns:
            Expected targets, shape (kinds, 6): class means, each drawn to that of the next wider class; and
            for each class the log of its size (a type counts for at most MOST_PER_TYPE), its mean less the
            expected targets, and its spread, shape
            (kinds, LEVELS * LEVEL_FEATURES), 0 where there are no others.
        """
        places: dict[StructureType, int] = {}
        asked = [places.setdefault(kind, len(places)) for kind in kinds]
        own = self._own[[self._rows.get(kind, -1) for kind in places]]
        classes = [[self._classes.get(key, -1) for key in related_classes(kind)] for kind in places]
        rows = np.array(classes, dtype=np.int64).reshape(-1, LEVELS)
        features = np.zeros((len(places), LEVELS, LEVEL_FEATURES), dtype=np.float32)
        middle = np.tile(self._middle, (len(places), 1))
        for level in reversed(range(LEVELS)):
            others = self._sums[rows[:, level]] - own
            some = others[:, 0] >= 0.5
            count, sums, squares = np.split(others[some], [1, 7], axis=1)
            mean = sums / count
            middle[some] = (count * mean + WIDER * middle[some]) / (count + WIDER)
            spread = np.sqrt(np.maximum(squares / count - mean**2, 0))
            features[some, level] = np.concatenate([np.log1p(count), mean, spread], 1)
        features[:, :, 1:7] -= np.where(features[:, :, :1] > 0, middle[:, None], 0)
        flat = features.reshape(len(places), LEVELS * LEVEL_FEATURES)
        return middle.astype(np.float32)[asked], flat[asked]


def type_moments(
    targets: FloatArray, rows: IntArray, types: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Count, mean and standard deviation of targets (n, 6) of each type; ``rows`` (n,) are rows of types."""
    counts = np.bincount(rows, minlength=types).astype(np.float64)
    sums, squares = np.zeros((types, 6)), np.zeros((types, 6))
    np.add.at(sums, rows, targets)
    np.add.at(squares, rows, targets**2)
    share = np.maximum(counts, 1)[:, None]
    means = sums / share
    return counts, means, np.sqrt(np.maximum(squares / share - means**2, 0))


def held_in_range(targets: FloatArray, middle: FloatArray) -> FloatArray:
    """Targets (n, 6) with outliers moved to the edge of what is usual around the middle (6,)."""
    return np.clip(targets, middle - CLIP, middle + CLIP)


def atomic_log_volumes(fractions: FloatArray, log_volumes: FloatArray) -> FloatArray:
    """Log volume of each element, shape (104,), whose mean over the atoms is nearest to log Å³ per atom.

    The sum of absolute errors is lowest, by iteratively reweighted least squares; a weak pull to 2.8
    (16 Å³ per atom) settles elements that hardly occur.

    Args:
        fractions: Atomic fraction of each element, shape (n, 104).
        log_volumes: Shape (n,).
    """
    volumes = np.full(fractions.shape[1], 2.8)
    pull = 1e-2
    weights = np.ones(len(fractions))
    for _ in range(12):
        weighted = fractions * weights[:, None]
        left = weighted.T @ fractions + pull * np.eye(fractions.shape[1])
        volumes = np.linalg.solve(left, weighted.T @ log_volumes + pull * 2.8)
        weights = 1 / np.maximum(np.abs(log_volumes - fractions @ volumes), 0.02)
    return volumes
