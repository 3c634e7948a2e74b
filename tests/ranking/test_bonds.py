"""Nearest neighbours of crystals, and the table of known ones."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import nearest_neighbours
from alphacrystal.ranking import (
    collect_pairs,
    has_unknown_neighbours,
    known_pairs,
    neighbour_pairs,
    pairs_csv,
)

ROCK_SALT = [[0.0] * 3, [0.5] * 3]


def cubic(group: int, edge: float, species: list[str], sites: list[list[float]]) -> Structure:
    return Structure.from_spacegroup(group, Lattice.cubic(edge), species, sites).get_primitive_structure()


lengths = st.floats(2.5, 8.0)
angles = st.floats(60.0, 120.0)


@given(
    st.tuples(lengths, lengths, lengths, angles, angles, angles),
    st.lists(st.tuples(*[st.floats(0, 0.999)] * 3), min_size=1, max_size=5),
)
def test_nearest_neighbours_are_those_of_a_search_in_a_sphere(
    cell: tuple[float, ...], sites: list[tuple[float, float, float]]
) -> None:
    lattice = Lattice.from_parameters(*cell)
    if lattice.volume < 0.3 * np.prod(cell[:3]):
        return
    structure = Structure(lattice, ["Na"] * len(sites), sites)
    _, distances = nearest_neighbours(structure)
    images = lattice.get_points_in_sphere
    for site, distance in zip(structure, distances, strict=True):
        near = images(structure.frac_coords, site.coords, 8.5)
        others = sorted(length for _, length, _, _ in near)[1:]  # the first is the atom itself
        assert distance == pytest.approx(others[0], abs=1e-6)


def test_pairs_of_rock_salt_do_not_depend_on_the_cell() -> None:
    salt = cubic(225, 5.64, ["Na", "Cl"], ROCK_SALT)
    for crystal in (salt, salt * (2, 1, 3)):
        pairs = neighbour_pairs(crystal)
        assert set(pairs) == {("Na", "Cl"), ("Cl", "Na")}
        assert pairs["Na", "Cl"] == pytest.approx((2.82, 2.82))


def test_structures_that_cannot_exist_are_unknown() -> None:
    fluorite = [[0.0] * 3, [0.25] * 3]
    assert has_unknown_neighbours(cubic(225, 5.6, ["Na", "He"], fluorite))
    assert has_unknown_neighbours(cubic(225, 5.0, ["Ar", "F"], fluorite))
    assert has_unknown_neighbours(cubic(225, 4.4, ["Na", "Cl"], ROCK_SALT))
    assert has_unknown_neighbours(cubic(225, 8.0, ["Na", "Cl"], ROCK_SALT))


def test_known_crystals_and_crystals_under_pressure_are_not() -> None:
    assert not has_unknown_neighbours(cubic(225, 5.64, ["Na", "Cl"], ROCK_SALT))
    assert not has_unknown_neighbours(cubic(227, 5.43, ["Si"], [[0.0] * 3]))
    assert not has_unknown_neighbours(cubic(225, 4.4, ["Na", "Cl"], ROCK_SALT), any_distance=True)


def test_every_pair_of_the_table_has_a_range() -> None:
    table = known_pairs()
    assert len(table) > 2000
    for pair, found in table.items():
        assert found.structures >= 1, pair
        assert 0.5 < found.shortest <= found.longest < 20, pair
    assert table["Na", "Cl"].structures > 100


def test_command_builds_the_table_from_training_crystals(
    run: Callable[..., Any], trainable: Callable[[str], Structure], tmp_path: Path
) -> None:
    salt = cubic(225, 5.64, ["Na", "Cl"], ROCK_SALT)
    assert pairs_csv(collect_pairs([salt, salt])).splitlines() == [
        "element,neighbour,structures,shortest,longest",
        "Cl,Na,2,2.820,2.820",
        "Na,Cl,2,2.820,2.820",
    ]
    nothing = tmp_path / "records.jsonl.gz"
    with gzip.open(nothing, "wt") as stream:
        stream.write("")
    outcome = run("data", "neighbours", nothing, "--out", tmp_path / "table.csv")
    assert outcome.code == 2
    assert json.dumps(str(tmp_path))[1:-1] in outcome.sentence
