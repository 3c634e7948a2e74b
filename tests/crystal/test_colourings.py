"""Orders of two species on the sites of one, as subgroups of a space group."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphacrystal.crystal import (
    canonical_letters,
    colourings,
    describe_symmetry,
    primitive_members,
    space_group,
)

ANY_INDEX = 10**6


# Binary superstructures of the three cubic lattices: Hart and Forcade, doi:10.1103/PhysRevB.77.224115. They
# count a crystal and the one with its species exchanged once.
@pytest.mark.parametrize(("number", "numbers"), [(225, (2, 3, 12)), (229, (2, 3, 12)), (221, (3, 3, 15))])
def test_superstructures_of_cubic_lattices_are_counted(number: int, numbers: tuple[int, ...]) -> None:
    site = np.zeros((1, 3))
    for cells, expected in zip((2, 3, 4), numbers, strict=True):
        found = [len(colourings(number, site, k, cells, ANY_INDEX)) for k in range(1, cells // 2 + 1)]
        assert sum(found) == expected


def sites(number: int, letters: str, free: tuple[float, ...]) -> np.ndarray:
    """Sites of orbits in the primitive cell, shape (sites, 3)."""
    group, values, points = space_group(number), list(free), []
    for letter in letters:
        position = group.positions[letter]
        chosen = list(primitive_members(number, letter))
        own = np.array([values.pop(0) for _ in range(position.free)])
        points.append((position.linear[chosen] @ own + position.constant[chosen]) @ group.to_primitive.T)
    return np.concatenate(points)


CASES = [
    (221, "b", (), 1, 2),
    (167, "c", (0.352,), 2, 1),
    (136, "a", (), 2, 3),
    (227, "d", (), 2, 1),
    (62, "c", (0.12, 0.23), 4, 2),
]


@pytest.mark.parametrize(("number", "letters", "free", "first", "cells"), CASES)
def test_the_index_is_that_of_the_symmetry(
    number: int, letters: str, free: tuple[float, ...], first: int, cells: int
) -> None:
    group = space_group(number)
    shared = sites(number, letters, free)
    # A general position keeps the crystal from more symmetry than the sites have.
    other = sites(number, list(group.positions)[-1], (0.0731, 0.1917, 0.3119))
    lengths = {"cubic": (12, 12, 12), "tetragonal": (9, 9, 7), "trigonal": (9, 9, 14)}
    a, b, c = lengths.get(group.crystal_system, (9, 11, 7))
    hexagonal = group.crystal_system == "trigonal"
    conventional = np.array([[a, 0, 0], [-a / 2, a * 3**0.5 / 2, 0] if hexagonal else [0, b, 0], [0, 0, c]])
    operations = len(group.rotations) // len(group.centring)
    found = colourings(number, shared, first, cells, 24)
    assert found == sorted(found, key=lambda colouring: colouring.index)
    for colouring in found[:6]:
        assert colouring.first.shape == (cells, len(shared))
        assert colouring.first.sum() == first
        points = colouring.translations[:, None] + np.concatenate([shared, other])
        species = np.concatenate([np.where(colouring.first, 3, 30), np.full((cells, len(other)), 8)], 1)
        crystal = describe_symmetry(
            colouring.supercell @ group.primitive_basis(conventional),
            (points @ np.linalg.inv(colouring.supercell)).reshape(-1, 3),
            species.reshape(-1),
            symprec=1e-3,
        )
        assert len(crystal.numbers) == species.size
        kept = space_group(crystal.space_group)
        order = len(kept.rotations) // len(kept.centring)
        assert operations * cells == colouring.index * order


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(CASES), st.permutations(range(4)), st.integers(0, 3))
def test_the_origin_of_the_cell_does_not_matter(case: tuple, order: list[int], shift: int) -> None:
    number, letters, free, first, cells = case
    shared = sites(number, letters, free)
    moved = shared[[i for i in order if i < len(shared)]] if len(shared) <= 4 else shared[::-1]
    moved = moved + np.array([shift, -shift, 1])
    expected = [colouring.index for colouring in colourings(number, shared, first, cells, 16)]
    assert [colouring.index for colouring in colourings(number, moved, first, cells, 16)] == expected


def test_no_order_without_two_species() -> None:
    site = np.zeros((1, 3))
    assert colourings(225, site, 0, 2, 16) == []
    assert colourings(225, site, 2, 2, 16) == []
    assert colourings(225, np.zeros((100, 3)), 50, 1, 16) == []


def test_ordered_perovskite_is_elpasolite() -> None:
    first = colourings(221, sites(221, "b", ()), 1, 2, 16)[0]
    assert first.index == 2
    inverse = np.linalg.inv(first.supercell)
    orbits = [(sites(221, "a", ()), 19), (sites(221, "c", ()), 9)]
    points = [((first.translations[:, None] + orbit) @ inverse).reshape(-1, 3) for orbit, _ in orbits]
    points.append(((first.translations[:, None] + sites(221, "b", ())) @ inverse).reshape(-1, 3))
    numbers = np.concatenate([np.full(2, 19), np.full(6, 9), np.where(first.first, 11, 13).ravel()])
    crystal = describe_symmetry(first.supercell * 4.0, np.concatenate(points), numbers)
    assert crystal.space_group == 225
    assert tuple(crystal.occupation().values()) == canonical_letters(225, ("c", "a", "b", "e"))
