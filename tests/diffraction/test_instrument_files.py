"""Files of diffractometers: Bruker, PANalytical, Rigaku; written here in the layouts of their programs."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alphacrystal.diffraction import PeakList, PowderPattern, read_pattern
from alphacrystal.errors import InputError

COUNT, START, STEP = 120, 20.0, 0.02
ANGLES = START + STEP * np.arange(COUNT)
COUNTS = np.round(50 + 400 * np.exp(-(((ANGLES - 21) / 0.1) ** 2)) + np.arange(COUNT) % 7)
COPPER = (1.5406, 1.54439)


def raw3(*scans: Sequence[float], ratio: float = 0.5) -> bytes:
    """RAW1.01: a header of 712 bytes, then for each range 304 bytes and 4-byte floats."""
    header = bytearray(712)
    header[:7] = b"RAW1.01"
    struct.pack_into("<II", header, 8, 1, len(scans))
    header[608:610] = b"Cu"
    struct.pack_into("<5d", header, 616, 1.54184, *COPPER, 1.39222, ratio)
    content = bytes(header)
    for scan in scans:
        block = bytearray(304)
        struct.pack_into("<IIdd", block, 0, 304, len(scan), START / 2, START)
        struct.pack_into("<d", block, 176, STEP)
        struct.pack_into("<I", block, 252, 4)  # bytes of a point
        content += bytes(block) + struct.pack(f"<{len(scan)}f", *scan)
    return content


def raw4(*scans: Sequence[float]) -> bytes:
    """RAW4.00: 61 bytes, segments, then ranges of 160 bytes with segments and 4-byte floats."""
    content = b"RAW4.00".ljust(61, b"\0")
    hardware = bytearray(136)
    struct.pack_into("<II", hardware, 0, 30, 136)
    struct.pack_into("<5d", hardware, 72, 1.5418, *COPPER, 1.39222, 0.5)
    content += bytes(hardware)
    for scan in scans:
        block = bytearray(160)
        block[32:46] = b"Locked Coupled"
        struct.pack_into("<ddI", block, 72, START, STEP, len(scan))
        drives = b""
        for name, start in (("2Theta", START), ("Theta", START / 2)):
            drive = bytearray(92)
            struct.pack_into("<II", drive, 0, 50, 92)
            drive[12 : 12 + len(name)] = name.encode()
            struct.pack_into("<d", drive, 56, start)
            drives += bytes(drive)
        struct.pack_into("<II", block, 136, 4, len(drives))
        content += bytes(block) + drives + struct.pack(f"<{len(scan)}f", *scan)
    return content


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return stream.getvalue()


def brml(*scans: Sequence[float]) -> bytes:
    """An archive of XML; the views tell the columns of a datum."""
    members = {"experimentCollection.xml": "<ExperimentCollection/>"}
    references = []
    for number, scan in enumerate(scans):
        rows = "".join(
            f"<Datum>1,1,{a:.4f},{a / 2:.4f},{c:g}</Datum>" for a, c in zip(ANGLES, scan, strict=True)
        )
        name = f"Experiment0/RawData{number}.xml"
        references.append(f"<string>{name}</string>")
        members[name] = f"""<?xml version="1.0" encoding="utf-8"?>
