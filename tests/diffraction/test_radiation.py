"""Radiations from texts: names of lines, wavelengths, and refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphacrystal.diffraction import Radiation, parse_radiation
from alphacrystal.errors import InputError

HC = 12398.41984  # eV Å, CODATA 2018
# Energies of Kα1 and Kα2 in eV: NIST X-Ray Transition Energies Database (SRD 128), column "direct".
ENERGIES = {
    "Cr": (5414.8045, 5405.5384),
    "Fe": (6404.0062, 6391.0264),
    "Co": (6930.3780, 6915.5380),
    "Cu": (8047.8227, 8027.8416),
    "Mo": (17479.372, 17374.29),
    "Ag": (22162.917, 21990.30),
}


@pytest.mark.parametrize("anode", ENERGIES)
def test_k_alpha_lines_have_the_energies_of_the_nist_database(anode: str) -> None:
    radiation = parse_radiation(f"{anode}Ka")
    assert radiation.name == f"{anode} Kα"
    np.testing.assert_allclose(radiation.wavelengths, HC / np.array(ENERGIES[anode]), rtol=1e-5)
    assert radiation.weights == (pytest.approx(2 / 3), pytest.approx(1 / 3))


@pytest.mark.parametrize("text", ["CuKa", "cuka", "Cu", "Cu Kα", "Cu K-alpha", "CU_KA", " CuKalpha "])
def test_spellings_of_copper_radiation(text: str) -> None:
    assert parse_radiation(text) == parse_radiation("CuKa")


def test_monochromatic_radiation_has_one_line() -> None:
    assert parse_radiation("CuKa1") == Radiation("Cu Kα1", (1.5405929,), (1.0,))
    assert parse_radiation("Cu Kα2").wavelengths == (1.5444274,)


@pytest.mark.parametrize("text", ["1.5406", "1,5406", "1.5406 Å", "1.5406A", "1.5406 Angstrom"])
def test_a_number_is_a_wavelength(text: str) -> None:
    assert parse_radiation(text) == Radiation("1.5406 Å", (1.5406,), (1.0,))


def test_mean_wavelength_is_weighted() -> None:
    assert parse_radiation("CuKa").mean_wavelength == pytest.approx(1.54187, abs=1e-5)


@pytest.mark.parametrize(
    "text", ["", "XyKa", "CuKb", "Cu Ka3", "copper", "nan", "-1.5", "1.5 1.6", "15.4 nm"]
)
def test_other_texts_are_refused_with_the_choices(text: str) -> None:
    with pytest.raises(InputError, match=r"give Å, as in 1\.5406, or one of CrKa, .*AgKa"):
        parse_radiation(text)


@pytest.mark.parametrize("text", ["0", "0.01", "154.06", "8047"])
def test_wavelengths_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="not between"):
        parse_radiation(text)


@given(st.text(max_size=20))
def test_any_text_is_a_radiation_or_refused(text: str) -> None:
    try:
        radiation = parse_radiation(text)
    except InputError:
        return
    assert sum(radiation.weights) == pytest.approx(1)
    assert all(0.1 <= wavelength <= 5 for wavelength in radiation.wavelengths)
