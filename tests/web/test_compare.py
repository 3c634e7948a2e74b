"""Comparison of two lists of structure files."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pymatgen.core import Structure
from pymatgen.io.cif import CifWriter

from alphacrystal.errors import InputError
from alphacrystal.evaluation import match_pair
from alphacrystal.web import _compare
from alphacrystal.web._compare import RankedFile, find_matches

CRYSTALS = ("halite", "rutile", "anatase", "baddeleyite", "marcasite")


def ranked(structures: list[Structure], label: str) -> list[RankedFile]:
    return [
        (rank, f"{rank}.cif", f"# {label}\n{CifWriter(structure)}".encode())
        for rank, structure in enumerate(structures, 1)
    ]


def distorted(structure: Structure, distance: float, seed: int) -> Structure:
    """Each atom moved by ``distance`` (Å) in a random direction and each cell length by up to 3 %."""
    rng = np.random.default_rng(seed)
    lattice = np.diag(1 + rng.uniform(-0.03, 0.03, 3)) @ structure.lattice.matrix
    moved = Structure(lattice, structure.species, structure.frac_coords)
    directions = rng.normal(size=(len(moved), 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    return Structure(
        lattice,
        moved.species,
        moved.cart_coords + distance * directions,
        coords_are_cartesian=True,
    )


@pytest.mark.parametrize("name", CRYSTALS)
def test_matches_are_those_of_each_pair(
    name: str, textbook: Callable[[str], Structure], redescribe: Callable[..., Structure]
) -> None:
    crystal = textbook(name)
    left = [
        crystal,
        distorted(crystal, 0.15, 1),
        distorted(crystal, 0.5, 2),
        distorted(crystal, 1.2, 3),
        crystal * (2, 1, 1),
    ]
    right = [
        redescribe(crystal, 4),
        redescribe(crystal, 5, enlarge=2),
        distorted(crystal * (1, 1, 2), 0.1, 6),
        distorted(crystal, 0.3, 7),
    ]
    first, second = ranked(left, "left"), ranked(right, "right")
    expected = {}
    for one, *file in first:
        for other, *other_file in second:
            rms = match_pair(_compare.structure_of(*file), _compare.structure_of(*other_file)).rms
            if rms is not None:
                expected[one, other] = rms
    result = find_matches(first, second)
    assert result.undecided == 0
    assert {(match.left, match.right) for match in result.pairs} == set(expected)
    assert [match.rms for match in result.pairs] == pytest.approx(list(expected.values()), abs=1e-4)
    # A crystal equals its other descriptions, and does not equal every list member.
    assert {(1, 1), (1, 2), (5, 1), (5, 2)} <= set(expected)
    assert len(expected) < len(left) * len(right)


def test_polymorphs_of_one_cell_size_differ(textbook: Callable[[str], Structure]) -> None:
    structures = [textbook(name) for name in ("rutile", "anatase")]
    result = find_matches(ranked(structures, "left"), ranked(structures, "right"))
    assert [(match.left, match.right) for match in result.pairs] == [(1, 1), (2, 2)]


def test_unreadable_file_is_named(textbook: Callable[[str], Structure]) -> None:
    files = ranked([textbook("halite")], "left")
    with pytest.raises(InputError, match=r"^The structure broken\.cif cannot be read\.$"):
        find_matches(files, [(1, "broken.cif", b"data_nothing")])


def test_pairs_without_time_are_counted(
    textbook: Callable[[str], Structure], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_compare, "TIME_LIMIT_S", -1.0)
    files = ranked([textbook("halite"), textbook("rutile")], "left")
    result = find_matches(files, files)
    assert (result.pairs, result.undecided) == ([], 4)
