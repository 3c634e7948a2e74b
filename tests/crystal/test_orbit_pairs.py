"""Symmetry-distinct pairs: their distances with multiplicities are all distances of the cell."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Structure

from alphacrystal.crystal import (
    describe_symmetry,
    min_image_distances,
    min_image_pair_distances,
    orbit_pairs,
)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8))
def test_each_atom_pair_is_represented_once(sizes: list[int]) -> None:
    pairs = orbit_pairs(np.repeat(np.arange(len(sizes)), sizes))
    atoms = sum(sizes)
    assert pairs.multiplicities.sum() == pytest.approx(atoms * (atoms - 1) / 2)
    assert len(pairs) <= atoms * (atoms - 1) / 2
    orbits = np.repeat(np.arange(len(sizes)), sizes)
    first, second = pairs.orbits
    found = np.sort(np.stack([orbits[pairs.firsts], orbits[pairs.seconds]]), axis=0)
    assert np.array_equal(found, np.stack([first, second]))
    assert not np.any(pairs.firsts == pairs.seconds)
    for block in np.unique(pairs.blocks):
        chosen = pairs.blocks == block
        assert len(np.unique(pairs.firsts[chosen])) == 1
        assert pairs.ranks[chosen].tolist() == list(range(pairs.lengths[chosen][0]))


@pytest.mark.parametrize("name", ["rutile", "corundum", "quartz", "perovskite", "baddeleyite"])
def test_distances_of_a_crystal(textbook: Callable[[str], Structure], name: str) -> None:
    structure = textbook(name)
    numbers = np.array([site.specie.Z for site in structure])
    found = describe_symmetry(structure.lattice.matrix, structure.frac_coords, numbers)
    order = np.argsort(found.orbits, kind="stable")
    positions, orbits = found.primitive_positions[order], found.orbits[order]
    pairs = orbit_pairs(np.unique(orbits, return_inverse=True)[1])
    lengths = min_image_pair_distances(found.primitive_lattice, positions, pairs.firsts, pairs.seconds)
    full = min_image_distances(found.primitive_lattice, positions)
    assert lengths == pytest.approx(full[pairs.firsts, pairs.seconds], abs=1e-9)
    upper = np.sort(full[np.triu_indices(len(full), 1)])
    order = np.argsort(lengths)
    # Multiplicities may be half-integers within one orbit, so cumulated distances are compared.
    assert pairs.multiplicities @ lengths == pytest.approx(upper.sum(), rel=1e-3)
    assert pairs.multiplicities @ lengths**2 == pytest.approx(np.square(upper).sum(), rel=1e-3)
    shortest = lengths[order] < upper[0] + 1e-3
    assert pairs.multiplicities[order][shortest].sum() == pytest.approx((upper < upper[0] + 1e-3).sum())


def test_sorting_within_blocks() -> None:
    pairs = orbit_pairs(np.array([0, 0, 1, 1, 1]))
    values = np.random.default_rng(0).random((4, len(pairs)))
    ranked = pairs.sort(values)
    for row, sorted_row in zip(values, ranked, strict=True):
        for block in np.unique(pairs.blocks):
            chosen = pairs.blocks == block
            assert sorted_row[chosen] == pytest.approx(np.sort(row[chosen]))
