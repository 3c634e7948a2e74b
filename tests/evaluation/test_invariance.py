"""The invariant forms: the same whatever the description, and right where the answer is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from alphacrystal.evaluation import METRIC_SETS, compare, compare_many
from alphacrystal.evaluation._cell_distances import AtomicCell
from alphacrystal.evaluation._superposed import superposed_values
from alphacrystal.evaluation._superposition import best_superpositions


def values(target: Structure, predicted: Structure) -> dict[str, float]:
    found = superposed_values(AtomicCell.of(target), AtomicCell.of(predicted))
    return {name: compute() for name, compute in found.items()}


def disturbed(structure: Structure, seed: int) -> Structure:
    """Another crystal: sheared by some per cent, each atom moved by some hundredths of the cell."""
    rng = np.random.default_rng(seed)
    lattice = structure.lattice.matrix @ (np.eye(3) + rng.normal(0, 0.03, (3, 3)))
    moved = structure.frac_coords + rng.normal(0, 0.02, (len(structure), 3))
    return Structure(lattice, structure.species, moved)


@pytest.mark.parametrize("name", ["halite", "rutile", "wurtzite", "quartz", "perovskite", "layered oxide"])
@settings(max_examples=4)
@given(seed=st.integers(0, 10_000), enlarge=st.integers(1, 2))
def test_values_do_not_depend_on_the_description(textbook, redescribe, name, seed, enlarge) -> None:
    """Origin, choice and size of the cell, orientation and order of atoms, of both crystals."""
    target = textbook(name).get_primitive_structure()
    predicted = disturbed(target, seed)
    described = values(redescribe(target, seed, enlarge=enlarge), redescribe(predicted, seed + 1))
    assert described == pytest.approx(values(target, predicted), abs=2e-4)


def test_values_do_not_depend_on_the_description_of_unlike_crystals(textbook, redescribe) -> None:
    rutile, anatase = textbook("rutile"), textbook("anatase")
    plain = values(rutile, anatase)
    assert values(redescribe(rutile, 3, enlarge=2), redescribe(anatase, 4)) == pytest.approx(plain, abs=2e-4)
    assert plain["superpose_invariant"] > 0.5


@settings(max_examples=8)
@given(seed=st.integers(0, 10_000), units=st.integers(1, 3))
def test_values_do_not_depend_on_the_description_of_random_crystals(redescribe, seed, units) -> None:
    rng = np.random.default_rng(seed)
    edge = (30 * units) ** (1 / 3)
    one, other = (
        Structure(
            Lattice.from_parameters(*edge * rng.uniform(0.7, 1.4, 3), *rng.uniform(70, 110, 3)),
            ["Ti"] * units + ["O"] * 2 * units,
            rng.random((3 * units, 3)),
        )
        for _ in range(2)
    )
    described = values(redescribe(one, seed), redescribe(other, seed + 1))
    assert described == pytest.approx(values(one, other), abs=2e-4)


def test_all_invariant_metrics_are_invariant(textbook, redescribe) -> None:
    """Those that need libraries too: matching, fingerprints, orbital fields, diffraction, energies."""

    class Volume:
        """An energy model that gives the volume, so that no network is loaded."""

        name = "volume"
        supported_elements = frozenset({"Cs", "Cl"})

        def energies_per_atom(self, structures):
            return np.array([structure.volume / len(structure) for structure in structures])

    target = textbook("caesium chloride")
    predicted = disturbed(target, 5)
    one, other = compare_many(
        [(predicted, target), (redescribe(predicted, 1, enlarge=2), redescribe(target, 2))],
        METRIC_SETS["invariant"],
        potential=Volume(),
    )
    assert {name: item.value for name, item in one.items()} == {
        name: pytest.approx(item.value, abs=1e-3) for name, item in other.items()
    }
    assert all(item.value for name, item in one.items() if name != "edit_graph_invariant")


def test_one_moved_atom_is_seen_as_far_as_it_moved(textbook) -> None:
    """One of five atoms by 0.1 Å: less the mean, the root mean square is 0.1 · sqrt(1/5 - 1/25)."""
    target = textbook("perovskite")
    predicted = target.copy()
    predicted.translate_sites([1], [0.1 / target.lattice.c, 0, 0])
    found = values(target, predicted)
    assert found["superpose_invariant"] == pytest.approx(0.04, abs=1e-6)
    assert found["sinkhorn_invariant"] == pytest.approx(0.1 * (0.8 + 4 * 0.2), abs=1e-6)
    assert found["hausdorff_invariant"] == pytest.approx(0.08, abs=1e-6)
    assert found["wyckoff_rmse_invariant"] == pytest.approx(0.04 / np.sqrt(3) / target.lattice.a, abs=1e-6)


def test_pure_strain_is_that_of_a_ball_with_the_volume_of_the_cell(textbook) -> None:
    target = textbook("caesium chloride")
    predicted = Structure(Lattice.cubic(target.lattice.a * 1.02), target.species, target.frac_coords)
    radius = (3 / (4 * np.pi)) ** (1 / 3) * 1.01 * target.lattice.a
    found = values(target, predicted)
    assert found["superpose_invariant"] == pytest.approx(radius * np.sqrt(3 / 5) * np.log(1.02), rel=1e-6)
    assert found["wyckoff_rmse_invariant"] == pytest.approx(0, abs=1e-7)


def test_superposition_is_symmetric(textbook) -> None:
    rutile, anatase = (AtomicCell.of(textbook(name)) for name in ("rutile", "anatase"))
    forth, back = best_superpositions(rutile, anatase)[0], best_superpositions(anatase, rutile)[0]
    assert forth.rms == pytest.approx(back.rms, abs=1e-6)


def test_mirror_images_are_one_crystal(textbook) -> None:
    quartz = textbook("quartz")
    mirrored = Structure(quartz.lattice, quartz.species, -quartz.frac_coords)
    assert values(quartz, mirrored)["superpose_invariant"] == pytest.approx(0, abs=1e-6)


def test_exchanged_elements_are_seen() -> None:
    """Two orders of two metals on the same points: the printed forms give 0."""
    points = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    cells = [Lattice.tetragonal(3.8, 3.8), Lattice.tetragonal(3.8, 3.8)]
    layered = Structure(cells[0], ["Cu", "Cu", "Au", "Au"], points)
    doubled = layered * (1, 1, 2)
    other = doubled.copy()
    for index, site in enumerate(other):
        other.replace(index, "Cu" if site.frac_coords[2] < 0.49 else "Au")
    found = compare(other, doubled, "superpose_rmsd,chamfer_dist,fingerprint")
    assert found["superpose_rmsd"].value == pytest.approx(0, abs=1e-6)
    assert found["chamfer_dist"].value == pytest.approx(0, abs=1e-6)
    assert found["fingerprint"].value == pytest.approx(0, abs=1e-3)
    assert found["superpose_invariant"].value > 0.5
    assert found["chamfer_invariant"].value > 1
    # Of twelve neighbours, eight of the other element or four, once for each of two elements.
    assert found["fingerprint_by_element"].value == pytest.approx(np.sqrt(2) / 3, abs=1e-3)


def test_polymorphs_of_other_cell_sizes_share_a_multiple(textbook) -> None:
    """Two formula units of sphalerite on two of wurtzite."""
    wurtzite = textbook("wurtzite").copy()
    sphalerite = textbook("sphalerite").copy()
    sphalerite.replace_species({"S": "O"})
    found = best_superpositions(AtomicCell.of(sphalerite), AtomicCell.of(wurtzite))[0]
    assert len(found.shifts) == 4
    assert found.primitive_atoms == 2


def test_different_formulas_are_not_comparable(textbook) -> None:
    found = compare(textbook("halite"), textbook("fluorite"), "superpose_rmsd")
    assert found["superpose_rmsd"].value is not None
    assert found["superpose_invariant"].value is None
    assert found["superpose_invariant"].reason == "not comparable, because their reduced formulas differ"
