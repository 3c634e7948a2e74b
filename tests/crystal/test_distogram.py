"""Distograms made of known distances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Structure

from alphacrystal.crystal import Distogram, min_image_distances

EDGES = np.concatenate([np.linspace(1.2, 6, 49), np.linspace(6.25, 12, 24), np.linspace(13, 16, 4)])


def symmetric(values: list[float]) -> np.ndarray:
    matrix = np.zeros((3, 3))
    matrix[np.triu_indices(3, 1)] = values
    return matrix + matrix.T


@given(st.lists(st.floats(0.5, 40), min_size=3, max_size=3), st.floats(0.02, 0.5))
def test_probabilities_are_normalised_and_symmetric(values: list[float], spread: float) -> None:
    found = Distogram.from_distances(np.array([8, 8, 22]), symmetric(values), EDGES, spread)
    assert found.probabilities.shape == (3, 3, len(EDGES) + 1)
    assert found.probabilities.dtype == np.float32
    assert found.probabilities.sum(-1) == pytest.approx(np.ones((3, 3)), abs=1e-5)
    assert found.probabilities.min() >= 0
    assert np.array_equal(found.probabilities, found.probabilities.transpose(1, 0, 2))


@given(st.lists(st.floats(0.5, 40), min_size=3, max_size=3))
def test_the_bin_of_the_distance_is_the_likeliest(values: list[float]) -> None:
    distances = symmetric(values)
    found = Distogram.from_distances(np.array([8, 8, 22]), distances, EDGES, 0.01)
    likeliest = found.probabilities.argmax(-1)
    low = np.concatenate([[-np.inf], EDGES])[likeliest]
    high = np.concatenate([EDGES, [np.inf]])[likeliest]
    assert np.all((low - 0.01 <= distances) & (distances <= high + 0.01))


def test_expected_distances_are_those_it_was_made_of(textbook_crystal: Structure) -> None:
    distances = min_image_distances(textbook_crystal.lattice.matrix, textbook_crystal.frac_coords)
    numbers = np.array(textbook_crystal.atomic_numbers)
    found = Distogram.from_distances(numbers, distances, EDGES)
    assert np.all(np.diag(found.expected) == 0)
    near = distances < 6
    assert found.expected[near] == pytest.approx(distances[near], abs=0.05)
    assert found.expected == pytest.approx(distances, abs=0.5)
