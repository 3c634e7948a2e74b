"""Small made-up cells for the paper's network."""

import numpy as np
import pytest

from alphacrystal.learn.contacts.matrix_labels import MAX_ATOMS, Matrices, pair_mask


def made_up_cells(count: int, seed: int) -> Matrices:
    """Cells of 2 to 6 atoms of a few elements, whose distances follow from the atomic numbers."""
    rng = np.random.default_rng(seed)
    numbers = np.zeros((count, MAX_ATOMS), dtype=np.int64)
    for row in numbers:
        size = rng.integers(2, 7)
        row[:size] = np.sort(rng.choice([3, 8, 22, 55], size))
    mask = pair_mask(numbers)
    distances = np.where(mask, 1.0 + 0.08 * (numbers[:, :, None] + numbers[:, None, :]), 0.0)
    return Matrices(numbers, distances, mask)


@pytest.fixture(scope="session")
def cells() -> Matrices:
    """To train on."""
    return made_up_cells(48, 0)


@pytest.fixture(scope="session")
def other_cells() -> Matrices:
    """To validate on."""
    return made_up_cells(16, 1)