<RawData xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<DataRoutes><DataRoute RouteFlag="Measured">
<ScanInformation VisibleName="Coupled TwoTheta/Theta">
<MeasurementPoints>{len(scan)}</MeasurementPoints>
<ScanAxes><ScanAxisInfo AxisId="TwoTheta" AxisName="TwoTheta">
<Start>{START}</Start><Increment>{STEP}</Increment></ScanAxisInfo></ScanAxes></ScanInformation>{rows}<DataViews>
<RawDataView xsi:type="FixedRawDataView" Start="0" Length="1" LogicName="MeasuredTime"/>
<RawDataView xsi:type="FixedRawDataView" Start="1" Length="1" LogicName="AbsorptionFactor"/>
<RawDataView xsi:type="VaryingRawDataView" Start="2" Length="2"><Varying>
<FieldDefinitions FieldName="TwoTheta" AxisId="TwoTheta"/><FieldDefinitions FieldName="Theta" AxisId="Theta"/>
</Varying></RawDataView>
<RawDataView xsi:type="RecordedRawDataView" Start="4" Length="1"><Recording/></RawDataView>
</DataViews></DataRoute></DataRoutes>
<FixedInformation><Instrument><Tube><WaveLengthAlpha1 Unit="Å" Value="1.5406"/>
<WaveLengthAlpha2 Unit="Å" Value="1.54439"/><WaveLengthRatio Value="0.5"/></Tube></Instrument>
</FixedInformation></RawData>"""
    members["Experiment0/DataContainer.xml"] = (
        f"<DataContainer><RawDataReferenceList>{''.join(references)}</RawDataReferenceList></DataContainer>"
    )
    return zipped(members)


def uxd(scan: Sequence[float]) -> bytes:
    header = "_FILEVERSION=2\n_SAMPLE='x'\n_WL1=1.540600\n_WL2=1.544390\n_WL3=1.392220\n_WLRATIO=0.500000\n"
    header += (
        f"_ANODE='Cu'\n_DRIVE='COUPLED'\n_STEPSIZE={STEP}\n_START={START}\n_2THETA={START}\n_2THETACOUNTS\n"
    )
    return (header + "".join(f"{a:.3f}\t{c:g}\n" for a, c in zip(ANGLES, scan, strict=True))).encode()


def xrdml(*scans: Sequence[float], factors: Sequence[float] | None = None, beam: str = "") -> bytes:
    points = "".join(
        f"""<scan appendNumber="{number}" mode="Continuous" scanAxis="Gonio" status="Completed"><dataPoints>
<positions axis="2Theta" unit="deg"><startPosition>{START}</startPosition>
<endPosition>{ANGLES[-1]:.4f}</endPosition></positions>
<commonCountingTime unit="seconds">0.5</commonCountingTime>
{"" if factors is None else f"<beamAttenuationFactors>{' '.join(map(str, factors))}</beamAttenuationFactors>"}
<counts unit="counts">{" ".join(f"{c:g}" for c in scan)}</counts></dataPoints></scan>"""
        for number, scan in enumerate(scans)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/2.0" status="Completed">
<xrdMeasurement measurementType="Scan" status="Completed"><usedWavelength intended="K-Alpha 1">
<kAlpha1 unit="Angstrom">1.5406</kAlpha1><kAlpha2 unit="Angstrom">1.54439</kAlpha2>
<kBeta unit="Angstrom">1.3922500</kBeta><ratioKAlpha2KAlpha1>0.5000</ratioKAlpha2KAlpha1></usedWavelength>
<incidentBeamPath><xRayTube><anodeMaterial>Cu</anodeMaterial></xRayTube>{beam}</incidentBeamPath>{points}
</xrdMeasurement></xrdMeasurements>""".encode()


def ras(*scans: Sequence[float], factor: float = 1, axis: str = "TwoThetaTheta", wave: str = "Ka") -> bytes:
    text = "*RAS_DATA_START\n"
    for scan in scans:
        text += f'*RAS_HEADER_START\n*HW_XG_WAVE_LENGTH_ALPHA1 "{COPPER[0]}"\n'
        text += f'*HW_XG_WAVE_LENGTH_ALPHA2 "{COPPER[1]}"\n'
        text += (
            f'*MEAS_COND_XG_WAVE_TYPE "{wave}"\n*MEAS_SCAN_AXIS_X "{axis}"\n*RAS_HEADER_END\n*RAS_INT_START\n'
        )
        text += "".join(f"{a:.4f} {c:.4f} {factor:.4f}\n" for a, c in zip(ANGLES, scan, strict=True))
        text += "*RAS_INT_END\n"
    return (text + "*RAS_DATA_END\n").encode()


