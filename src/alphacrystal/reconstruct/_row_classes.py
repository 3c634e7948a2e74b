"""Atoms of an exact distance matrix that can share an orbit: their rows hold the same distances."""

from __future__ import annotations

import numpy as np

from alphacrystal.typing import FloatArray, IntArray


def same_rows(distances: FloatArray, numbers: IntArray, tolerance: float) -> IntArray:
    """Classes of atoms whose rows of the matrix are alike up to order: only they can share an orbit.

    Rows are compared class by class, and again with the finer classes until nothing changes.
    """
    classes = np.unique(numbers, return_inverse=True)[1].reshape(-1).astype(np.int64)
    while True:
        columns = [np.flatnonzero(classes == own) for own in range(classes.max() + 1)]
        rows = np.concatenate([np.sort(distances[:, own], axis=1) for own in columns], axis=1)
        apart = np.abs(rows[:, None] - rows[None]).max(-1) > tolerance
        apart |= classes[:, None] != classes[None]
        finer = np.full(len(numbers), -1)
        for atom in range(len(numbers)):
            if finer[atom] < 0:
                group = ~apart[atom] & (finer < 0)
                while (wider := (~apart[group]).any(0) & (finer < 0)).sum() > group.sum():
                    group = wider
                finer[group] = finer.max() + 1
        if finer.max() == classes.max():
            return classes
        classes = finer
