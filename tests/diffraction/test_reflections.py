"""Reflections: intensities, families and derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.analysis.diffraction.xrd import XRDCalculator
from pymatgen.core import Lattice, Structure

from alphacrystal.diffraction import Radiation, Reflections, lorentz_polarisation, reflections
from alphacrystal.errors import InputError

WAVELENGTH = 1.54184
CU = Radiation("Cu Kα", (WAVELENGTH,), (1.0,))
RANGE = (5.0, 90.0)


def angles_and_intensities(families: Reflections) -> tuple[np.ndarray, np.ndarray]:
    theta = np.arcsin(WAVELENGTH * np.sqrt(families.square) / 2)
    return 2 * np.degrees(theta), families.intensity * lorentz_polarisation(theta)


def pattern(structure: Structure) -> np.ndarray:
    """1/d² and intensity per atom squared of all families, those of one d added."""
    families = reflections(structure, CU, RANGE)
    keys = np.round(families.square, 6)
    spacings = np.unique(keys)
    total = np.array([families.intensity[keys == key].sum() for key in spacings]) / len(structure) ** 2
    return np.column_stack([spacings, total])[total > 1e-3 * total.max()]


@pytest.mark.parametrize("name", ["halite", "rutile", "garnet", "baddeleyite"])
def test_intensities_without_dispersion_are_those_of_pymatgen(
    name: str, request: pytest.FixtureRequest
) -> None:
    structure = request.getfixturevalue(name)
    angles, intensities = angles_and_intensities(reflections(structure, CU, RANGE, dispersion=False))
    expected = XRDCalculator(WAVELENGTH).get_pattern(structure, two_theta_range=RANGE)
    sums = np.array([intensities[np.abs(angles - x) < 1e-3].sum() for x in expected.x])
    np.testing.assert_allclose(100 * sums / sums.max(), expected.y, atol=5e-3)
    assert np.abs(angles[:, None] - expected.x).min(axis=1).max() < 0.01


def test_families_have_the_multiplicities_of_the_cubic_system(halite: Structure) -> None:
    families = reflections(halite, CU, RANGE)
    by_index = {
        tuple(sorted(map(abs, index))): multiplicity
        for index, multiplicity in zip(families.indices.tolist(), families.multiplicity.tolist(), strict=True)
    }
    expected = {(1, 1, 1): 8, (0, 0, 2): 6, (0, 2, 2): 12, (1, 1, 3): 24, (0, 2, 4): 24}
    assert expected.items() <= by_index.items()


@given(
    matrix=st.lists(st.integers(-1, 1), min_size=9, max_size=9),
    shift=st.lists(st.floats(0, 1), min_size=3, max_size=3),
)
@settings(deadline=None, max_examples=25)
def test_the_pattern_does_not_depend_on_cell_and_origin(
    rutile: Structure, matrix: list[int], shift: list[float]
) -> None:
    change = np.array(matrix).reshape(3, 3)
    size = abs(round(np.linalg.det(change)))
    if not 1 <= size <= 2:
        return
    other = rutile.copy()
    other.translate_sites(range(len(other)), shift)
    other.make_supercell(change)
    np.testing.assert_allclose(pattern(other), pattern(rutile), rtol=1e-6)


def test_a_conventional_cell_has_the_pattern_of_the_primitive_one(halite: Structure) -> None:
    np.testing.assert_allclose(pattern(halite), pattern(halite.get_primitive_structure()), rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "strains"), [("halite", 1), ("rutile", 2), ("garnet", 1), ("baddeleyite", 4)]
)
def test_free_strains_are_those_of_the_crystal_system(
    name: str, strains: int, request: pytest.FixtureRequest
) -> None:
    families = reflections(request.getfixturevalue(name), CU, RANGE)
    amounts = np.random.default_rng(0).normal(0, 0.02, len(families.strain_basis))
    assert len(amounts) == strains
    reciprocal = np.linalg.inv(families.strained_lattice(amounts)).T
    square = ((families.indices @ reciprocal) ** 2).sum(axis=1)
    np.testing.assert_allclose(square, families.square + families.derivative @ amounts, rtol=1e-9)


def test_displaced_atoms_have_the_derivatives_of_their_intensities(baddeleyite: Structure) -> None:
    families = reflections(baddeleyite, CU, RANGE, displacements=True)
    modes = len(families.displacements)
    assert modes == 9  # three general positions
    start = np.random.default_rng(1).normal(0, 0.05, modes)
    value, slope = families.squared_factors(start)
    for mode in range(modes):
        step = np.eye(modes)[mode] * 1e-6
        numeric = (families.squared_factors(start + step)[0] - value) / 1e-6
        np.testing.assert_allclose(slope[:, mode], numeric, atol=1e-3 * np.abs(slope).max())


def test_dispersion_lowers_the_intensities_of_cobalt_near_its_edge() -> None:
    # f' of Co at Cu Kα is -2.4 (International Tables C, table 4.2.6.8: -2.365); F = 4 (f + f' + i f'').
    cobalt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(3.544), ["Co"], [[0, 0, 0]])
    plain = reflections(cobalt, CU, RANGE, dispersion=False)
    shifted = reflections(cobalt, CU, RANGE)
    amplitude = np.sqrt(plain.intensity / plain.multiplicity)
    real = np.sqrt(shifted.intensity / shifted.multiplicity - (4 * 3.614) ** 2)
    np.testing.assert_allclose((real - amplitude) / 4, -2.365, atol=0.02)


def test_deuterium_scatters_as_hydrogen() -> None:
    cells = [Structure(Lattice.cubic(4.08), ["Li", symbol], [[0, 0, 0], [0.5, 0.5, 0.5]]) for symbol in "HD"]
    heavy, light = (reflections(cell, CU, RANGE).intensity for cell in reversed(cells))
    np.testing.assert_allclose(heavy, light)


def test_elements_beyond_californium_are_refused() -> None:
    with pytest.raises(InputError, match="No: the table of X-ray scattering factors ends at Cf"):
        reflections(Structure(Lattice.cubic(4), ["No"], [[0, 0, 0]]), CU, RANGE)


def test_disordered_crystals_are_refused() -> None:
    alloy = Structure(Lattice.cubic(3), [{"Cu": 0.5, "Zn": 0.5}], [[0, 0, 0]])
    with pytest.raises(InputError, match="disordered"):
        reflections(alloy, CU, RANGE)


def test_huge_cells_are_refused_before_they_fill_the_memory() -> None:
    with pytest.raises(InputError, match="too many reflections"):
        reflections(Structure(Lattice.cubic(200), ["Na"], [[0, 0, 0]]), CU, RANGE)


def test_a_range_without_reflections_is_empty(halite: Structure) -> None:
    assert len(reflections(halite, CU, (5.0, 20.0))) == 0
