"""How much the search for a superposition may compute, and what it saves by strain and symmetry."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.evaluation import _superposition
from alphacrystal.evaluation._cell_distances import AtomicCell
from alphacrystal.evaluation._correspondences import _log_strains, correspondences
from alphacrystal.evaluation._families import ComparedCrystal, superpositions
from alphacrystal.evaluation._superposition import _common_cells, _primitive, _Search, best_superpositions

CUBIC = Structure.from_spacegroup(
    221, Lattice.cubic(3.905), ["Sr", "Ti", "O"], [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]]
)
TILTED = {
    "Pnma": Structure.from_spacegroup(
        62,
        Lattice.orthorhombic(5.50, 7.76, 5.46),
        ["Sr", "Ti", "O", "O"],
        [[0.03, 0.25, 0.99], [0, 0, 0.5], [0.49, 0.25, 0.07], [0.28, 0.035, 0.72]],
    ),
    "I4/mcm": Structure.from_spacegroup(
        140,
        Lattice.tetragonal(5.51, 7.81),
        ["Sr", "Ti", "O", "O"],
        [[0, 0.5, 0.25], [0, 0, 0], [0, 0, 0.25], [0.235, 0.735, 0]],
    ),
    "R-3c": Structure.from_spacegroup(
        167, Lattice.hexagonal(5.49, 13.5), ["Sr", "Ti", "O"], [[0, 0, 0.25], [0, 0, 0], [0.46, 0, 0.25]]
    ),
}


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Callable[[Structure, Structure], int]:
    """Periodic distances that the search of a pair computes."""
    searches: list[_Search] = []

    class Counted(_Search):
        def __init__(self, *arguments: int) -> None:
            super().__init__(*arguments)
            searches.append(self)

    monkeypatch.setattr(_superposition, "_Search", Counted)

    def count(target: Structure, predicted: Structure) -> int:
        best_superpositions(AtomicCell.of(target), AtomicCell.of(predicted))
        return searches[-1].steps

    return count


@pytest.mark.parametrize(
    ("name", "rms"), [("Pnma", 0.2970961625), ("I4/mcm", 0.0741373269), ("R-3c", 0.1710055122)]
)
def test_tilted_perovskite_is_laid_on_the_cubic_one(
    name: str, rms: float, steps: Callable[[Structure, Structure], int]
) -> None:
    """The distances are those of the search that tried every common cell (it took up to 90 s)."""
    for target, predicted in ((TILTED[name], CUBIC), (CUBIC, TILTED[name])):
        best = best_superpositions(AtomicCell.of(target), AtomicCell.of(predicted))
        assert best[0].rms == pytest.approx(rms, abs=1e-8)
        assert len(best) <= 48
        assert steps(target, predicted) < _superposition.MAX_STEPS / 20


def test_order_by_strain_leaves_no_better_superposition_out() -> None:
    """Against a plain walk over all common cells and correspondences, for random crystals."""
    rng = np.random.default_rng(3)
    for _ in range(3):
        cells = []
        for units in (1, 2):
            lattice = Lattice.from_parameters(
                *(30 * units) ** (1 / 3) * rng.uniform(0.8, 1.3, 3), 85, 95, 100
            )
            species = ["Ti"] * units + ["O"] * 2 * units
            cells.append(AtomicCell.of(Structure(lattice, species, rng.random((3 * units, 3)))))
        one, other = (_primitive(cell) for cell in cells)
        plain = _Search(len(one.numbers))
        kept = list(_common_cells(one, other))  # a cell is known by its identity
        for left, right in kept:
            for match in correspondences(left.lattice, right.lattice):
                plain.add(left, right, match)
        best = best_superpositions(*cells)
        assert best[0].rms == pytest.approx(plain.rms, abs=1e-9)


def test_correspondences_are_all_matrices_within_the_margin() -> None:
    """Against every matrix with entries up to 2: the quick test of the stretches leaves none out."""
    rng = np.random.default_rng(5)
    steps = np.arange(-2, 3)
    matrices = np.stack(np.meshgrid(*[steps] * 9, indexing="ij"), -1).reshape(-1, 3, 3)
    matrices = matrices[np.abs(np.abs(np.linalg.det(matrices)) - 1) < 1e-6]
    for _ in range(3):
        lattice, other = (np.diag(rng.uniform(3, 5, 3)) + rng.uniform(-0.4, 0.4, (3, 3)) for _ in range(2))
        scaled = other * np.cbrt(abs(np.linalg.det(lattice) / np.linalg.det(other)))
        shears = _log_strains(lattice, matrices @ scaled)
        expected = matrices[shears <= shears.min() + 0.1]
        found = correspondences(lattice, other)
        assert {match.matrix.tobytes() for match in found} == {matrix.tobytes() for matrix in expected}


def test_value_beyond_the_limit_says_that_it_was_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """All metrics of the superposition get the reason, and the search is made once."""
    monkeypatch.setattr(_superposition, "MAX_STEPS", 100_000)
    searches: list[_Search] = []

    class Counted(_Search):
        def __init__(self, *arguments: int) -> None:
            super().__init__(*arguments)
            searches.append(self)

    monkeypatch.setattr(_superposition, "_Search", Counted)
    values = superpositions(ComparedCrystal.of(TILTED["Pnma"]), ComparedCrystal.of(CUBIC))
    assert len(values) > 5
    assert {item.reason for item in values.values()} == {
        "not computed: the superposition takes more than 100,000 distances"
    }
    assert {item.value for item in values.values()} == {None}
    assert len(searches) == 1
