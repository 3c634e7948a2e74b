"""Padded matrices."""

from collections.abc import Callable

import numpy as np
import pytest
from pymatgen.core import Structure

from alphacrystal.data import PreparedStructures, StructureRecord, assemble, prepare_record
from alphacrystal.errors import InputError
from alphacrystal.learn.contacts.matrix_labels import (
    MAX_ATOMS,
    matrices,
)
from alphacrystal_bench.paper_tables.mp12 import mp12_of_records


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
