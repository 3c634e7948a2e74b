"""Padded matrices and their classes."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pymatgen.core import Structure

from alphacrystal.data import PreparedStructures, StructureRecord, assemble, prepare_record
from alphacrystal.errors import InputError
from alphacrystal.learn.contacts.matrix_labels import (
    MAX_ATOMS,
    MAX_DISTANCE,
    class_labels,
    decode,
    matrices,
)
from alphacrystal_bench.paper_tables.mp12 import mp12_of_records

CLASSES = (5, 10, 20)


@pytest.fixture(scope="module")
def data(trainable: Callable[[str], Structure]) -> PreparedStructures:
    names = ("rutile", "halite", "anatase", "caesium chloride")
    return mp12_of_records([StructureRecord.from_structure(trainable(name), name) for name in names])


def test_cells_are_padded_to_twelve_atoms(data: PreparedStructures) -> None:
    rows = np.array([3, 0, 2, 1])
    found = matrices(data, rows)
    assert found.numbers.shape == (4, MAX_ATOMS)
    assert found.distances.shape == found.mask.shape == (4, MAX_ATOMS, MAX_ATOMS)
    for place, row in enumerate(rows.tolist()):
        size = int(data.sizes[row])
        assert found.numbers[place, :size].tolist() == data.numbers[data.atoms(row)].tolist()
        assert not found.numbers[place, size:].any()
        assert np.array_equal(found.distances[place, :size, :size], data.matrix(row))
        assert found.mask[place].sum() == size * (size - 1)
        assert np.array_equal(found.mask[place], found.distances[place] > 0)


def test_larger_cells_are_bad_input(trainable: Callable[[str], Structure]) -> None:
    row = prepare_record(StructureRecord.from_structure(trainable("spinel"), "mp-9"), cell="conventional")
    assert row is not None
    with pytest.raises(InputError, match=r"up to 12 atoms; mp-9 has 56"):
        matrices(assemble([row]), np.array([0]))


def test_no_structures_give_empty_arrays(data: PreparedStructures) -> None:
    assert [part.shape[0] for part in matrices(data, np.zeros(0, dtype=np.int64))] == [0, 0, 0]


@pytest.mark.parametrize("classes", CLASSES)
@given(distances=arrays(float, (3, 4), elements=st.floats(0, MAX_DISTANCE)))
def test_decoding_is_never_off_by_more_than_half_a_class(
    classes: int, distances: np.ndarray[tuple[int, int], np.dtype[np.float64]]
) -> None:
    labels = class_labels(distances, classes, MAX_DISTANCE)
    found = decode(labels, classes, MAX_DISTANCE)
    assert np.abs(found - distances).max() <= MAX_DISTANCE / classes / 2 + 1e-9
    assert np.array_equal(class_labels(found, classes, MAX_DISTANCE), labels)


def test_classes_of_the_paper() -> None:
    # Figure 3 speaks of the class 2.33-4.67 Å (N = 10); the longest distance is the end of the last class.
    distances = np.array([0.9488, 2.33, 2.34, 4.66, 4.67, MAX_DISTANCE])
    assert class_labels(distances, 10, MAX_DISTANCE).tolist() == [0, 0, 1, 1, 2, 9]
    assert decode(np.array([0, 9]), 10, MAX_DISTANCE) == pytest.approx([1.1668, 22.1693], abs=1e-4)


def test_distances_beyond_the_last_class_fall_into_it() -> None:
    assert class_labels(np.array([9.9, 10.0, 31.0]), 5, 10.0).tolist() == [4, 4, 4]
