"""Distance matrices in the format of the paper, padded to 12 atoms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alphacrystal.data import PreparedStructures
from alphacrystal.errors import InputError
from alphacrystal.typing import BoolArray, FloatArray, IntArray

MAX_ATOMS = 12  # in the conventional cell; the text and network of AlphaCrystal-II, its Table 2 says 10
MAX_DISTANCE = 23.3361  # Å; upper edge of the last class (AlphaCrystal-II, section 3.1)


class Matrices(NamedTuple):
    """Cells padded to 12 atoms.

    Attributes:
        numbers: Atomic numbers in canonical order, 0 where padded, shape (n, 12).
        distances: Periodic minimum-image distances in Å, 0 on the diagonal and where padded, shape
            (n, 12, 12).
        mask: True for the pairs of two different atoms, shape (n, 12, 12).
    """

    numbers: IntArray
    distances: FloatArray
    mask: BoolArray


def matrices(data: PreparedStructures, rows: IntArray) -> Matrices:
    """Padded cells of some structures.

    Raises:
        InputError: A cell has more than 12 atoms.
    """
    sizes = data.sizes[rows]
    if sizes.max(initial=0) > MAX_ATOMS:
        raise InputError(
            f"The paper's network takes cells of up to {MAX_ATOMS} atoms; {data.ids[rows[sizes.argmax()]]} "
            f"has {sizes.max()}."
        )
    numbers = np.zeros((len(rows), MAX_ATOMS), dtype=np.int64)
    distances = np.zeros((len(rows), MAX_ATOMS, MAX_ATOMS))
    for size in np.unique(sizes):
        cells = np.flatnonzero(sizes == size)
        equal = rows[cells]
        numbers[cells, :size] = data.numbers[data.atom_offsets[equal][:, None] + np.arange(size)]
        left, right = np.triu_indices(size, 1)
        pairs = data.distances[data.pair_offsets[equal][:, None] + np.arange(len(left))]  # (cells, pairs)
        distances[cells[:, None], left, right] = pairs
        distances[cells[:, None], right, left] = pairs
    return Matrices(numbers, distances, pair_mask(numbers))


def pair_mask(numbers: IntArray) -> BoolArray:
    """True for pairs of two different atoms without padding, (n, 12) -> (n, 12, 12)."""
    used = numbers > 0
    return np.asarray(used[:, :, None] & used[:, None, :] & ~np.eye(numbers.shape[1], dtype=bool))
