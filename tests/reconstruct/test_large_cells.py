"""Crystals of large cells from prototype coordinates, without predicted distances."""

import numpy as np
import pytest

from alphacrystal.crystal import (
    LatticeParameters,
    SymmetryHypothesis,
    describe_symmetry,
    free_count,
    min_image_distances,
    space_group,
)
from alphacrystal.reconstruct import reconstruct_large

ZERO = LatticeParameters(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
NO_SPREAD = (0.0,) * 6
# Olivine Mg2SiO4 (Pnma, a = 10.20, b = 5.98, c = 4.76 Å; Birle et al., Am. Mineral. 53, 807, 1968), rounded.
OLIVINE = {
    "Mg": ("ac", [(0, 0, 0), (0.277, 0.25, 0.992)]),
    "Si": ("c", [(0.094, 0.25, 0.427)]),
    "O": ("ccd", [(0.092, 0.25, 0.766), (0.448, 0.25, 0.221), (0.163, 0.033, 0.277)]),
}


def hypothesis(group: int, occupation: dict[str, str], cell: LatticeParameters) -> SymmetryHypothesis:
    return SymmetryHypothesis(group, occupation, 4, cell, ZERO, NO_SPREAD, -0.1)


@pytest.fixture
def olivine() -> SymmetryHypothesis:
    occupation = {element: letters for element, (letters, _) in OLIVINE.items()}
    return hypothesis(62, occupation, LatticeParameters(10.20, 5.98, 4.76, 90, 90, 90))


def olivine_positions() -> np.ndarray:
    group = space_group(62)
    atoms = []
    for letters, points in OLIVINE.values():
        for letter, point in zip(letters, points, strict=True):
            position = group.positions[letter]
            axes = [axis for axis in range(3) if np.any(position.linear[0][axis] != 0)]
            atoms.append(position.linear @ np.array(point)[axes] + position.constant)
    return np.concatenate(atoms)


def test_the_crystal_has_the_coordinates_of_the_prototype(olivine: SymmetryHypothesis) -> None:
    positions = olivine_positions()
    assert len(positions) == 28
    ((crystal, share),) = reconstruct_large(olivine, positions[None], np.array([7]), seed=0)
    assert (share, crystal.method, crystal.penalty) == (1.0, "prototype", 0.0)
    found = describe_symmetry(crystal.lattice, crystal.positions, crystal.numbers)
    assert found.space_group == 62
    assert found.occupation() == olivine.occupation
    lengths = min_image_distances(crystal.lattice, crystal.positions)
    silicon = np.flatnonzero(crystal.numbers == 14)[0]
    oxygens = np.sort(lengths[silicon][crystal.numbers == 8])
    assert oxygens[:4] == pytest.approx(1.635, abs=0.03)  # SiO4 tetrahedra
    assert oxygens[4] > 2.5


def test_prototypes_are_weighted_by_their_formulas(olivine: SymmetryHypothesis) -> None:
    positions = olivine_positions()
    prototypes = np.stack([positions, positions + 0.01, positions + 0.02, positions + 0.03, positions + 0.04])
    crystals = reconstruct_large(olivine, prototypes, np.array([2, 50, 1, 45, 2]), seed=0)
    assert [weight for _, weight in crystals] == pytest.approx([1, 0.9])  # the others are too rare


def test_prototypes_of_related_types_are_compared_by_contacts(olivine: SymmetryHypothesis) -> None:
    good = olivine_positions()
    bad = good.copy()
    bad[16:] = good[12:13] + np.linspace(0, 0.1, 12)[:, None]  # oxygen atoms close together
    crystals = reconstruct_large(olivine, np.stack([bad, good]), np.zeros(0, dtype=np.int64), seed=0)
    penalties = [crystal.penalty for crystal, _ in crystals]
    assert penalties[0] == 0 < penalties[1]
    assert [weight for _, weight in crystals] == [1, 1]


def test_few_free_coordinates_are_sampled() -> None:
    spinel = hypothesis(
        227, {"Mg": "a", "Al": "d", "O": "e"}, LatticeParameters(8.08, 8.08, 8.08, 90, 90, 90)
    )
    nothing = np.zeros((0, 14, 3))
    one, other = (reconstruct_large(spinel, nothing, np.zeros(0, dtype=np.int64), seed) for seed in (1, 1))
    assert 1 <= len(one) <= 3
    for (first, _), (second, _) in zip(one, other, strict=True):
        assert np.array_equal(first.positions, second.positions)  # same seed, same result
    assert one[0][0].penalty == 0


def test_many_free_coordinates_without_prototypes_give_nothing(olivine: SymmetryHypothesis) -> None:
    assert free_count(62, olivine.occupation.values()) > 6
    assert reconstruct_large(olivine, np.zeros((0, 28, 3)), np.zeros(0, dtype=np.int64), seed=0) == []
