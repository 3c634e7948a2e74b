"""GSAS histograms and pdCIF: layouts, uncertainties, wavelengths, and refusals."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alphacrystal.diffraction import PeakList, PowderPattern, Radiation, parse_radiation, read_pattern
from alphacrystal.errors import InputError

COPPER = parse_radiation("CuKa")
COUNT, START, STEP = 60, 16.0, 0.017
ANGLES = START + STEP * np.arange(COUNT)
COUNTS = np.round(100 + 900 * np.exp(-(((ANGLES - 16.5) / 0.1) ** 2)))


def read(folder: Path, text: str, wavelength: Radiation | None = COPPER) -> PowderPattern:
    path = folder / "pattern.txt"  # the content decides
    path.write_text(text, encoding="utf-8")
    pattern = read_pattern(path, wavelength=wavelength)
    assert isinstance(pattern, PowderPattern)
    return pattern


def in_lines(fields: list[str], width: int) -> str:
    return "\n".join("".join(fields[at : at + width]).ljust(80) for at in range(0, len(fields), width))


# Records of the GSAS Technical Manual (LAUR 86-748).
BANK = f"Title\nBANK 1 {COUNT} 6 CONST {100 * START:.1f} {100 * STEP:.1f} 0 0"
STD = f"{BANK} STD\n" + in_lines([f"{2:2d}{count:6.0f}" for count in COUNTS], 10)
PLAIN = f"{BANK}\n" + in_lines([f"{count:8.0f}" for count in COUNTS], 10)
ESD = f"{BANK} ESD\n" + in_lines([f"{count:8.1f}{np.sqrt(count):8.3f}" for count in COUNTS], 5)
FXYE = f"Title\n# note\nBANK 1 {COUNT} {COUNT} CONST {100 * START} {100 * STEP} 0 0 FXYE\n" + "\n".join(
    f"{100 * angle:.5f} {count:.1f} {np.sqrt(count):.4f}" for angle, count in zip(ANGLES, COUNTS, strict=True)
)


@pytest.mark.parametrize(
    ("text", "deviation"),
    [(STD, np.sqrt(COUNTS / 2)), (PLAIN, np.sqrt(COUNTS)), (ESD, np.sqrt(COUNTS)), (FXYE, np.sqrt(COUNTS))],
    ids=["STD", "without format", "ESD", "FXYE"],
)
def test_gsas_records(tmp_path: Path, text: str, deviation: np.ndarray) -> None:
    pattern = read(tmp_path, text)
    np.testing.assert_allclose(pattern.two_theta, ANGLES, atol=1e-6)
    np.testing.assert_allclose(pattern.intensity, COUNTS)
    assert pattern.uncertainty is not None
    np.testing.assert_allclose(pattern.uncertainty, deviation, atol=1e-3)


def test_the_first_of_several_banks_is_used(tmp_path: Path) -> None:
    second = FXYE.partition("BANK")[2].replace(f"1 {COUNT} {COUNT}", "2 50 50")
    pattern = read(tmp_path, f"{FXYE}\nBANK{second}")
    assert len(pattern.two_theta) == COUNT
    assert pattern.notes == ("The file has 2 scans over different ranges: only the first is used.",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (STD.replace("CONST", "RALF "), r"type RALF \(time of flight or energy\)"),
        (STD.replace(" STD", " ALT"), "format ALT: export STD, ESD or FXYE"),
        (STD[:-400], "cut short: its BANK record gives 60 channels, and 11"),
        (FXYE.rpartition("\n")[0], "cut short: .* and 59 follow"),
        (FXYE.replace(f"1 {COUNT} ", "1 999999999 "), "999999999 channels"),
        (STD.replace("1600.0", "16OO.0"), "damaged GSAS BANK or data record"),
        ("Title\nBANK 1\n", "type unknown"),
    ],
)
def test_other_histograms_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, text)


def loop(**columns: list[str]) -> str:
    tags = "\n".join(f"_{tag}" for tag in columns)
    return f"loop_\n{tags}\n" + "\n".join(" ".join(row) for row in zip(*columns.values(), strict=True)) + "\n"


TWO_THETA = [f"{angle:.3f}" for angle in ANGLES]
PLAIN_COUNTS = [f"{count:.0f}" for count in COUNTS]
CIF_TABLE = loop(pd_meas_2theta_scan=TWO_THETA, pd_meas_counts_total=PLAIN_COUNTS)
WAVELENGTHS = """loop_
_diffrn_radiation_wavelength_id
_diffrn_radiation_wavelength
_diffrn_radiation_wavelength_wt
1 1.54056 1.0
2 1.54439 0.5
"""


def test_pdcif_with_a_column_of_angles_and_two_wavelengths(tmp_path: Path) -> None:
    pattern = read(tmp_path, f"data_x\n{WAVELENGTHS}{CIF_TABLE}", None)
    np.testing.assert_allclose(pattern.two_theta, ANGLES, atol=1e-3)
    np.testing.assert_allclose(pattern.intensity, COUNTS)
    assert pattern.radiation == Radiation(
        "Cu Kα", (1.54056, 1.54439), (pytest.approx(2 / 3), pytest.approx(1 / 3))
    )


def test_pdcif_with_a_range_and_uncertainties(tmp_path: Path) -> None:
    table = loop(
        pd_proc_intensity_total=[f"{count:.0f}.0({10 * np.sqrt(count):.0f})" for count in COUNTS],
        pd_calc_intensity_total=["1"] * COUNT,
    )
    head = "_diffrn_radiation_wavelength 0.8\n_pd_meas_2theta_range_min 16\n_pd_meas_2theta_range_inc 0.017\n"
    pattern = read(tmp_path, f"data_x\n{head}{table}", None)
    np.testing.assert_allclose(pattern.two_theta, ANGLES)
    np.testing.assert_allclose(pattern.uncertainty, np.sqrt(COUNTS), atol=0.06)
    assert pattern.radiation.wavelengths == (0.8,)


def test_pdcif_prefers_corrected_angles_and_leaves_out_excluded_points(tmp_path: Path) -> None:
    table = loop(
        pd_meas_2theta_scan=TWO_THETA,
        pd_proc_2theta_corrected=[f"{angle + 0.01:.3f}" for angle in ANGLES],
        pd_meas_counts_total=[*PLAIN_COUNTS[:-3], ".", "?", "."],
        pd_proc_ls_weight=[f"{1 / count:.6f}" for count in COUNTS],
    )
    pattern = read(tmp_path, f"data_instrument\n_diffrn_radiation_wavelength 1.5406\ndata_x\n{table}", None)
    np.testing.assert_allclose(pattern.two_theta, ANGLES[:-3] + 0.01, atol=1e-3)
    np.testing.assert_allclose(pattern.uncertainty, np.sqrt(COUNTS[:-3]), rtol=1e-2)
    assert pattern.radiation.name == "1.5406 Å"


def test_pdcif_over_d(tmp_path: Path) -> None:
    spacing = [f"{1.5405929 / 2 / np.sin(np.radians(angle / 2)):.7f}" for angle in ANGLES]
    pattern = read(tmp_path, "data_x\n" + loop(pd_proc_d_spacing=spacing, pd_proc_intensity_net=PLAIN_COUNTS))
    np.testing.assert_allclose(pattern.two_theta, ANGLES, atol=1e-5)


def test_pdcif_with_peaks(tmp_path: Path) -> None:
    path = tmp_path / "peaks.cif"
    table = loop(pd_peak_d_spacing=["3.256", "2.820", "1.994"], pd_peak_intensity=["10", "200", "120"])
    path.write_text(f"data_x\n_diffrn_radiation_wavelength 1.5406\n{table}", encoding="utf-8")
    found = read_pattern(path)
    assert isinstance(found, PeakList)
    np.testing.assert_allclose(found.spacing, [3.256, 2.820, 1.994])
    np.testing.assert_allclose(found.intensity, [5, 100, 60])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("data_x\n_cell_length_a 5.6\n", "CIF without a powder pattern"),
        ("data_x\n_cell_length_a '5.6\n", "not a valid CIF"),
        ("data_x\n_diffrn_radiation_probe neutron\n", "neutron data"),
        ("data_x\n" + loop(pd_meas_counts_total=PLAIN_COUNTS), "without 2θ, d or Q"),
        (
            "data_x\n" + loop(pd_meas_time_of_flight=TWO_THETA, pd_meas_counts_total=PLAIN_COUNTS),
            "time-of-flight data",
        ),
        (
            f"data_x\n_diffrn_radiation_wavelength 154\n{CIF_TABLE}",
            "pattern.txt: The wavelength 154 Å is not between",
        ),
    ],
)
def test_other_cifs_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, text)


GOOD = [STD, ESD, FXYE, f"data_x\n{WAVELENGTHS}{CIF_TABLE}"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(text=st.sampled_from(GOOD), data=st.data())
def test_mutated_files_are_read_or_refused(tmp_path: Path, text: str, data: st.DataObject) -> None:
    content = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "mutated.gsa"
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, 2 * len(content)))])
    sentence = ""
    try:
        read_pattern(path, wavelength=COPPER)
    except InputError as error:
        sentence = str(error)
    assert "\n" not in sentence
    assert not sentence or "mutated.gsa" in sentence
