"""DMCrystal rebuilds textbook crystals from their space group, letters, cell and distances."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ase.data import covalent_radii
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Structure

from alphacrystal.crystal import Distogram, min_image_distances
from alphacrystal.reconstruct import Reconstruction, SearchSettings, improve_by_assembly, reconstruct

NAMES = [
    "fluorite",
    "perovskite",
    "nickeline",
    "rutile",
    "wurtzite",
    "pyrite",
    "anatase",
    "quartz",
    "spinel",
    "corundum",
    "marcasite",
    "chalcopyrite",
]


def built(found: Reconstruction) -> Structure:
    return Structure(found.lattice, found.numbers, found.positions)


def search(tasks: list[Any], seed: int = 0, **settings: Any) -> list[Reconstruction]:
    hypotheses, distograms = [p.hypothesis for p in tasks], [p.distogram for p in tasks]
    return reconstruct(hypotheses, distograms, SearchSettings(**settings), seed)


@pytest.mark.parametrize("fitness", ["likelihood", "rmse"])
def test_textbook_crystals_are_rebuilt_from_their_distances(task: Callable[..., Any], fitness: str) -> None:
    tasks = [task(name) for name in NAMES]
    matcher = StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5)
    missed = [
        name
        for name, own, found in zip(NAMES, tasks, search(tasks, fitness=fitness), strict=True)
        if not matcher.fit(built(found), own.solution)
    ]
    assert missed == []


def test_crystals_are_rebuilt_in_a_cell_known_up_to_its_spread(task: Callable[..., Any]) -> None:
    names = ["rutile", "quartz", "wurtzite", "pyrite"]
    tasks = [task(name, spread=0.03) for name in names]
    for own, found in zip(tasks, search(tasks), strict=True):
        assert StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5).fit(built(found), own.solution)
        assert built(found).volume == pytest.approx(own.solution.volume, rel=0.1)


def test_results_come_in_the_order_of_the_hypotheses(task: Callable[..., Any]) -> None:
    tasks = [task(name) for name in ("quartz", "halite", "rutile", "copper", "anatase")]
    found = search(tasks, generations=2, polish_steps=2)
    assert len(found) == len(tasks)
    for own, result in zip(tasks, found, strict=True):
        assert Counter(result.numbers.tolist()) == Counter(own.solution.atomic_numbers)
        assert result.positions.shape == (len(result.numbers), 3)
        assert abs(np.linalg.det(result.lattice)) == pytest.approx(own.solution.volume, rel=1e-4)


def test_same_seed_same_result(task: Callable[..., Any]) -> None:
    tasks = [task(name, spread=0.02) for name in ("quartz", "rutile", "anatase")]
    first, again, other = (search(tasks, seed, generations=6, polish_steps=5) for seed in (3, 3, 4))
    for one, two in zip(first, again, strict=True):
        assert np.array_equal(one.positions, two.positions)
        assert np.array_equal(one.lattice, two.lattice)
        assert (one.geometry, one.penalty) == (two.geometry, two.penalty)
    assert any(
        not np.array_equal(one.positions, two.positions) for one, two in zip(first, other, strict=True)
    )


def test_nothing_is_searched_where_nothing_is_free(task: Callable[..., Any]) -> None:
    fluorite = task("fluorite")
    (found,) = search([fluorite])
    expected = min_image_distances(fluorite.solution.lattice.matrix, fluorite.solution.frac_coords)
    assert np.sort(min_image_distances(found.lattice, found.positions), axis=None) == pytest.approx(
        np.sort(expected, axis=None), abs=1e-3
    )
    assert found.penalty == 0


def test_a_crystal_of_one_atom_is_its_cell(task: Callable[..., Any]) -> None:
    (found,) = search([task("copper")])
    assert (found.geometry, found.penalty, len(found.numbers)) == (0, 0, 1)
    assert abs(np.linalg.det(found.lattice)) == pytest.approx(3.615**3 / 4, rel=1e-4)


def test_no_hypotheses_no_results() -> None:
    assert reconstruct([], [], SearchSettings(), 0) == []


def test_the_better_hypothesis_reaches_the_better_geometry(task: Callable[..., Any]) -> None:
    # Rutile's distances in rutile's and in anatase's symmetry: the evidence that re-ranks hypotheses.
    rutile, anatase = task("rutile"), task("anatase")
    right, wrong = reconstruct(
        [rutile.hypothesis, anatase.hypothesis], [rutile.distogram, rutile.distogram], SearchSettings(), 0
    )
    assert right.geometry < wrong.geometry


def test_atoms_do_not_clash_even_if_the_distogram_says_so(task: Callable[..., Any]) -> None:
    quartz = task("quartz")
    numbers, edges = quartz.distogram.numbers, quartz.distogram.bin_edges
    close = Distogram.from_distances(numbers, np.full((9, 9), 0.9), edges)
    (found,) = reconstruct([quartz.hypothesis], [close], SearchSettings(fitness="rmse"), 0)
    distances = min_image_distances(found.lattice, found.positions)
    radii = covalent_radii[numbers]
    closest = 0.6 * (radii[:, None] + radii) - 0.1  # a clash costs little where it begins
    assert np.all((distances > closest)[np.triu_indices(9, 1)])


def test_assembly_finds_what_a_poor_search_missed(task: Callable[..., Any]) -> None:
    tasks = [task(name) for name in ("orthoperovskite", "baddeleyite")]
    hypotheses, distograms = [p.hypothesis for p in tasks], [p.distogram for p in tasks]
    found = search(tasks, population=4, generations=1, polish_steps=1)
    matcher = StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5)
    assert not any(matcher.fit(built(own), p.solution) for own, p in zip(found, tasks, strict=True))
    better = improve_by_assembly(hypotheses, distograms, found, "likelihood", 0)
    for own, before, p in zip(better, found, tasks, strict=True):
        assert matcher.fit(built(own), p.solution)
        assert own.geometry + own.penalty < before.geometry + before.penalty
    # what is as good already stays as it is
    assert improve_by_assembly(hypotheses, distograms, better, "likelihood", 0) == better
