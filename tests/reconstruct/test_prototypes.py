"""Prototype coordinates: the fittest set is chosen in the predicted cell, by the fitness of the search."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import encode, primitive_members, space_group
from alphacrystal.reconstruct import SearchSettings, reconstruct, reconstruct_from_prototypes

MATCHER = StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5)


def places(task: Any, values: np.ndarray) -> np.ndarray:
    """Conventional coordinates of a primitive cell of atoms for free coordinates of a hypothesis."""
    encoding = encode(task.hypothesis)
    return encoding.positions(values) @ encoding.basis


@pytest.mark.parametrize("name", ["rutile", "quartz", "wurtzite", "baddeleyite"])
def test_the_true_coordinates_are_chosen(task: Callable[..., Any], name: str) -> None:
    own = task(name)
    free = encode(own.hypothesis).free
    rng = np.random.default_rng(0)
    (found,) = reconstruct([own.hypothesis], [own.distogram], SearchSettings.thorough(), 0)
    # positions of the search are in its reduced primitive cell; back to the conventional one
    true = found.positions @ encode(own.hypothesis).basis
    ways = np.stack([places(own, rng.random(free)), true, places(own, rng.random(free))])
    (best,) = reconstruct_from_prototypes([own.hypothesis], [own.distogram], [ways], "likelihood")
    assert best is not None
    assert best.method == "prototype"
    assert best.geometry == pytest.approx(found.geometry, abs=0.02)
    built = Structure(Lattice(best.lattice), best.numbers, best.positions)
    assert MATCHER.fit(built, own.solution)
    assert abs(np.linalg.det(best.lattice)) == pytest.approx(own.solution.volume)


def test_no_prototype_gives_no_crystal(task: Callable[..., Any]) -> None:
    own = task("rutile")
    none = np.zeros((0, len(own.distogram.numbers), 3))
    assert reconstruct_from_prototypes([own.hypothesis], [own.distogram], [none], "likelihood") == [None]


def test_atoms_that_clash_pay_for_it(task: Callable[..., Any]) -> None:
    own = task("rutile")
    close = places(own, np.array([0.02]))[None]
    (best,) = reconstruct_from_prototypes([own.hypothesis], [own.distogram], [close], "likelihood")
    assert best is not None
    assert best.penalty > 0.1


def test_members_make_up_one_primitive_cell() -> None:
    for number in (1, 62, 166, 225, 227):
        group = space_group(number)
        for letter, position in group.positions.items():
            members = primitive_members(number, letter)
            assert len(members) * len(group.centring) == position.multiplicity
