"""Parts of prepared structures: random and formula-disjoint splits, chosen rows."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from alphacrystal.data.prepared import PreparedStructures
from alphacrystal.errors import InputError
from alphacrystal.typing import IntArray

PER_ATOM = ("numbers", "letters", "setting_letters", "positions", "orbits")


def split_rows(
    data: PreparedStructures, rows: IntArray, train: int, test: int, *, seed: int, by_formula: bool
) -> tuple[IntArray, IntArray]:
    """Random rows to train and to test on, the same for the same seed.

    The rows to test on are the same with and without ``by_formula``, so that only the training differs.

    Args:
        data: Structures.
        rows: Those to draw from.
        train: Number of rows to train on.
        test: Number of rows to test on.
        seed: Of the draw.
        by_formula: No reduced formula is in both parts. Otherwise rows are drawn one by one as in the paper,
            so that a formula with cells of several sizes can be in both.

    Returns:
        Rows to train on, shape (train,), and to test on, shape (test,).

    Raises:
        InputError: There are too few rows.
    """
    shuffled = np.random.default_rng(seed).permutation(rows)
    tested, left = shuffled[:test], shuffled[test:]
    if by_formula:
        left = left[~np.isin(data.formulas[left], data.formulas[tested])]
    if len(tested) < test or len(left) < train:
        raise InputError(
            f"{len(rows)} structures are too few for {train} to train and {test} to test on"
            f"{' without a common formula' if by_formula else ''}: use more data."
        )
    return left[:train], tested


def select(data: PreparedStructures, rows: IntArray, validation: IntArray) -> PreparedStructures:
    """The structures of ``rows`` and ``validation`` alone, with those of ``validation`` to validate on.

    Args:
        data: Structures.
        rows: Those to train on; any that are in ``validation`` too are not.
        validation: Those to validate on.

    Returns:
        Training records, then validation records, each in the order given.
    """
    trained = rows[~np.isin(rows, validation)]
    chosen = np.concatenate([trained, validation]).astype(np.int64)
    atoms = _ranges(data.atom_offsets, chosen)
    pairs = _ranges(data.pair_offsets, chosen)
    columns = {
        "validation": np.arange(len(chosen)) >= len(trained),
        "atom_offsets": np.concatenate([[0], np.cumsum(np.diff(data.atom_offsets)[chosen])]),
        "pair_offsets": np.concatenate([[0], np.cumsum(np.diff(data.pair_offsets)[chosen])]),
        "distances": data.distances[pairs],
        **{name: getattr(data, name)[atoms] for name in PER_ATOM},
    }
    for field in fields(PreparedStructures):
        if field.name not in columns:
            columns[field.name] = getattr(data, field.name)[chosen]
    return PreparedStructures(**columns)


def _ranges(offsets: IntArray, rows: IntArray) -> IntArray:
    """Places offsets[row] to offsets[row + 1] of all rows, one after the other."""
    lengths = np.diff(offsets)[rows]
    starts = np.cumsum(lengths) - lengths
    return np.asarray(np.arange(lengths.sum()) + np.repeat(offsets[rows] - starts, lengths), dtype=np.int64)
