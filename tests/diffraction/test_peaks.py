"""Search of peaks."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Structure

from alphacrystal.diffraction import (
    CU_KALPHA,
    Faults,
    PowderPattern,
    Profile,
    Radiation,
    find_peaks,
    reflections,
    simulate_pattern,
)
from alphacrystal.errors import InputError

ANGLES = np.arange(10, 100, 0.02)


def simulated(structure: Structure, counts: float = 20_000, width: float = 0.08) -> PowderPattern:
    return simulate_pattern(
        structure,
        ANGLES,
        profile=Profile(width=width, strain_width=0.03),
        faults=Faults(counts=counts, background=0.02),
        rng=np.random.default_rng(3),
    )


@pytest.mark.parametrize("width", [0.05, 0.08, 0.2])
def test_peaks_are_the_reflections_without_second_lines(rutile: Structure, width: float) -> None:
    peaks = find_peaks(simulated(rutile, width=width))
    families = reflections(rutile, CU_KALPHA, (10, 100))
    spacing = 1 / np.sqrt(families.square)
    assert np.abs(peaks.spacing[:, None] / spacing - 1).min(axis=1).max() < 2e-3
    strong = spacing[families.intensity > 0.1 * families.intensity.max()]
    assert np.abs(strong[:, None] / peaks.spacing - 1).min(axis=1).max() < 2e-3


def test_peaks_have_integrated_intensities_and_uncertainties(halite: Structure) -> None:
    peaks = find_peaks(simulated(halite))
    assert peaks.intensity.max() == 100
    assert (np.diff(peaks.spacing) < 0).all()
    assert peaks.spacing_uncertainty is not None
    assert peaks.intensity_uncertainty is not None
    second = int(np.argmin(np.abs(peaks.spacing - 1.994)))  # 220: 55 % of 200 (PDF 5-628)
    assert peaks.intensity[second] == pytest.approx(58, abs=8)
    assert (peaks.intensity_uncertainty > 0).all()
    first = int(np.argmax(peaks.intensity))
    assert abs(peaks.spacing[first] - 2.82) < 4 * peaks.spacing_uncertainty[first] + 1e-3


def test_noise_has_no_peaks() -> None:
    counts = np.random.default_rng(0).poisson(200, len(ANGLES)).astype(float)
    noise = PowderPattern(ANGLES, counts, None, Radiation("x", (1.54,), (1.0,)), "noise")
    assert len(find_peaks(noise).spacing) <= 2


@pytest.mark.parametrize(
    ("angles", "counts", "sentence"),
    [
        (np.arange(10, 10.2, 0.02), np.ones(10), "10 points"),
        (ANGLES, np.full(len(ANGLES), 7.0), "no peaks"),
        (ANGLES, np.full(len(ANGLES), np.nan), "no peaks"),
    ],
)
def test_unusable_patterns_are_refused(angles: np.ndarray, counts: np.ndarray, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        find_peaks(PowderPattern(angles, counts, None, CU_KALPHA, "bad.xy"))
