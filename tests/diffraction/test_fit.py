"""Fit of crystals to patterns and lists of peaks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from alphacrystal.diffraction import (
    CU_KALPHA,
    Faults,
    FitSettings,
    PeakList,
    PowderPattern,
    Profile,
    find_peaks,
    fit_crystal,
    fit_crystals,
    reflections,
    simulate_pattern,
)
from alphacrystal.errors import InputError

ANGLES = np.arange(10, 90, 0.02)
NAMES = ["halite", "rutile", "garnet", "baddeleyite"]
MAX_EVALUATIONS = 180
SAMPLED = settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])


def strained(structure: Structure, seed: int, spread: float = 0.015) -> Structure:
    """The crystal with another cell of the same symmetry."""
    families = reflections(structure, CU_KALPHA, (10, 30))
    size = len(families.strain_basis)
    strains = np.random.default_rng(seed).normal(0, 2 * spread, size).clip(-4 * spread, 4 * spread)
    return Structure(Lattice(families.strained_lattice(strains)), structure.species, structure.frac_coords)


def measured(structure: Structure, **changes: float) -> PowderPattern:
    profile = Profile(width=0.1, strain_width=0.05).replaced(**changes)
    return simulate_pattern(structure, ANGLES, profile=profile, rng=np.random.default_rng(1))


def cell(structure: Structure) -> np.ndarray:
    return np.array(structure.lattice.parameters)


def test_unrelated_crystal_is_not_refined(rutile: Structure, halite: Structure) -> None:
    pattern = measured(rutile)
    unrelated = halite.copy()
    unrelated.scale_lattice(2.1 * halite.volume)
    related, other = fit_crystals([rutile, unrelated], pattern)
    assert other.profile is not None
    assert other.misfit > 0.8 > 20 * related.misfit
    assert other.evaluations < related.evaluations
    assert other.profile.parameters.texture == 0
    assert len(other.unexplained.spacing) > len(related.unexplained.spacing)


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 1000), zero=st.floats(-0.08, 0.08))
@SAMPLED
def test_cell_and_zero_shift_are_recovered(
    name: str, request: pytest.FixtureRequest, seed: int, zero: float
) -> None:
    structure = request.getfixturevalue(name)
    fit = fit_crystal(strained(structure, seed), measured(structure, zero=zero))
    assert fit.profile is not None
    np.testing.assert_allclose(cell(fit.structure), cell(structure), rtol=1.5e-3)
    # A displacement of the sample is nearly a zero shift.
    shift = fit.profile.parameters.zero + 0.9 * fit.profile.parameters.displacement
    assert abs(shift - zero) < 0.02
    assert fit.profile.r_wp < 0.1
    assert fit.misfit < 0.05
    assert fit.evaluations <= MAX_EVALUATIONS


def test_texture_is_recovered(rutile: Structure) -> None:
    faults = Faults(texture_axis=(1, 1, 0))
    profile = Profile(texture=-0.4)
    pattern = simulate_pattern(rutile, ANGLES, profile=profile, faults=faults, rng=np.random.default_rng(0))
    fit = fit_crystal(rutile, pattern)
    without = fit_crystal(rutile, pattern, FitSettings(texture=False))
    assert fit.profile is not None
    assert without.profile is not None
    axis = np.abs(np.array(fit.profile.texture_axis))
    assert axis.tolist() == [1, 1, 0]
    assert fit.profile.parameters.texture == pytest.approx(-0.4, abs=0.05)
    assert fit.profile.r_wp < 0.6 * without.profile.r_wp
    assert without.profile.texture_axis is None


def test_a_powder_without_texture_gets_none(baddeleyite: Structure) -> None:
    fit = fit_crystal(baddeleyite, measured(baddeleyite))
    assert fit.profile is not None
    assert fit.profile.texture_axis is None


def test_widths_are_recovered(rutile: Structure) -> None:
    fit = fit_crystal(rutile, measured(rutile, width=0.15, strain_width=0.12, mixing=0.3, b_iso=1.0))
    assert fit.profile is not None
    parameters = fit.profile.parameters
    assert parameters.width == pytest.approx(0.15, abs=0.02)
    assert parameters.strain_width == pytest.approx(0.12, abs=0.03)
    assert parameters.mixing == pytest.approx(0.3, abs=0.1)
    assert parameters.b_iso == pytest.approx(1.0, abs=0.2)


def test_coordinates_are_refined_if_wanted(rutile: Structure) -> None:
    moved = Structure.from_spacegroup("P4_2/mnm", rutile.lattice, ["Ti", "O"], [[0, 0, 0], [0.318, 0.318, 0]])
    pattern = measured(rutile)
    rough = fit_crystal(moved, pattern)
    refined = fit_crystal(moved, pattern, FitSettings(coordinates=True))
    distance = refined.structure.get_neighbors(refined.structure[0], 2.2)
    bonds = sorted(neighbour.nn_distance for neighbour in distance)
    expected = sorted(neighbour.nn_distance for neighbour in rutile.get_neighbors(rutile[0], 2.2))
    np.testing.assert_allclose(bonds, expected, atol=0.01)
    assert refined.misfit < 0.6 * rough.misfit


def test_another_structure_of_the_formula_fits_worse(rutile: Structure, anatase: Structure) -> None:
    fits = fit_crystals([strained(rutile, 4), strained(anatase, 4)], measured(rutile))
    assert fits[0].profile is not None
    assert fits[1].profile is not None
    assert fits[0].profile.r_wp < 0.1
    assert fits[1].profile.r_wp > 0.4
    assert fits[0].misfit < 0.1 * fits[1].misfit
    assert fits[0].log_likelihood > fits[1].log_likelihood + 20
    assert len(fits[1].unexplained.spacing) > 3 > len(fits[0].unexplained.spacing)
    assert len(fits[1].missing) > 0 == len(fits[0].missing)


@given(shift=st.lists(st.floats(0, 1), min_size=3, max_size=3), seed=st.integers(0, 5))
@SAMPLED
def test_the_fit_does_not_depend_on_cell_and_origin(halite: Structure, shift: list[float], seed: int) -> None:
    pattern = measured(halite)
    start = strained(halite, seed)
    other = start.get_primitive_structure()
    other.translate_sites(range(len(other)), shift)
    fits = fit_crystals([start, other], pattern)
    assert fits[0].misfit == pytest.approx(fits[1].misfit, rel=1e-3)
    assert fits[0].log_likelihood == pytest.approx(fits[1].log_likelihood, abs=0.05)
    volumes = [fit.structure.volume / len(fit.structure) for fit in fits]
    assert volumes[0] == pytest.approx(volumes[1], rel=1e-4)


def test_peaks_of_a_foreign_phase_are_unexplained(rutile: Structure, halite: Structure) -> None:
    faults = Faults(foreign=(halite,), foreign_share=0.1)
    pattern = simulate_pattern(rutile, ANGLES, faults=faults, rng=np.random.default_rng(0))
    fit = fit_crystal(strained(rutile, 2), pattern)
    np.testing.assert_allclose(cell(fit.structure), cell(rutile), rtol=1e-3)
    assert np.abs(fit.unexplained.spacing - 2.82).min() < 0.01  # 200 of halite
    assert np.abs(fit.unexplained.spacing - 1.994).min() < 0.01


def test_reliability_factors_follow_their_definitions(rutile: Structure) -> None:
    # Toby 2006, doi:10.1154/1.2179804.
    pattern = measured(rutile)
    fit = fit_crystal(rutile, pattern)
    profile = fit.profile
    assert profile is not None
    weight = 1 / np.maximum(profile.observed, 1)
    squares = (weight * (profile.observed - profile.calculated) ** 2).sum()
    net = (weight * (profile.observed - profile.background) ** 2).sum()
    assert profile.r_wp == pytest.approx(np.sqrt(squares / (weight * profile.observed**2).sum()))
    assert profile.r_wp_net == pytest.approx(np.sqrt(squares / net))
    difference = np.abs(profile.observed - profile.calculated).sum()
    assert profile.r_p == pytest.approx(difference / profile.observed.sum())
    # The residual is the noise of the counts.
    assert squares / len(profile.observed) == pytest.approx(1, abs=0.25)


def test_a_list_of_peaks_finds_the_cell_and_the_structure(rutile: Structure, anatase: Structure) -> None:
    peaks = find_peaks(measured(rutile))
    shuffled = np.random.default_rng(0).permutation(len(peaks.spacing))
    listed = PeakList(peaks.spacing[shuffled], peaks.intensity[shuffled], CU_KALPHA, "peaks.txt")
    right, wrong = fit_crystals([strained(rutile, 5), strained(anatase, 5)], listed)
    np.testing.assert_allclose(cell(right.structure), cell(rutile), rtol=3e-3)
    assert right.profile is None
    assert right.log_likelihood > wrong.log_likelihood + 20
    assert right.misfit < 0.2 * wrong.misfit
    assert len(right.unexplained.spacing) <= 1


def test_two_runs_give_the_same_result(baddeleyite: Structure) -> None:
    pattern = measured(baddeleyite)
    fits = [fit_crystal(strained(baddeleyite, 1), pattern) for _ in range(2)]
    assert fits[0].misfit == fits[1].misfit
    np.testing.assert_array_equal(cell(fits[0].structure), cell(fits[1].structure))


def test_intensities_need_not_be_counts(rutile: Structure) -> None:
    pattern = measured(rutile)
    scaled = PowderPattern(pattern.two_theta, pattern.intensity * 0.0123 - 0.2, None, CU_KALPHA, "scaled")
    fit = fit_crystal(strained(rutile, 3), scaled)
    assert fit.profile is not None
    np.testing.assert_allclose(cell(fit.structure), cell(rutile), rtol=1e-3)
    assert fit.misfit < 0.05


def test_marks_lie_at_the_calculated_peaks(halite: Structure) -> None:
    fit = fit_crystal(halite, measured(halite))
    np.testing.assert_allclose(fit.marks.two_theta[:4], [27.37, 31.70, 45.45, 53.87], atol=0.04)
    assert [sorted(np.abs(index).tolist()) for index in fit.marks.indices[:2]] == [[1, 1, 1], [0, 0, 2]]
    assert fit.marks.intensity.max() == 100


def test_a_crystal_without_reflections_in_the_range_is_refused(halite: Structure) -> None:
    low = np.arange(5, 12, 0.01)
    counts = np.random.default_rng(0).poisson(100, len(low)).astype(float)
    with pytest.raises(InputError, match="no reflection in the range"):
        fit_crystal(halite, PowderPattern(low, counts, None, CU_KALPHA, "low.xy"))


@pytest.mark.parametrize(
    ("spacing", "sentence"),
    [([], "no peak"), ([0.5, 0.6], "no peak with d above 1"), ([2.0, -1.0], "positive number")],
)
def test_unusable_lists_are_refused(halite: Structure, spacing: list[float], sentence: str) -> None:
    peaks = PeakList(np.array(spacing), np.ones(len(spacing)), CU_KALPHA, "peaks.txt")
    with pytest.raises(InputError, match=sentence):
        fit_crystal(halite, peaks)


def test_a_list_of_one_peak_is_enough_for_a_cubic_cell(halite: Structure) -> None:
    peaks = PeakList(np.array([2.82]), np.array([100.0]), CU_KALPHA, "peaks.txt")
    fit = fit_crystal(strained(halite, 0), peaks)
    assert np.isfinite(fit.log_likelihood)


def test_a_simulation_needs_even_angles_and_reflections(halite: Structure) -> None:
    with pytest.raises(InputError, match="even distances"):
        simulate_pattern(halite, np.array([10.0, 10.1, 10.5]), rng=np.random.default_rng(0))
    with pytest.raises(InputError, match="no reflection"):
        simulate_pattern(halite, np.arange(10, 12, 0.01), rng=np.random.default_rng(0))


def test_the_axes_of_a_distorted_perovskite_are_not_exchanged() -> None:
    # LaFeO3 (Marezio & Dernier 1971): a < b by less than 1 %. The start has a > b.
    def perovskite(a: float, b: float, c: float) -> Structure:
        return Structure.from_spacegroup(
            "Pnma",
            Lattice.orthorhombic(b, c, a),
            ["La", "Fe", "O", "O"],
            [[0.029, 0.25, 0.993], [0, 0, 0.5], [0.488, 0.25, 0.075], [0.282, 0.039, 0.719]],
        )

    true = perovskite(5.557, 5.600, 7.855)
    fit = fit_crystal(perovskite(5.640, 5.560, 7.80), measured(true))
    np.testing.assert_allclose(cell(fit.structure), cell(true), rtol=1e-3)
    assert fit.misfit < 0.03
