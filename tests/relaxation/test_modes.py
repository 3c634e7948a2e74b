"""Structures along unstable modes, against known transitions."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.relaxation import (
    HarmonicCrystal,
    displaced_structures,
    harmonic_crystal,
    load_potential,
    phonons_of,
    relax,
)
from alphacrystal.relaxation.modes import (
    mode_repeats,
    modulated,
    symmetric_directions,
    unstable_modes,
    wave_vector_components,
)
from alphacrystal.runtime.torch_setup import one_torch_thread

pytest.importorskip("phonopy", reason="needs the extra phonons")
pytest.importorskip("seekpath", reason="needs the extra phonons")


def relaxed(structure: Structure) -> tuple[HarmonicCrystal, float]:
    potential = load_potential("chgnet")
    (end,) = relax([structure], potential)
    assert end.energy_per_atom is not None
    with one_torch_thread():
        return harmonic_crystal(end.structure, potential), end.energy_per_atom


@pytest.fixture(scope="module")
def fluorite() -> tuple[HarmonicCrystal, float]:
    """Cubic zirconia."""
    crystal = Structure.from_spacegroup(225, Lattice.cubic(5.10), ["Zr", "O"], [[0] * 3, [0.25] * 3])
    return relaxed(crystal.get_primitive_structure())


def test_cubic_zirconia_becomes_tetragonal(fluorite: tuple[HarmonicCrystal, float]) -> None:
    """A mode at X condenses to P4_2/nmc (G. Teufer, Acta Cryst. 15, 1187 (1962))."""
    harmonic, cubic = fluorite
    (first, *_) = displaced_structures(harmonic, load_potential("chgnet"))
    assert sorted(first.wave_vector) == [0.0, 0.5, 0.5]
    assert first.frequency_thz < -3
    (end,) = relax([first.structure], load_potential("chgnet"))
    assert end.converged
    assert end.structure.get_space_group_info(0.05)[1] == 137
    assert end.energy_per_atom is not None
    assert -0.06 < end.energy_per_atom - cubic < -0.01


def test_displacement_patterns_are_those_of_phonopy(fluorite: tuple[HarmonicCrystal, float]) -> None:
    harmonic, _ = fluorite
    found = unstable_modes(harmonic)
    assert found is not None
    point, frequency, vectors = found
    assert len(vectors) == 1  # not degenerate: phonopy has the same mode
    repeats = mode_repeats(point)
    (pattern, *_) = symmetric_directions(harmonic, point, vectors, repeats)
    phonopy = harmonic.phonopy
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # later versions of phonopy rename the second call
        phonopy.run_modulations(dimension=repeats, phonon_modes=[[point, 0, 1.0, 0.0]])
        displacements, cell = phonopy.get_modulations_and_supercell()
    theirs = np.asarray(displacements)[0]
    theirs = theirs * np.exp(-1j * np.angle(theirs.ravel()[np.argmax(np.abs(theirs))]))
    ours = modulated(harmonic, pattern, 1e-3, repeats)
    still = modulated(harmonic, pattern, 0.0, repeats)
    moved = ours.cart_coords - still.cart_coords
    order = [
        int(np.argmin(still.lattice.get_all_distances([position], still.frac_coords)[0]))
        for position in cell.scaled_positions
    ]
    compared = np.real(theirs) / np.linalg.norm(np.real(theirs))
    assert abs(np.sum(compared * moved[order] / np.linalg.norm(moved))) == pytest.approx(1, abs=1e-3)
    assert frequency == pytest.approx(phonons_of(harmonic).lowest_frequency_thz, abs=0.3)


def test_a_stable_crystal_has_no_mode_to_follow() -> None:
    salt = Structure.from_spacegroup(225, Lattice.cubic(5.70), ["Na", "Cl"], [[0] * 3, [0.5] * 3])
    harmonic, _ = relaxed(salt.get_primitive_structure())
    assert displaced_structures(harmonic, load_potential("chgnet")) == []


@pytest.mark.parametrize("repeats", [1, 2, 4, 6])
def test_wave_vectors_belong_to_the_supercell_and_to_small_cells(repeats: int) -> None:
    components = wave_vector_components(repeats)
    assert components[0] == 0
    for component in components:
        assert component * repeats == pytest.approx(round(component * repeats))
        assert mode_repeats((component, 0, 0))[0] in (1, 2, 3)
