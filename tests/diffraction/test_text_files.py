"""Patterns and lists of peaks in text: separators, decimals, headers, axes, wavelengths, and faults."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alphacrystal.diffraction import PeakList, PowderPattern, Radiation, parse_radiation, read_pattern
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray

COPPER = parse_radiation("CuKa")
ANGLES = np.round(10 + 0.05 * np.arange(400), 3)
COUNTS = np.round(100 + 1000 * np.exp(-(((ANGLES - 20) / 0.2) ** 2)) + 50 * np.sin(ANGLES), 1)
DEVIATIONS = np.round(np.sqrt(COUNTS), 3)


def rows(separator: str = " ", *, comma: bool = False, deviations: bool = False) -> list[str]:
    columns = [ANGLES, COUNTS, DEVIATIONS] if deviations else [ANGLES, COUNTS]
    lines = [separator.join(f"{value:.3f}" for value in row) for row in zip(*columns, strict=True)]
    return [line.replace(".", ",") for line in lines] if comma else lines


def write(folder: Path, lines: Sequence[str], name: str = "pattern.txt") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def profile(path: Path, wavelength: Radiation | None = COPPER) -> PowderPattern:
    pattern = read_pattern(path, wavelength=wavelength)
    assert isinstance(pattern, PowderPattern)
    return pattern


def peaks(path: Path) -> PeakList:
    found = read_pattern(path, wavelength=COPPER)
    assert isinstance(found, PeakList)
    return found


def assert_is_the_pattern(pattern: PowderPattern, tolerance: float = 1e-9) -> None:
    np.testing.assert_allclose(pattern.two_theta, ANGLES, atol=tolerance)
    np.testing.assert_allclose(pattern.intensity, COUNTS)


HEADERS = {
    "none": [],
    "comments of all kinds": ["# a", "! b", "% c", "// d", "; e", "' f", "/* g */", "* h", "REM i"],
    "names": ["2theta intensity"],
    "title and names": ["LaB6, run 3", "", "# 2Theta (deg)   I (counts)"],
    "FIT2D": ["frame.tif", "2-Theta Angle (Degrees)", "Intensity", "       400"],
}


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(
    ("separator", "comma"),
    [
        (" ", False),
        ("\t", False),
        (",", False),
        (", ", False),
        (";", False),
        (" ", True),
        ("\t", True),
        (";", True),
    ],
)
def test_every_separator_and_decimal_mark(tmp_path: Path, header: str, separator: str, comma: bool) -> None:
    pattern = profile(write(tmp_path, [*HEADERS[header], *rows(separator, comma=comma)]))
    assert_is_the_pattern(pattern)
    assert (pattern.uncertainty, pattern.notes) == (None, ())


@st.composite
def text_files(draw: st.DrawFn) -> tuple[str, FloatArray, FloatArray]:
    """A text of a pattern in a random layout, with its angles and intensities."""
    count = draw(st.integers(50, 80))
    start, step = draw(st.integers(1, 9000)), draw(st.integers(1, 25))
    angles = (start + step * np.arange(count)) / 100
    counts = np.array(draw(st.lists(st.integers(0, 10**6), min_size=count, max_size=count)), dtype=float) / 10
    counts[0] += 1
    counts[1] = counts[0] + 1
    comma = draw(st.booleans())
    separator = draw(
        st.sampled_from([" ", "\t", ";", "   "] if comma else [" ", "\t", ";", ",", ", ", " , "])
    )
    lines = [f"{angle:.2f}{separator}{value:.1f}" for angle, value in zip(angles, counts, strict=True)]
    lines = [line.replace(".", ",") for line in lines] if comma else lines
    remark = draw(
        st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\0"))
    )
    lines.insert(draw(st.integers(0, count)), f"# {remark}")
    if draw(st.booleans()):
        lines = ["", *lines, ""]
    if draw(st.booleans()):
        lines = [line + "  " for line in lines]
    return draw(st.sampled_from(["\n", "\r\n", "\r"])).join(lines), angles, counts


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(text_files(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_a_written_text_is_read_again(
    tmp_path: Path, file: tuple[str, FloatArray, FloatArray], encoding: str
) -> None:
    text, angles, counts = file
    path = tmp_path / "pattern.dat"
    path.write_bytes(text.encode(encoding))
    pattern = profile(path)
    np.testing.assert_allclose(pattern.two_theta, angles, atol=1e-9)
    np.testing.assert_allclose(pattern.intensity, counts)


@pytest.mark.parametrize("start", [7.61, 10.0, 60.03])
def test_a_step_of_a_quarter_of_a_degree_is_a_profile(tmp_path: Path, start: float) -> None:
    lines = [f"{start + 0.25 * index:.2f} {100 + index % 7}" for index in range(60)]
    assert len(profile(write(tmp_path, lines)).two_theta) == 60


def test_latin_1_and_gzip(tmp_path: Path) -> None:
    text = "\n".join(["# Winkel in °, Größe 3 µm", *rows()])
    (tmp_path / "a.xy").write_bytes(text.encode("latin-1"))
    (tmp_path / "b.xy.gz").write_bytes(gzip.compress(text.encode("latin-1")))
    assert_is_the_pattern(profile(tmp_path / "a.xy"))
    assert_is_the_pattern(profile(tmp_path / "b.xy.gz"))


def test_third_column_is_the_standard_deviation(tmp_path: Path) -> None:
    for name, noted in (("a.xye", False), ("a.txt", True)):
        pattern = profile(write(tmp_path, rows(deviations=True), name))
        assert pattern.uncertainty is not None
        np.testing.assert_allclose(pattern.uncertainty, DEVIATIONS)
        assert any("third column" in note for note in pattern.notes) == noted


def test_named_columns_are_found_in_any_order(tmp_path: Path) -> None:
    lines = [
        f"{number};{c};{s};{a}"
        for number, (a, c, s) in enumerate(zip(ANGLES, COUNTS, DEVIATIONS, strict=True))
    ]
    pattern = profile(write(tmp_path, ["No.;Intensity [cts];ESD;2Theta [°]", *lines]))
    assert_is_the_pattern(pattern)
    np.testing.assert_allclose(pattern.uncertainty, DEVIATIONS)


def test_unusable_standard_deviations_are_left_out_with_a_note(tmp_path: Path) -> None:
    pattern = profile(write(tmp_path, [f"{line} 0" for line in rows()], "a.xye"))
    assert pattern.uncertainty is None
    assert "standard deviations are not used" in pattern.notes[0]


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("d (Å), I", 1.5405929 / 2 / np.sin(np.radians(ANGLES / 2))),
        ("d [nm], I", 0.15405929 / 2 / np.sin(np.radians(ANGLES / 2))),
        ("Q (1/Å), I", 4 * np.pi / 1.5405929 * np.sin(np.radians(ANGLES / 2))),
        ("q [nm^-1], I", 40 * np.pi / 1.5405929 * np.sin(np.radians(ANGLES / 2))),
        ("2theta (rad), I", np.radians(ANGLES)),
    ],
)
def test_axes_and_units_of_the_header(tmp_path: Path, header: str, values: FloatArray) -> None:
    lines = [f"{value:.9f}, {count}" for value, count in zip(values, COUNTS, strict=True)]
    assert_is_the_pattern(profile(write(tmp_path, [header, *lines])), tolerance=1e-5)


def test_axis_as_given(tmp_path: Path) -> None:
    values = 4 * np.pi / 1.5405929 * np.sin(np.radians(ANGLES / 2))
    path = write(tmp_path, [f"{value:.9f} {count}" for value, count in zip(values, COUNTS, strict=True)])
    pattern = read_pattern(path, wavelength=COPPER, axis="q")
    assert isinstance(pattern, PowderPattern)
    assert_is_the_pattern(pattern, tolerance=1e-5)


def test_falling_angles_are_turned_round(tmp_path: Path) -> None:
    assert_is_the_pattern(profile(write(tmp_path, rows()[::-1])))


def test_counts_in_lines_of_ten_after_start_step_stop(tmp_path: Path) -> None:
    lines = [" ".join(f"{value:.1f}" for value in COUNTS[at : at + 10]) for at in range(0, 400, 10)]
    assert_is_the_pattern(profile(write(tmp_path, ["10.0 0.05 29.95  sample", *lines])))


def test_equal_scans_are_summed_and_other_ranges_left_out(tmp_path: Path) -> None:
    summed = profile(write(tmp_path, [*rows(deviations=True), "# scan 2", *rows(deviations=True)], "a.xye"))
    np.testing.assert_allclose(summed.intensity, 2 * COUNTS)
    np.testing.assert_allclose(summed.uncertainty, np.sqrt(2) * DEVIATIONS)
    assert summed.notes == ("The 2 scans of the file at equal positions are summed.",)
    first = profile(write(tmp_path, [*rows(), "# scan 2", *rows()[:200]]))
    assert_is_the_pattern(first)
    assert first.notes == ("The file has 2 scans over different ranges: only the first is used.",)


def test_an_angle_given_twice_is_averaged_with_a_note(tmp_path: Path) -> None:
    lines = rows()
    pattern = profile(write(tmp_path, [*lines[:200], f"{ANGLES[199]} {COUNTS[199] + 20}", *lines[200:]]))
    assert len(pattern.two_theta) == 400
    assert pattern.intensity[199] == pytest.approx(COUNTS[199] + 10)
    assert pattern.notes == ("Angles given twice: 1; their intensities are averaged.",)


@pytest.mark.parametrize(
    ("header", "name", "wavelengths"),
    [
        (["# Wavelength: 0.41328 Å"], "0.41328 Å", [0.41328]),
        (["# lambda = 1,5406"], "1.5406 Å", [1.5406]),
        (["# Wavelength: 4.1328e-11 m"], "0.41328 Å", [0.41328]),
        (["# wavelength (nm) 0.15406"], "1.5406 Å", [1.5406]),
        (["'Id: \"x\" Anode: \"Co\" Scantype: \"Coupled\""], "Co Kα", [1.788996, 1.792835]),
        (["Mo Kα1 radiation, Ge monochromator"], "Mo Kα1", [0.70931715]),
        (
            [
                "Anode material,Cu",
                "K-Alpha1 wavelength,1.540598",
                "K-Alpha2 wavelength,1.544426",
                "Ratio K-Alpha2/K-Alpha1,0.5",
            ],
            "Cu Kα",
            [1.540598, 1.544426],
        ),
        (
            ['*HW_XG_WAVE_LENGTH_ALPHA1 "1.540593"', '*HW_XG_WAVE_LENGTH_ALPHA2 "1.544414"',
             '*HW_XG_WAVE_LENGTH_BETA "1.392246"'],
            "Cu Kα",
            [1.540593, 1.544414],
        ),
    ],
)  # fmt: skip
def test_wavelengths_of_headers(
    tmp_path: Path, header: list[str], name: str, wavelengths: list[float]
) -> None:
    radiation = profile(write(tmp_path, [*header, *rows()]), None).radiation
    assert radiation.name == name
    np.testing.assert_allclose(radiation.wavelengths, wavelengths)


def test_without_a_wavelength_the_option_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names no wavelength: give it with --wavelength"):
        read_pattern(write(tmp_path, rows()))


def test_the_given_wavelength_wins_with_a_note(tmp_path: Path) -> None:
    path = write(tmp_path, ["# wavelength 1.5406", *rows()])
    assert profile(path, parse_radiation("CuKa1")).notes == ()
    pattern = profile(path, parse_radiation("MoKa"))
    assert pattern.radiation == parse_radiation("MoKa")
    assert pattern.notes == ("The file names 1.5406 Å (1.5406 Å); Mo Kα (0.71075 Å) is used, as given.",)


# Halite, a = 5.6402 Å.
HALITE = {"1 1 1": (3.2564, 10), "2 0 0": (2.8201, 100), "2 2 0": (1.9941, 60), "2 2 2": (1.6282, 18)}


@pytest.mark.parametrize(
    "lines",
    [
        ["d I", *(f"{d} {i}" for d, i in HALITE.values())],
        ["d, hkl, I", *(f"{d}, {hkl}, {i}" for hkl, (d, i) in HALITE.items())],
        ["h k l d(Å) I", *(f"{hkl} {d} {i}" for hkl, (d, i) in HALITE.items())],
        [
            "2theta;I/I0",
            *(f"{2 * np.degrees(np.arcsin(1.5405929 / 2 / d)):.4f};{i / 50}" for d, i in HALITE.values()),
        ],
        ["d I", *(f"{d} {i}" for d, i in reversed(HALITE.values())), "1.2 0"],
    ],
)
def test_lists_of_peaks(tmp_path: Path, lines: list[str]) -> None:
    found = peaks(write(tmp_path, lines))
    np.testing.assert_allclose(found.spacing, [d for d, _ in HALITE.values()], atol=1e-4)
    np.testing.assert_allclose(found.intensity, [i for _, i in HALITE.values()])
    assert found.notes[-1] == "Read as a list of 4 peaks."


def test_reflections_at_one_spacing_are_one_peak(tmp_path: Path) -> None:
    found = peaks(
        write(tmp_path, ["h k l d I", "5 1 1 1.0 30", "3 3 3 1.0 10", "1 1 1 3.0 80", "2 0 0 2.0 5"])
    )
    np.testing.assert_allclose(found.intensity, [100, 6.25, 50])
    assert "Peaks at the d of another, added to it: 1." in found.notes


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "is empty"),
        (["no numbers", "at all"], "no two columns of numbers"),
        (rows()[:30], "has 30 points in .* needs 50"),
        ([*rows()[:99], "15 nan", *rows()[100:]], r"no number as the intensity of point 100 \(nan\)"),
        ([*rows()[:99], "inf 3", *rows()[100:]], r"no number as the angle of point 100 \(inf\)"),
        ([*rows()[:99], "15 --", *rows()[100:]], "line 100 is not a row of numbers"),
        ([*rows()[:200], *rows()], "goes back from 2θ"),
        (["-2 5", *rows()], r"2θ = -2°, outside 0 to 180°"),
        ([*rows(), "190 5"], r"2θ = 190°, outside 0 to 180°"),
        ([f"{angle:.3f} 7" for angle in ANGLES], r"same intensity \(7\)"),
        ([f"{angle:.1f} {number}" for number, angle in enumerate(ANGLES)], "200 of 400 angles twice"),
        (rows(",", comma=True), "semicolons between columns if commas mark decimals"),
        (["theta, intensity", *rows(",")], "column of θ"),
        (["Q, I", *rows(",")], "q = 10, which a wavelength of 1.54059 Å cannot reach"),
        (["d I", "3.2 10", "2.8 100"], "has 2 peaks; at least 3"),
        (["d I", "3.2 10", "2.8 100", "1.9 -3"], "negative intensity"),
    ],
)  # fmt: skip
def test_faults_are_refused_with_one_sentence(tmp_path: Path, lines: list[str], sentence: str) -> None:
    path = write(tmp_path, lines)
    with pytest.raises(InputError, match=sentence) as refused:
        read_pattern(path, wavelength=COPPER)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_missing_files_folders_and_binary_content_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.xy").write_bytes(bytes(range(256)) * 10)
    for name, sentence in (
        ("none.xy", "no pattern file"),
        (".", "no pattern file"),
        ("binary.xy", "not a text file"),
    ):
        with pytest.raises(InputError, match=sentence):
            read_pattern(tmp_path / name, wavelength=COPPER)


def test_large_files_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.xy"
    with path.open("wb") as stream:
        stream.truncate(65 * 2**20)
    with pytest.raises(InputError, match="larger than 64 MB"):
        read_pattern(path, wavelength=COPPER)
    bomb = tmp_path / "bomb.xy.gz"
    bomb.write_bytes(gzip.compress(b"0" * (65 * 2**20)))
    with pytest.raises(InputError, match="larger than 64 MB"):
        read_pattern(bomb, wavelength=COPPER)
    lines = tmp_path / "lines.xy"
    lines.write_text("1 1\n" * 600_000, encoding="utf-8")
    with pytest.raises(InputError, match="more than 500000 lines"):
        read_pattern(lines, wavelength=COPPER)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    st.one_of(st.binary(max_size=400), st.text("0123456789.,;\t \n-eE#/dIQθ", max_size=400).map(str.encode))
)
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.dat"
    path.write_bytes(content)
    sentence = ""
    try:
        read_pattern(path, wavelength=COPPER)
    except InputError as error:
        sentence = str(error)
    assert "\n" not in sentence
    assert not sentence or str(path) in sentence
