"""Powder patterns: known lines of known crystals."""

from __future__ import annotations

import logging
import subprocess
import sys

import numpy as np
import pytest
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
    for peak in powder_pattern(halite()):
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


def test_loading_is_silent_and_leaves_the_log_as_it_was() -> None:
    code = (
        "import logging; from pymatgen.core import Lattice, Structure; "
        "from alphacrystal.report._diffraction import powder_pattern; "
        "powder_pattern(Structure(Lattice.cubic(3), ['Po'], [[0, 0, 0]])); "
        "assert logging.getLogger('matplotlib').level == logging.NOTSET"
    )
    nowhere = {"MPLCONFIGDIR": "/nowhere/to/write", "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=nowhere, capture_output=True, text=True, check=True
    )
    assert "Matplotlib" not in done.stderr
    assert logging.getLogger("matplotlib").level == logging.NOTSET
