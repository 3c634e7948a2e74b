"""Histograms of GSAS: constant wavelength, records STD, ESD, FXY and FXYE.

Format: GSAS Technical Manual, LAUR 86-748 (2004), "Powder diffraction data files". Angles are in
hundredths of a degree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from alphacrystal.diffraction.pattern_files._headers import radiation_in_text
from alphacrystal.diffraction.pattern_files._scans import MAX_POINTS, PatternFile, Scan, stepped
from alphacrystal.errors import InputError, one_line
from alphacrystal.typing import FloatArray

_BANK = re.compile(r"^BANK\s", re.MULTILINE)
_CONSTANT_WAVELENGTH = frozenset({"CONST", "CONS", "FXYE", "FXY"})
_CENTIDEGREES = 100.0


def is_gsas(text: str) -> bool:
    """Whether a text has a BANK record near its beginning."""
    return _BANK.search(text[:20_000]) is not None


def read_gsas(text: str, name: str) -> PatternFile:
    """The banks of a histogram file.

    Raises:
        InputError: It is time-of-flight data, in another record format, or cut short.
    """
    starts = [match.start() for match in _BANK.finditer(text)]
    header = text[: starts[0]].split("\n")
    scans = []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        bank, *lines = text[start:end].split("\n")
        records = [line for line in lines if line.strip("\x1a ") and not line.startswith(("#", "TIME_MAP"))]
        scans.append(_bank(bank.split(), records, name))
    return PatternFile(scans, radiation_in_text(header), [], False)


def _bank(words: Sequence[str], records: Sequence[str], name: str) -> Scan:
    """The scan of one bank: ``BANK number channels records type start step 0 0 format``."""
    kind = words[4].upper() if len(words) > 4 else ""
    layout = words[-1].upper() if words[-1].isalpha() or words[-1].upper() in {"FXYE", "FXY"} else "STD"
    layout = "STD" if layout in {"CONST", "CONS"} else layout
    if kind not in _CONSTANT_WAVELENGTH:
        raise InputError(
            f"{name} has GSAS data of type {one_line(kind)[:20] or 'unknown'} (time of flight or energy): "
            "give a measurement with one wavelength."
        )
    try:
        channels = int(words[2])
        if not 0 < channels <= MAX_POINTS:
            raise InputError(f"{name} gives {channels} channels; 1 to {MAX_POINTS} can be read.")
        if layout in {"FXYE", "FXY"}:
            return _free(records, channels, layout, name)
        start, step = float(words[5]) / _CENTIDEGREES, float(words[6]) / _CENTIDEGREES
        if layout == "ESD":
            values = _fixed(records, 8)
            intensity, uncertainty = values[0::2][:channels], values[1::2][:channels]
        elif layout == "STD":
            intensity, uncertainty = _standard(records, channels)
        else:
            raise InputError(
                f"{name} has GSAS records in the format {one_line(layout)[:20]}: export STD, ESD or FXYE."
            )
    except (ValueError, IndexError, OverflowError) as error:
        raise InputError(f"{name} has a damaged GSAS BANK or data record: export it again.") from error
    _check_count(len(intensity), channels, name)
    _check_count(len(uncertainty), channels, name)
    return Scan(stepped(start, step, channels), intensity, uncertainty)


def _check_count(found: int, channels: int, name: str) -> None:
    if found < channels:
        raise InputError(
            f"{name} is cut short: its BANK record gives {channels} channels, and {found} follow: "
            "copy it again."
        )


def _free(records: Sequence[str], channels: int, layout: str, name: str) -> Scan:
    width = 3 if layout == "FXYE" else 2
    rows = [line.split() for line in records[:channels]]
    values = np.array([[float(word) for word in row[:width]] for row in rows if len(row) >= width])
    _check_count(len(values), channels, name)
    uncertainty = values[:, 2] if width == 3 else None
    two_theta = values[:, 0] / _CENTIDEGREES
    return Scan(two_theta, values[:, 1], uncertainty)


def _fixed(records: Sequence[str], width: int) -> FloatArray:
    """Numbers in fields of a fixed width."""
    fields = [
        line[at : at + width] for line in records for at in range(0, min(len(line.rstrip()), 80), width)
    ]
    return np.array([float(field) for field in fields if field.strip()])


def _standard(records: Sequence[str], channels: int) -> tuple[FloatArray, FloatArray]:
    """Intensities and standard deviations of records of ten fields: counters (2 digits), mean count (6)."""
    counters, counts = [], []
    for line in records:
        text = line.rstrip()[:80]
        for at in range(0, len(text), 8):
            counters.append(max(int(text[at : at + 2].strip() or 1), 1))
            counts.append(float(text[at + 2 : at + 8].strip() or 0))
    intensity = np.array(counts[:channels])
    variance = np.maximum(intensity, 1) / np.array(counters[:channels])
    return intensity, np.sqrt(variance)
