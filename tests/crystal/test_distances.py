"""Minimum-image distances against brute force, other descriptions of the same crystal, and pymatgen."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Structure

from alphacrystal.crystal import (
    SAME_DISTANCE,
    cell_matrices,
    distance_levels,
    min_image_distances,
    minkowski_reduced,
)
from alphacrystal.typing import FloatArray

seeds = st.integers(0, 2**32 - 1)
angle = st.floats(50, 130)
length = st.floats(2, 12)
shears = st.lists(
    st.tuples(st.permutations(range(3)), st.integers(-4, 4)).map(lambda t: (t[0][0], t[0][1], t[1])),
    min_size=1,
    max_size=6,
)


@st.composite
def ordinary_cells(draw: st.DrawFn) -> FloatArray:
    """Cells with angles of 50 to 130 degrees that close with room to spare, rows in Å."""
    parameters = [draw(length) for _ in range(3)] + [draw(angle) for _ in range(3)]
    cosines = np.cos(np.radians(parameters[3:]))
    if 1 - np.sum(cosines**2) + 2 * np.prod(cosines) < 0.1:
        parameters[3:] = [90.0, 100.0, 90.0]
    return cell_matrices(np.array(parameters))


def sheared(steps: list[tuple[int, int, int]]) -> FloatArray:
    """Integer matrix of determinant 1."""
    matrix = np.eye(3)
    for row, other, times in steps:
        matrix[row] += times * matrix[other]
    return matrix


def brute_force(lattice: FloatArray, fractional: FloatArray, reach: int) -> FloatArray:
    images = np.array(list(itertools.product(range(-reach, reach + 1), repeat=3)))
    difference = (fractional[:, None] - fractional[None])[:, :, None] + images
    return np.linalg.norm(difference @ lattice, axis=-1).min(-1)


@given(ordinary_cells(), seeds)
def test_distances_equal_brute_force_over_many_images(lattice: FloatArray, seed: int) -> None:
    fractional = np.random.default_rng(seed).random((4, 3))
    assert min_image_distances(lattice, fractional) == pytest.approx(
        brute_force(lattice, fractional, 8), abs=1e-9
    )


@given(ordinary_cells(), shears, seeds)
def test_distances_do_not_depend_on_the_cell_choice(
    lattice: FloatArray, steps: list[tuple[int, int, int]], seed: int
) -> None:
    fractional = np.random.default_rng(seed).random((5, 3))
    change = sheared(steps)  # often extremely skewed
    other = min_image_distances(change @ lattice, fractional @ np.linalg.inv(change))
    assert other == pytest.approx(min_image_distances(lattice, fractional), abs=1e-6)


@given(ordinary_cells(), seeds)
def test_distances_do_not_depend_on_origin_orientation_or_images(lattice: FloatArray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    fractional = rng.random((5, 3))
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    moved = fractional + rng.normal(size=3) + rng.integers(-3, 4, size=(5, 3))
    assert min_image_distances(lattice @ rotation, moved) == pytest.approx(
        min_image_distances(lattice, fractional), abs=1e-9
    )


@given(ordinary_cells(), seeds)
def test_distances_follow_the_order_of_atoms(lattice: FloatArray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    fractional, order = rng.random((6, 3)), rng.permutation(6)
    expected = min_image_distances(lattice, fractional)[np.ix_(order, order)]
    assert min_image_distances(lattice, fractional[order]) == pytest.approx(expected, abs=1e-9)


@given(ordinary_cells(), seeds)
def test_distances_form_a_metric(lattice: FloatArray, seed: int) -> None:
    distances = min_image_distances(lattice, np.random.default_rng(seed).random((5, 3)))
    assert np.all(np.diag(distances) == 0)
    assert distances == pytest.approx(distances.T)
    through = distances[:, :, None] + distances[None]
    assert np.all(distances <= through.min(1) + 1e-9)


def test_distances_equal_pymatgens(textbook_crystal: Structure) -> None:
    ours = min_image_distances(textbook_crystal.lattice.matrix, textbook_crystal.frac_coords)
    assert ours == pytest.approx(textbook_crystal.distance_matrix, abs=1e-6)


def test_batches_equal_single_crystals() -> None:
    lattice = cell_matrices(np.array([4.0, 5.0, 9.0, 70.0, 95.0, 110.0]))
    fractional = np.random.default_rng(1).random((2, 3, 4, 3))
    batched = min_image_distances(lattice, fractional)
    assert batched.shape == (2, 3, 4, 4)
    for index in np.ndindex(2, 3):
        assert batched[index] == pytest.approx(min_image_distances(lattice, fractional[index]))


@given(ordinary_cells(), shears)
def test_reduction_gives_a_basis_of_the_same_lattice(
    lattice: FloatArray, steps: list[tuple[int, int, int]]
) -> None:
    skewed = sheared(steps) @ lattice
    reduced, transformation = minkowski_reduced(skewed)
    assert transformation == pytest.approx(np.rint(transformation))
    assert abs(np.linalg.det(transformation)) == pytest.approx(1)
    assert reduced == pytest.approx(transformation @ skewed, abs=1e-6)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=30), seeds)
def test_levels_do_not_depend_on_numerical_noise(steps: list[int], seed: int) -> None:
    # A grid of 0.01 Å would tear apart values that stand on its lines.
    exact = np.array(steps) * 0.005
    noisy = exact + np.random.default_rng(seed).uniform(-1, 1, len(steps)) * SAME_DISTANCE / 4
    expected = np.searchsorted(np.unique(exact), exact)
    assert distance_levels(exact).tolist() == expected.tolist()
    assert distance_levels(noisy).tolist() == expected.tolist()


def test_distances_do_not_depend_on_how_a_file_describes_the_crystal(
    textbook: Callable[[str], Structure], redescribe: Callable[..., Structure]
) -> None:
    quartz = textbook("quartz")
    other = redescribe(quartz, 7)
    spectra = [
        np.sort(min_image_distances(s.lattice.matrix, s.frac_coords), axis=None) for s in (quartz, other)
    ]
    assert spectra[0] == pytest.approx(spectra[1], abs=1e-6)
