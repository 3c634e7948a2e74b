"""Powder patterns: known lines of known crystals."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from pymatgen.analysis.diffraction.xrd import XRDCalculator
from pymatgen.core import Lattice, Structure

from alphacrystal.report._diffraction import WAVELENGTH, powder_pattern


def halite() -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_halite_has_its_lines() -> None:
    # PDF 5-628: 111 at 27.3°, 200 at 31.7° (the strongest), 220 at 45.4°, 311 at 53.9°, 222 at 56.5°.
    peaks = powder_pattern(halite())
    assert [peak.indices for peak in peaks[:5]] == ["1 1 1", "2 0 0", "2 2 0", "3 1 1", "2 2 2"]
    angles = [peak.two_theta for peak in peaks[:5]]
    np.testing.assert_allclose(angles, [27.4, 31.7, 45.5, 53.9, 56.5], atol=0.06)
    assert peaks[1].intensity == max(peak.intensity for peak in peaks) == 100
    assert all(peak.intensity < 70 for peak in peaks if peak.indices != "2 0 0")


def test_peaks_obey_braggs_law() -> None:
    peaks = powder_pattern(halite())
    assert peaks
    for peak in peaks:
        assert 2 * peak.spacing * np.sin(np.radians(peak.two_theta / 2)) == pytest.approx(
            WAVELENGTH, abs=2e-4
        )
        assert 0.1 <= peak.intensity <= 100
        assert peak.two_theta <= 90


def test_families_on_one_angle_are_all_named() -> None:
    caesium_chloride = Structure(Lattice.cubic(4.12), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    both = [peak for peak in powder_pattern(caesium_chloride) if "+" in peak.indices]
    assert both[0].two_theta == pytest.approx(68.3, abs=0.1)
    assert sorted(both[0].indices.split(" + ")) == ["2 2 1", "3 0 0"]


def test_hexagonal_cells_bear_four_indices() -> None:
    magnesium = Structure(
        Lattice.hexagonal(3.209, 5.211), ["Mg", "Mg"], [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]]
    )
    strongest = max(powder_pattern(magnesium), key=lambda peak: peak.intensity)
    assert strongest.two_theta == pytest.approx(36.6, abs=0.06)  # PDF 35-821: 101
    assert strongest.indices == "1 0 -1 1"


def test_an_element_without_scattering_factor_has_no_pattern() -> None:
    assert powder_pattern(Structure(Lattice.cubic(4), ["No"], [[0, 0, 0]])) == ()


@pytest.mark.parametrize(
    "structure",
    [
        halite(),
        Structure.from_spacegroup(
            "P3_221", Lattice.hexagonal(4.91, 5.40), ["Si", "O"], [[0.47, 0, 2 / 3], [0.413, 0.267, 0.786]]
        ),
        Structure.from_spacegroup(
            "P2_1/c",
            Lattice.monoclinic(5.15, 5.21, 5.32, 99.2),
            ["Zr", "O"],
            [[0.28, 0.04, 0.21], [0.07, 0.33, 0.35]],
        ),
        Structure(
            Lattice.from_parameters(4, 5, 6, 80, 95, 103), ["Fe", "O"], [[0, 0, 0], [0.31, 0.42, 0.53]]
        ),
    ],
    ids=["cubic", "trigonal", "monoclinic", "triclinic"],
)
def test_the_peaks_are_those_of_pymatgen(structure: Structure) -> None:
    expected = XRDCalculator(WAVELENGTH).get_pattern(structure, two_theta_range=(0, 90))
    strong = expected.y >= 0.1
    peaks = powder_pattern(structure)
    assert len(peaks) >= 9
    np.testing.assert_allclose([peak.two_theta for peak in peaks], expected.x[strong], atol=5.1e-4)
    np.testing.assert_allclose([peak.intensity for peak in peaks], expected.y[strong], atol=5.1e-3)
    np.testing.assert_allclose(
        [peak.spacing for peak in peaks], np.array(expected.d_hkls)[strong], atol=5.1e-5
    )
    families = [
        " + ".join(" ".join(map(str, family["hkl"])) for family in peak)
        for peak, kept in zip(expected.hkls, strong, strict=True)
        if kept
    ]
    assert [peak.indices for peak in peaks] == families


def test_a_pattern_needs_no_plotting_library() -> None:
    code = (
        "import sys; from pymatgen.core import Lattice, Structure; "
        "from alphacrystal.report._diffraction import powder_pattern; "
        "assert powder_pattern(Structure(Lattice.cubic(3), ['Po'], [[0, 0, 0]])); "
        "assert not {'matplotlib', 'scipy.stats'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