def rasx(*scans: Sequence[float], factor: float = 1, axis: str = "TwoThetaTheta") -> bytes:
    members = {"root.xml": "<root/>"}
    for number, scan in enumerate(scans):
        rows = "".join(f"{a:.4f}\t{c:g}\t{factor:g}\r\n" for a, c in zip(ANGLES, scan, strict=True))
        members[f"Data{number}/Profile{number}.txt"] = "\ufeff" + rows
        members[f"Data{number}/MesurementConditions{number}.xml"] = (
            "\ufeff<?xml version='1.0' encoding='utf-8'?><MeasurementConditions><HWConfigurations>"
            "<XrayGenerator><WaveType>Ka</WaveType><WavelengthKbeta>1.392246</WavelengthKbeta>"
            f"<WavelengthKalpha1>{COPPER[0]}</WavelengthKalpha1>"
            f"<WavelengthKalpha2>{COPPER[1]}</WavelengthKalpha2></XrayGenerator></HWConfigurations>"
            f"<ScanInformation><AxisName>{axis}</AxisName></ScanInformation>"
            "</MeasurementConditions>"
        )
    return zipped(members)


FORMATS: dict[str, Callable[..., bytes]] = {
    "raw3": raw3, "raw4": raw4, "brml": brml, "uxd": uxd, "xrdml": xrdml, "ras": ras, "rasx": rasx,
}  # fmt: skip
NEED_GEDDES = {"raw3", "raw4", "brml", "uxd", "xrdml"}


def read_any(folder: Path, content: bytes) -> PowderPattern | PeakList:
    path = folder / "measured.dat"  # the content decides
    path.write_bytes(content)
    return read_pattern(path)


def read(folder: Path, content: bytes) -> PowderPattern:
    pattern = read_any(folder, content)
    assert isinstance(pattern, PowderPattern)
    return pattern


def skip_without_geddes(name: str) -> None:
    if name in NEED_GEDDES:
        pytest.importorskip("geddes", reason="needs the extra xrd")


@pytest.mark.parametrize("name", FORMATS)
def test_angles_counts_and_wavelengths(tmp_path: Path, name: str) -> None:
    skip_without_geddes(name)
    pattern = read(tmp_path, FORMATS[name](COUNTS))
    np.testing.assert_allclose(pattern.two_theta, ANGLES, atol=1e-6)
    np.testing.assert_allclose(pattern.intensity, COUNTS)
    assert pattern.radiation.name == "Cu Kα"
    np.testing.assert_allclose(pattern.radiation.wavelengths, COPPER)
    np.testing.assert_allclose(pattern.radiation.weights, [2 / 3, 1 / 3])
    assert (pattern.uncertainty, pattern.notes) == (None, ())


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"uxd"}))
def test_equal_scans_are_summed(tmp_path: Path, name: str) -> None:
    skip_without_geddes(name)
    pattern = read(tmp_path, FORMATS[name](COUNTS, COUNTS + 1))
    np.testing.assert_allclose(pattern.intensity, 2 * COUNTS + 1)
    assert pattern.notes == ("The 2 scans of the file at equal positions are summed.",)


@pytest.mark.parametrize("writer", [ras, rasx])
def test_counts_behind_an_attenuator_are_scaled(tmp_path: Path, writer: Callable[..., bytes]) -> None:
    pattern = read(tmp_path, writer(COUNTS, factor=4))
    np.testing.assert_allclose(pattern.intensity, 4 * COUNTS)
    np.testing.assert_allclose(pattern.uncertainty, 4 * np.sqrt(COUNTS))
    assert pattern.notes == ("The intensities are multiplied by the factors of the attenuator.",)


