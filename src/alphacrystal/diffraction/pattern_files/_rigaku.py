"""Files of Rigaku diffractometers: ras (text) and rasx (zip of text and XML).

The third column is the factor of the attenuator; counts are multiplied by it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET  # only types and walks; _archives parses

import numpy as np

from alphacrystal.diffraction._pattern import Radiation
from alphacrystal.diffraction._radiation import doublet
from alphacrystal.diffraction.pattern_files._archives import (
    PatternArchive,
    first_text,
    number_of,
    parse_xml,
)
from alphacrystal.diffraction.pattern_files._scans import PatternFile, Scan
from alphacrystal.errors import InputError, one_line

_KEY = re.compile(r'^\*(\S+)\s+"?(.*?)"?\s*$')
_PROFILE = re.compile(r"(?:^|/)Data(\d+)/Profile\1\.txt$", re.IGNORECASE)
_CONDITIONS = re.compile(r"MeasurementConditions|MesurementConditions", re.IGNORECASE)
_TWO_THETA = re.compile(r"two_?theta|2[\s_-]?(?:theta|θ|ƒæ|th)", re.IGNORECASE)


def is_ras(text: str) -> bool:
    """Whether a text is a ras file."""
    return text.lstrip("\ufeff \n").startswith("*RAS_DATA_START")


def read_ras(text: str, name: str) -> PatternFile:
    """The scans of a ras file.

    Raises:
        InputError: A scan is not over 2θ, is cut short, or has rows that are no numbers.
    """
    header: dict[str, str] = {}
    first_header: dict[str, str] | None = None
    scans: list[tuple[Scan, bool]] = []
    rows: list[str] | None = None
    for line in text.split("\n"):
        word = line.strip()
        if word == "*RAS_INT_START":
            rows = []
        elif word == "*RAS_INT_END" and rows is not None:
            _check_axis(header.get("MEAS_SCAN_AXIS_X", "2theta"), name)
            scans.append(_scan(rows, name))
            first_header = first_header or dict(header)
            rows = None
        elif rows is not None:
            rows.append(word)
        elif match := _KEY.match(word):
            header[match[1]] = match[2]
    if rows is not None:
        raise InputError(f"{name} is cut short (no *RAS_INT_END): copy it again.")
    notes = _attenuator_notes(scans)
    return PatternFile([scan for scan, _ in scans], _radiation(first_header or header), notes, False)


def is_rasx(archive: PatternArchive) -> bool:
    """Whether an archive is a rasx file."""
    return any(_PROFILE.search(name) for name in archive.names())


def read_rasx(archive: PatternArchive, path: Path) -> PatternFile:
    """The scans of a rasx file.

    Raises:
        InputError: A scan is not over 2θ, or has rows that are no numbers.
    """
    profiles = sorted(
        (name for name in archive.names() if _PROFILE.search(name)), key=lambda name: (len(name), name)
    )
    scans = []
    header: Mapping[str, str] = {}
    for profile in profiles:
        folder = profile.rpartition("/")[0] + "/"
        conditions = [n for n in archive.names() if n.startswith(folder) and _CONDITIONS.search(n)]
        if conditions:
            root = parse_xml(archive.text(conditions[0]), path, "rasx")
            _check_axis(_scan_axis(root), str(path))
            header = header or _conditions(root)
        scans.append(_scan(archive.text(profile).lstrip("\ufeff").split("\n"), str(path)))
    return PatternFile([scan for scan, _ in scans], _radiation(header), _attenuator_notes(scans), False)


def _scan_axis(root: ET.Element) -> str:
    for element in root.iter():
        if element.tag.endswith("ScanInformation"):
            return first_text(element, "AxisName") or "2theta"
    return "2theta"


def _conditions(root: ET.Element) -> dict[str, str]:
    names = {
        "WavelengthKalpha1": "HW_XG_WAVE_LENGTH_ALPHA1",
        "WavelengthKalpha2": "HW_XG_WAVE_LENGTH_ALPHA2",
        "WaveType": "MEAS_COND_XG_WAVE_TYPE",
    }
    return {key: text for name, key in names.items() if (text := first_text(root, name))}


def _radiation(header: Mapping[str, str]) -> Radiation | None:
    first = number_of(header.get("HW_XG_WAVE_LENGTH_ALPHA1"))
    second = number_of(header.get("HW_XG_WAVE_LENGTH_ALPHA2"))
    kind = header.get("MEAS_COND_XG_WAVE_TYPE", "Ka").lower()
    if first <= 0 or "b" in kind:
        return None
    return doublet(first, 0.0 if kind.endswith("1") else second)


def _check_axis(axis: str, name: str) -> None:
    if not _TWO_THETA.search(axis):
        raise InputError(f"{name} is a scan over {one_line(axis)[:40]}, not 2θ: give a scan over 2θ.")


def _scan(lines: list[str], name: str) -> tuple[Scan, bool]:
    """A scan, and whether the attenuator was used."""
    rows = [line.replace(",", " ").split() for line in lines if line.strip()]
    try:
        values = np.array([[float(word) for word in (*row, "1")[:3]] for row in rows]).reshape(-1, 3)
    except ValueError as error:
        raise InputError(f"{name} has a damaged row of data: export it again.") from error
    two_theta, counts, factor = values.T
    if np.all(factor == 1):
        return Scan(two_theta, counts), False
    return Scan(two_theta, counts * factor, np.sqrt(np.maximum(counts, 1)) * factor), True


def _attenuator_notes(scans: list[tuple[Scan, bool]]) -> list[str]:
    if any(attenuated for _, attenuated in scans):
        return ["The intensities are multiplied by the factors of the attenuator."]
    return []
