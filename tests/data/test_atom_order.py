"""The canonical order of atoms: one crystal, one distance matrix."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Structure

from alphacrystal.crystal import min_image_distances
from alphacrystal.data import PreparedStructures, StructureRecord, assemble, canonical_order, prepare_record

# With free coordinates, several orbits per element, or distances on round numbers.
NAMES = [
    "halite",
    "perovskite",
    "pyrite",
    "spinel",
    "quartz",
    "corundum",
    "rutile",
    "anatase",
    "chalcopyrite",
    "marcasite",
    "orthoperovskite",
    "baddeleyite",
]
seeds = st.integers(0, 2**32 - 1)


def prepared(structure: Structure) -> PreparedStructures:
    row = prepare_record(StructureRecord.from_structure(structure, "x"))
    assert row is not None
    return assemble([row])


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=6)
@given(seed=seeds, enlarge=st.integers(1, 2))
def test_the_matrix_does_not_depend_on_the_description(
    textbook: Callable[[str], Structure],
    redescribe: Callable[..., Structure],
    name: str,
    seed: int,
    enlarge: int,
) -> None:
    expected = prepared(textbook(name))
    found = prepared(redescribe(textbook(name), seed, enlarge=enlarge))
    assert found.numbers.tolist() == expected.numbers.tolist()
    assert found.letters.tolist() == expected.letters.tolist()
    assert found.orbits.tolist() == expected.orbits.tolist()
    assert found.matrix(0) == pytest.approx(expected.matrix(0), abs=1e-3)


@given(seeds)
def test_the_matrix_does_not_depend_on_the_order_of_the_atoms(seed: int) -> None:
    # Atoms on a coarse grid: many equal distances, so that most choices are ties.
    rng = np.random.default_rng(seed)
    size = 8
    grid = rng.permutation(27)[:size]
    fractional = np.stack([grid // 9, grid // 3 % 3, grid % 3], -1) / 3
    lattice = np.diag([6.1, 6.1, 6.3])
    ranks = [(float(rank), 1) for rank in np.sort(rng.integers(0, 2, size))]
    orbits = np.array([int(rank[0]) for rank in ranks])  # atoms of one rank all look alike to the sorter
    matrices = []
    for order in (np.arange(size), rng.permutation(size)):
        distances = min_image_distances(lattice, fractional[order])
        chosen = canonical_order(distances, [ranks[i] for i in order], orbits[order])
        assert sorted(chosen.tolist()) == list(range(size))
        matrices.append(distances[np.ix_(chosen, chosen)])
    assert matrices[0] == pytest.approx(matrices[1], abs=1e-6)


def test_atoms_go_by_rank_and_orbits_stay_together(textbook_crystal: Structure) -> None:
    found = prepared(textbook_crystal)
    assert found.orbits.tolist() == sorted(found.orbits.tolist())
    changes = np.flatnonzero(np.diff(found.numbers))
    assert len(changes) == len(set(found.numbers.tolist())) - 1


def test_equal_distances_that_noise_tears_apart_do_not_change_the_order() -> None:
    # 2.05 Å is half way between two multiples of 0.02 Å.
    rng = np.random.default_rng(0)
    fractional = np.array([[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]])
    expected = min_image_distances(np.eye(3) * 4.1, fractional)
    for _ in range(20):
        noisy = expected + rng.uniform(-1e-9, 1e-9, expected.shape)
        order = canonical_order((noisy + noisy.T) / 2, [(1.0,)] * 4, np.zeros(4, dtype=np.int64))
        assert expected[np.ix_(order, order)] == pytest.approx(expected, abs=1e-6)