def test_attenuated_counts_of_an_xrdml_file_are_scaled(tmp_path: Path) -> None:
    pytest.importorskip("geddes", reason="needs the extra xrd")
    factors = np.where(ANGLES > 21, 3, 1)
    np.testing.assert_allclose(read(tmp_path, xrdml(COUNTS, factors=factors)).intensity, factors * COUNTS)


def test_k_alpha_1_alone_behind_a_monochromator(tmp_path: Path) -> None:
    assert read(tmp_path, ras(COUNTS, wave="Ka1")).radiation.wavelengths == (COPPER[0],)
    pytest.importorskip("geddes", reason="needs the extra xrd")
    pattern = read(tmp_path, xrdml(COUNTS, beam='<monochromator name="Ge 111"/>'))
    assert pattern.radiation.wavelengths == (COPPER[0],)
    assert pattern.notes == ("The incident beam has a monochromator: Kα1 alone is used.",)
    assert read(tmp_path, raw3(COUNTS, ratio=0.0)).radiation.wavelengths == (COPPER[0],)


BOMB = zipped({"Data0/Profile0.txt": b"0" * (130 * 2**20)})
ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "1 1 1 1"><!ENTITY b "&a;&a;&a;&a;">]>'
    b"<xrdMeasurements>&b;</xrdMeasurements>"
)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (BOMB, "larger than 128 MB when decompressed"),
        (zipped({"letter.txt": "x"}), "zip archive, but no rasx or brml"),
        (rasx(COUNTS)[:-40], "damaged zip archive"),
        (rasx(COUNTS, axis="Omega"), "scan over Omega, not 2θ"),
        (rasx(COUNTS).replace(b"Profile0", b"Nothing0"), "no rasx or brml|damaged"),
        (ENTITIES, "declares an XML document type"),
        (b"<xrdMeasurements><scan></xrdMeasurements>", "not valid XML"),
        (ras(COUNTS)[:1500], "cut short"),
        (ras(COUNTS, axis="Omega"), "scan over Omega, not 2θ"),
        (ras(COUNTS).replace(b"20.0200", b"2x.0200"), "damaged row"),
        (b"RAW2" + bytes(200), "raw file of version 1 or 2"),
    ],
)
def test_damaged_and_hostile_files_are_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (raw3(COUNTS)[:900], "measured.dat cannot be read .*truncated"),
        (raw4(COUNTS)[:400], "measured.dat cannot be read"),
        (xrdml(COUNTS).replace(b'axis="2Theta"', b'axis="Omega"'), "measured.dat cannot be read .*2Theta"),
    ],
)
def test_reasons_of_geddes_are_passed_on(tmp_path: Path, content: bytes, sentence: str) -> None:
    pytest.importorskip("geddes", reason="needs the extra xrd")
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, content)


def test_no_member_of_an_archive_is_written(tmp_path: Path) -> None:
    members = {
        "../escaped.txt": "x",
        "Data0/Profile0.txt": "".join(f"{a:.4f} {c:g} 1\n" for a, c in zip(ANGLES, COUNTS, strict=True)),
    }
    (tmp_path / "inside").mkdir()
    with pytest.raises(InputError, match="names no wavelength"):
        read(tmp_path / "inside", zipped(members))
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]


def test_without_geddes_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "geddes", None)
    with pytest.raises(
        InputError, match=r"reading raw files needs the package geddes: pip install 'alphacrystal\[xrd\]'"
    ):
        read(tmp_path, raw4(COUNTS))


GOOD = {name: writer(COUNTS) for name, writer in FORMATS.items()}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("name", FORMATS)
def test_mutated_files_are_read_or_refused(tmp_path: Path, name: str, data: st.DataObject) -> None:
    skip_without_geddes(name)
    content = bytearray(GOOD[name])
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(len(content) // 2, 2 * len(content)))]
    sentence = ""
    try:
        read_any(tmp_path, bytes(content))  # without its marks, text may be a list of peaks
    except InputError as error:
        sentence = str(error)
    assert "\n" not in sentence
    assert not sentence or "measured.dat" in sentence
