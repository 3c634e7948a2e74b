"""The calculated profile and its derivatives."""

from __future__ import annotations

import numpy as np
from pymatgen.core import Structure

from alphacrystal.diffraction import CU_KALPHA, Faults, Profile, reflections, simulate_pattern
from alphacrystal.diffraction._profile_model import ProfileModel, march_dollase

GRID = (20.0, 0.02, 2000)


def test_derivatives_are_those_of_finite_differences(baddeleyite: Structure) -> None:
    families = reflections(baddeleyite, CU_KALPHA, (17, 63), displacements=True)
    cosines = families.texture_cosines((1, 0, 0))
    model = ProfileModel(families, CU_KALPHA.wavelengths, CU_KALPHA.weights, GRID, cosines)
    profile = Profile(0.02, -0.03, 0.12, 0.1, 0.4, 0.8, -0.2)
    start = np.r_[np.full(model.modes, 0.002), profile.as_array(), np.full(9, 0.01)]
    value, jacobian = model(start)
    for index in range(len(start)):
        # The profile has 24 significant bits. Shifts change it more than widths and intensities do.
        size = 2e-5 if index < model.modes + 2 else 5e-4
        step = np.eye(len(start))[index] * size
        numeric = (model(start + step)[0] - model(start - step)[0]) / (2 * size)
        # A strain changes the Lorentz factor and B too, by a hundredth of the shift of the peaks.
        tolerance = 0.05 if index < model.modes else 2e-3
        # A shift may move the end of a window by a point, where the profile falls to zero.
        close = np.abs(jacobian[:, index] - numeric) <= tolerance * np.abs(jacobian[:, index]).max()
        assert close.mean() > 0.99, index
    assert value.max() > 0


def test_a_peak_has_the_area_of_its_intensity(halite: Structure) -> None:
    families = reflections(halite, CU_KALPHA, (29, 34))  # 200 alone
    model = ProfileModel(families, CU_KALPHA.wavelengths, CU_KALPHA.weights, (25.0, 0.01, 1400))
    parameters = np.r_[0.0, Profile(mixing=0.0).as_array()]
    value, _ = model(parameters)
    _, areas = model.centres(parameters)
    assert abs(value.sum() * 0.01 / areas.sum() - 1) < 0.01


def test_the_second_line_is_half_as_high(halite: Structure) -> None:
    angles = np.arange(74.0, 78.0, 0.005)
    profile = Profile(width=0.03, strain_width=0.0, mixing=0.0)
    pattern = simulate_pattern(
        halite, angles, profile=profile, faults=Faults(background=0.0, noise=False)
    ).intensity
    first = angles[np.argmax(pattern)]
    second = 2 * np.degrees(np.arcsin(np.sin(np.radians(first / 2)) * 1.544427 / 1.540593))
    height = pattern[np.argmin(np.abs(angles - second))] / pattern.max()
    assert abs(height - 0.5) < 0.03


def test_texture_keeps_the_mean_over_all_directions() -> None:
    # The March-Dollase distribution is normalised (Dollase 1986): its mean over the sphere is 1.
    cosines = (np.linspace(0, 1, 20_001) ** 2)[None]
    for logarithm in (-0.5, 0.3):
        assert abs(march_dollase(cosines, logarithm)[0][0] - 1) < 1e-3
    assert march_dollase(cosines, 0.0)[0][0] == 1
