"""Cells and their shapes: round trips, crystal systems, cells that do not close."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pymatgen.core import Lattice

from alphacrystal.crystal import (
    FREE_SHAPE,
    SHAPE,
    LatticeParameters,
    cell_matrices,
    cell_shape,
    constrained_shape,
    lattice_parameters,
    shape_to_cell,
    space_group,
)
from alphacrystal.errors import InputError

systems = st.sampled_from(sorted(FREE_SHAPE))
shapes = st.tuples(
    st.floats(2, 8), *[st.floats(-1.5, 1.5) for _ in range(2)], *[st.floats(-0.5, 0.5) for _ in range(3)]
).map(np.array)


@st.composite
def cells(draw: st.DrawFn) -> LatticeParameters:
    lengths = [draw(st.floats(2, 30)) for _ in range(3)]
    angles = [draw(st.floats(40, 140)) for _ in range(3)]
    cell = LatticeParameters(*lengths, *angles)
    assume(cell.volume > 0.15 * np.prod(lengths))
    return cell


@given(cells())
def test_shape_and_cell_are_inverse(cell: LatticeParameters) -> None:
    back = lattice_parameters(shape_to_cell(cell_shape(cell)))
    assert list(back.as_dict().values()) == pytest.approx(list(cell.as_dict().values()))


@given(shapes)
def test_cell_of_a_shape_has_that_shape(shape: np.ndarray) -> None:
    assume(1 - np.sum(shape[3:] ** 2) + 2 * np.prod(shape[3:]) > 0.05)
    matrix = shape_to_cell(shape)
    assert np.log(np.linalg.det(matrix)) == pytest.approx(shape[0])
    assert cell_shape(lattice_parameters(matrix)) == pytest.approx(shape, abs=1e-9)


@given(st.tuples(st.floats(2, 8), *[st.floats(-1, 1) for _ in range(5)]).map(np.array))
def test_every_shape_gives_a_cell_of_its_volume(shape: np.ndarray) -> None:
    # Also where the cosines do not close: a search must be able to try any shape.
    assert np.linalg.det(shape_to_cell(shape)) == pytest.approx(np.exp(shape[0]), rel=1e-6)


@given(systems, shapes)
def test_constrained_shapes_obey_their_crystal_system(system: str, shape: np.ndarray) -> None:
    cell = lattice_parameters(shape_to_cell(constrained_shape(system, shape)))
    if system in ("cubic", "tetragonal", "hexagonal", "trigonal"):
        assert cell.a == pytest.approx(cell.b)
    if system == "cubic":
        assert cell.a == pytest.approx(cell.c)
    gamma = 120 if system in ("hexagonal", "trigonal") else 90
    if system not in ("monoclinic", "triclinic"):
        assert (cell.alpha, cell.beta, cell.gamma) == pytest.approx((90, 90, gamma))
    if system == "monoclinic":
        assert (cell.alpha, cell.gamma) == pytest.approx((90, 90))
    assert cell.volume == pytest.approx(np.exp(shape[0]))


@given(systems, shapes)
def test_constraining_keeps_what_is_free_and_is_done_once(system: str, shape: np.ndarray) -> None:
    constrained = constrained_shape(system, shape)
    free = list(FREE_SHAPE[system])
    assert constrained[free] == pytest.approx(shape[free])
    assert constrained_shape(system, constrained) == pytest.approx(constrained)


def test_free_shapes_are_the_free_parameters_of_each_system() -> None:
    free = {system: [SHAPE[i] for i in entries] for system, entries in FREE_SHAPE.items()}
    assert free["cubic"] == ["log_volume"]
    assert free["hexagonal"] == free["trigonal"] == free["tetragonal"] == ["log_volume", "log_c_a"]
    assert free["orthorhombic"] == ["log_volume", "log_b_a", "log_c_a"]
    assert free["monoclinic"] == ["log_volume", "log_b_a", "log_c_a", "cos_beta"]
    assert free["triclinic"] == list(SHAPE)
    assert {space_group(number).crystal_system for number in range(1, 231)} == set(free)


@given(cells())
def test_cells_equal_pymatgens(cell: LatticeParameters) -> None:
    expected = Lattice.from_parameters(*cell.as_dict().values())
    for matrix in (cell.matrix(), cell_matrices(np.array(list(cell.as_dict().values())))):
        found = Lattice(matrix)
        assert found.parameters == pytest.approx(expected.parameters)
        assert cell.volume == pytest.approx(found.volume)


def test_batches_equal_single_cells() -> None:
    shapes = np.random.default_rng(0).uniform(-0.4, 0.4, size=(2, 3, 6))
    matrices = shape_to_cell(shapes)
    assert matrices.shape == (2, 3, 3, 3)
    for index in np.ndindex(2, 3):
        assert matrices[index] == pytest.approx(shape_to_cell(shapes[index]))


@pytest.mark.parametrize("values", [(3, 4, 5, 20, 30, 120), (3, 4, 5, 180, 90, 90), (0, 4, 5, 90, 90, 90)])
def test_a_cell_that_does_not_close_is_bad_input(values: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="encloses no volume"):
        cell_shape(LatticeParameters(*values))


def test_angles_that_do_not_close_give_a_flat_cell_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matrix = cell_matrices(np.array([3.0, 4.0, 5.0, 20.0, 30.0, 120.0]))
    assert np.isfinite(matrix).all()
    assert np.linalg.det(matrix) == pytest.approx(0, abs=1e-9)
