"""Operations found, made exact, and used: projections, free directions and the quotient graph."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import Crystal, CrystalSymmetry, identity_symmetry, symmetrise_crystal
from alphacrystal.relaxation import CHGNetPotential

Textbook = dict[str, Callable[..., Structure]]

#: Free atomic and lattice directions: Wyckoff parameters and lattice constants of each textbook crystal.
FREE = {
    "rock salt": (0, 1),
    "rutile": (1, 2),
    "Zr4Al3": (1, 2),
    "wurtzite": (1, 2),
    "perovskite": (0, 1),
    "quartz": (4, 2),
}


def symmetric(structure: Structure) -> tuple[Crystal, CrystalSymmetry]:
    crystal = symmetrise_crystal(Crystal.from_structure(structure), 0.01)
    assert crystal.symmetry is not None
    return crystal, crystal.symmetry


def largest_misfit(crystal: Crystal, symmetry: CrystalSymmetry) -> float:
    turned = (
        np.einsum("gab,ib->gia", symmetry.rotations, crystal.frac_coords) + symmetry.translations[:, None]
    )
    return float(np.abs(turned - symmetry.shifts - crystal.frac_coords[symmetry.permutations]).max())


@pytest.mark.parametrize("name", FREE)
def test_free_directions_are_the_wyckoff_and_lattice_parameters(name: str, textbook: Textbook) -> None:
    _, symmetry = symmetric(textbook[name]())
    assert (len(symmetry.displacement_basis()), len(symmetry.strain_basis())) == FREE[name]


@pytest.mark.parametrize("name", FREE)
@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_rounded_coordinates_are_moved_onto_the_group(name: str, seed: int, textbook: Textbook) -> None:
    structure = textbook[name]()
    rng = np.random.default_rng(seed)
    structure = Structure(
        structure.lattice.matrix + rng.uniform(-2e-4, 2e-4, (3, 3)),
        structure.species,
        structure.frac_coords + rng.uniform(-2e-4, 2e-4, (len(structure), 3)),
    )
    crystal, symmetry = symmetric(structure)
    assert symmetry.number == symmetric(textbook[name]())[1].number
    assert largest_misfit(crystal, symmetry) < 1e-12
    products = np.transpose(symmetry.cartesian, (0, 2, 1)) @ symmetry.cartesian
    assert products == pytest.approx(np.broadcast_to(np.eye(3), products.shape), abs=1e-10)
    moved = (crystal.frac_coords - structure.frac_coords) @ crystal.lattice
    assert np.linalg.norm(moved, axis=1).max() < 0.02


@pytest.mark.parametrize("name", FREE)
@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_symmetrised_vectors_and_tensors_stay_what_they_are(name: str, seed: int, textbook: Textbook) -> None:
    rng = np.random.default_rng(seed)
    crystal, symmetry = symmetric(textbook[name]())
    vectors = symmetry.symmetrise_vectors(rng.normal(size=(len(crystal), 3)))
    tensor = symmetry.symmetrise_tensor(rng.normal(size=(3, 3)))
    assert symmetry.symmetrise_vectors(vectors) == pytest.approx(vectors, abs=1e-12)
    assert symmetry.symmetrise_tensor(tensor) == pytest.approx(tensor, abs=1e-12)


@pytest.mark.parametrize("name", FREE)
@settings(max_examples=5)
@given(seed=st.integers(0, 10_000))
def test_quotient_graph_gives_energy_forces_and_stress_of_the_full_graph(
    name: str, seed: int, chgnet: CHGNetPotential, textbook: Textbook
) -> None:
    rng = np.random.default_rng(seed)
    crystal, symmetry = symmetric(textbook[name]())
    modes, strains = symmetry.displacement_basis(), symmetry.strain_basis()
    moved = np.einsum("m,mia->ia", rng.normal(scale=0.1, size=len(modes)), modes)
    strain = np.einsum("m,mab->ab", rng.normal(scale=0.03, size=len(strains)), strains)
    lattice = crystal.lattice @ (np.eye(3) + strain)
    frac_coords = crystal.frac_coords + moved @ np.linalg.inv(crystal.lattice)
    reduced = Crystal(crystal.numbers, lattice, frac_coords, symmetry)
    full = Crystal(crystal.numbers, lattice, frac_coords, identity_symmetry(crystal))
    assert largest_misfit(reduced, symmetry) < 1e-12
    one, other = chgnet.evaluate_crystals([reduced]), chgnet.evaluate_crystals([full])
    assert one.energies[0] == pytest.approx(other.energies[0], abs=1e-5 * len(crystal))
    assert one.forces[0] == pytest.approx(other.forces[0], abs=1e-3)
    assert one.stresses[0] == pytest.approx(other.stresses[0], abs=3e-5)


def test_graph_is_reused_while_atoms_move_little_and_rebuilt_when_they_move_far(
    chgnet: CHGNetPotential, textbook: Textbook
) -> None:
    crystal, symmetry = symmetric(textbook["quartz"]())
    modes = symmetry.displacement_basis()
    start = crystal.frac_coords.copy()
    chgnet.evaluate_crystals([crystal])
    for size, same in ((0.05, True), (0.6, False)):
        before = crystal.workspace
        crystal.frac_coords = start + size * modes[0] @ np.linalg.inv(crystal.lattice)
        warm = chgnet.evaluate_crystals([crystal])
        cold = chgnet.evaluate_crystals(
            [Crystal(crystal.numbers, crystal.lattice, crystal.frac_coords, symmetry)]
        )
        assert (crystal.workspace is before) == same
        assert warm.energies == pytest.approx(cold.energies, abs=1e-4)
        assert warm.forces[0] == pytest.approx(cold.forces[0], abs=1e-3)


def test_memory_is_bounded_in_a_supercell_with_thousands_of_operations() -> None:
    aluminium = Structure.from_spacegroup(225, Lattice.cubic(4.05), ["Al"], [[0, 0, 0]])
    supercell = Crystal.from_structure(aluminium.get_primitive_structure().make_supercell(4))
    tracemalloc.start()
    try:
        crystal = symmetrise_crystal(supercell, 0.01)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(crystal.symmetry) == 48 * 64
    assert peak < 300e6  # bytes; all operations at once take 1.3 GB
