"""Files that the package geddes reads: Bruker raw, brml and uxd, PANalytical xrdml.

geddes returns angles and intensities alone; the radiation is read here, from the headers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET  # only types; _archives parses

import numpy as np

from alphacrystal.diffraction._pattern import Radiation
from alphacrystal.diffraction._radiation import doublet, single_line
from alphacrystal.diffraction.pattern_files._archives import (
    PatternArchive,
    first_text,
    local_name,
    number_of,
    parse_xml,
)
from alphacrystal.diffraction.pattern_files._headers import radiation_in_text
from alphacrystal.diffraction.pattern_files._scans import MAX_SCANS, PatternFile, Scan
from alphacrystal.errors import InputError, one_line

NEEDS_EXTRA = "needs the package geddes: pip install 'alphacrystal[xrd]'."
_NO_MORE_SCANS = "out of range"
# Offsets in bytes of RAW1.01 and of the segments of RAW4.00: DIFFRAC plus XCH 5.0 manual, appendix A, and the
# description of RAW4 in xylib (bruker_raw.cpp).
_RAW3_WAVELENGTHS = struct.Struct("<5d")  # mean, Kα1, Kα2, Kβ, ratio
_RAW3_AT = 616
_RAW4_SEGMENTS_AT, _RAW4_HARDWARE, _RAW4_WAVELENGTHS_AT = 61, 30, 72
_RAW4_RANGES = frozenset({0, 160})


def is_bruker_raw(content: bytes) -> bool:
    """Whether a file is a raw file of Bruker or Siemens, of any version."""
    return content.startswith((b"RAW1.01", b"RAW4.0", b"RAW2", b"RAW "))


def read_bruker_raw(content: bytes, path: Path) -> PatternFile:
    """The ranges of a raw file of version 3 (RAW1.01) or 4 (RAW4.00).

    Raises:
        InputError: It is of an older version, damaged, or no scan over 2θ; or geddes is missing.
    """
    if content.startswith((b"RAW2", b"RAW ")):
        raise InputError(
            f"{path} is a Bruker raw file of version 1 or 2: export it as version 3 or 4, or as xy."
        )
    radiation = _raw3_radiation(content) if content.startswith(b"RAW1.01") else _raw4_radiation(content)
    return PatternFile(_scans(content, path, "pattern.raw"), radiation, [], False)


def read_brml(archive: PatternArchive, content: bytes, path: Path) -> PatternFile:
    """The scans of a brml file.

    Raises:
        InputError: It is damaged or no scan over 2θ; or geddes is missing.
    """
    names = archive.names()
    sources = [name for name in names if name.endswith(".xml") and "RawData" in name]
    sources += [name for name in names if name.endswith("MeasurementContainer.xml")]
    radiation = None
    for name in sources[:MAX_SCANS]:
        root = parse_xml(archive.text(name), path, "brml")
        radiation = _brml_radiation(root)
        if radiation is not None:
            break
    return PatternFile(_scans(content, path, "pattern.brml"), radiation, [], False)


def is_uxd(text: str) -> bool:
    """Whether a text is a uxd file."""
    return "_FILEVERSION" in text[:5000] and ("_2THETA" in text or "_STEPSIZE" in text)


def read_uxd(text: str, path: Path) -> PatternFile:
    """The ranges of a uxd file.

    Raises:
        InputError: It is damaged or no scan over 2θ; or geddes is missing.
    """
    header = [line for line in text[:10_000].split("\n") if line.startswith("_")]
    return PatternFile(_scans(text.encode(), path, "pattern.uxd"), radiation_in_text(header), [], False)


def is_xrdml(text: str) -> bool:
    """Whether a text is an xrdml file."""
    return "<xrdMeasurements" in text[:5000]


def read_xrdml(text: str, path: Path) -> PatternFile:
    """The scans of an xrdml file; raw counts are multiplied by the factors of the attenuator.

    Raises:
        InputError: It is damaged or no scan over 2θ; or geddes is missing.
    """
    root = parse_xml(text, path, "xrdml")
    notes: list[str] = []
    radiation = None
    for element in root.iter():
        if local_name(element) == "usedWavelength":
            first = number_of(first_text(element, "kAlpha1"))
            second = number_of(first_text(element, "kAlpha2"))
            ratio = number_of(first_text(element, "ratioKAlpha2KAlpha1"))
            intended = element.get("intended", "")
            if "Beta" in intended:
                radiation = single_line(number_of(first_text(element, "kBeta")))
            elif first > 0:
                radiation = doublet(first, second, ratio)
            break
    if radiation is not None and len(radiation.wavelengths) > 1 and _has_monochromator(root):
        radiation = doublet(radiation.wavelengths[0], 0.0)
        notes.append("The incident beam has a monochromator: Kα1 alone is used.")
    return PatternFile(_scans(text.encode(), path, "pattern.xrdml"), radiation, notes, False)


def _has_monochromator(root: ET.Element) -> bool:
    """Whether the incident beam of the first measurement has a crystal that removes Kα2."""
    path = next((element for element in root.iter() if local_name(element) == "incidentBeamPath"), None)
    return path is not None and any(
        local_name(part) == "monochromator"
        or (local_name(part) == "xRayMirror" and part.get("hybrid") == "true")
        for part in path
    )


def _scans(content: bytes, path: Path, hint: str) -> list[Scan]:
    """The scans that geddes reads.

    Args:
        content: Of the file.
        path: For messages.
        hint: A file name with the ending of the format.
    """
    try:
        import geddes
    except ModuleNotFoundError as error:
        raise InputError(f"{path}: reading {hint.partition('.')[2]} files {NEEDS_EXTRA}") from error
    scans: list[Scan] = []
    while len(scans) < MAX_SCANS:
        try:
            pattern = geddes.read_bytes(content, hint, index=len(scans))
        except (ValueError, OSError, OverflowError) as error:
            if scans and _NO_MORE_SCANS in str(error):
                return scans
            reason = str(error).removeprefix("Parse error: ")
            raise InputError(
                f"{path} cannot be read ({one_line(reason)}): export the scan again, or as xy."
            ) from error
        scans.append(Scan(np.array(pattern.x, dtype=float), np.array(pattern.y, dtype=float)))
    raise InputError(f"{path} has more than {MAX_SCANS} scans: export one.")


def _raw3_radiation(content: bytes) -> Radiation | None:
    if len(content) < _RAW3_AT + _RAW3_WAVELENGTHS.size:
        return None
    return _bruker_radiation(content, _RAW3_AT)


def _raw4_radiation(content: bytes) -> Radiation | None:
    for kind, start, length in _raw4_segments(content):
        if kind == _RAW4_HARDWARE and length >= _RAW4_WAVELENGTHS_AT + _RAW3_WAVELENGTHS.size:
            return _bruker_radiation(content, start + _RAW4_WAVELENGTHS_AT)
    return None


def _raw4_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Type, place and length of the segments before the first range."""
    at = _RAW4_SEGMENTS_AT
    while at + 8 <= len(content):
        kind, length = struct.unpack_from("<II", content, at)
        if kind in _RAW4_RANGES or length < 8 or at + length > len(content):
            return
        yield kind, at, length
        at += length


def _bruker_radiation(content: bytes, at: int) -> Radiation | None:
    mean, first, second, _, ratio = _RAW3_WAVELENGTHS.unpack_from(content, at)
    if not np.isfinite([mean, first, second, ratio]).all():
        return None
    if first > 0:
        return doublet(first, second, ratio)
    return single_line(mean) if mean > 0 else None


def _brml_radiation(root: ET.Element) -> Radiation | None:
    first, second, ratio, mean = (
        number_of(first_text(root, f"WaveLength{part}")) for part in ("Alpha1", "Alpha2", "Ratio", "Average")
    )
    if first > 0:
        return doublet(first, second, ratio)
    return single_line(mean) if mean > 0 else None
