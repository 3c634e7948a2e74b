"""Words in the header of a table: the quantities of the columns, their units, and the wavelength."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from alphacrystal.diffraction._pattern import Radiation
from alphacrystal.diffraction._radiation import (
    K_ALPHA_RATIO,
    MAX_WAVELENGTH,
    MIN_WAVELENGTH,
    doublet,
    parse_radiation,
    single_line,
)
from alphacrystal.diffraction.pattern_files._scans import Axis

# Words are compared in lower case, without spaces, underscores, hyphens, quotes and asterisks, and without
# the unit in brackets or after a slash or comma.
_TWO_THETA = frozenset(
    {"2theta", "2th", "2thetadeg", "twotheta", "tth", "ttheta", "2θ", "2ϑ", "angle", "pos", "position",
     "2thetaangle", "°2th", "°2theta", "2t", "winkel", "2thetadegrees", "pos.", "deg2theta",
     "2thetacentroid"}
)  # fmt: skip
_SPACING = frozenset({"d", "dspacing", "dvalue", "dhkl", "dobs", "dspac", "dwert", "spacing"})
_MOMENTUM = frozenset({"q", "qvalue", "scatteringvector", "momentumtransfer"})
_THETA = frozenset({"theta", "th", "θ", "ϑ", "omega", "ω"})
_INTENSITY = frozenset(
    {"intensity", "int", "i", "counts", "count", "cps", "yobs", "iobs", "y", "relint", "ii0", "irel",
     "int.", "height", "intensität", "intensite", "intensité", "impulse", "imp", "intensities",
     "rel.int.", "relativeintensity", "lin", "ycounts", "iabs", "icounts", "signal", "peakheight", "f2",
     "iobserved", "relintensity"}
)  # fmt: skip
_DEVIATION = frozenset(
    {"sigma", "esd", "error", "err", "std", "stddev", "uncertainty", "σ", "e", "sig", "su", "sd",
     "standarddeviation", "dy", "di", "fehler", "yerr", "sigmai"}
)  # fmt: skip
_INDICES = frozenset({"hkl", "(hkl)", "h", "indices", "millerindices", "h,k,l"})
_UNIT = re.compile(r"[\[(].*?[\])]|[/,].*$")
_NOISE = re.compile(r"[\s_\-\"'*#!%:^]+")
_FREE_WORDS: tuple[tuple[re.Pattern[str], Axis], ...] = (
    (re.compile(r"2[\s_-]?th(?:eta)?\b|two[\s_-]?theta|2\s?[θϑ]|2-?theta", re.IGNORECASE), "2theta"),
    (re.compile(r"\bd[\s_-]?(?:spacing|value)s?\b", re.IGNORECASE), "d"),
    (re.compile(r"(?<![A-Za-z])q\s*[\[(/]|scattering vector|\bq\s*\(", re.IGNORECASE), "q"),
)
_PER_NANOMETRE = re.compile(r"nm\s*\^?\s*\{?[-−⁻]\s*[1¹]|1\s*/\s*nm|/\s*nm", re.IGNORECASE)
_NANOMETRE = re.compile(r"\bnm\b", re.IGNORECASE)
_RADIAN = re.compile(r"\brad(?:ians?)?\b", re.IGNORECASE)

_WAVELENGTH_WORD = re.compile(r"wave[\s_-]?length|\blambda|λ|k[\s_-]?alpha|_WL\d?\b|alpha\d", re.IGNORECASE)
_WAVELENGTH_NUMBER = re.compile(r"(?<!\d)(?<!\d[.,])(\d[.,]\d{2,})(?![\d.,]*\d)")
_METRES = re.compile(r"(\d(?:\.\d+)?e-(?:09|9|10|11))", re.IGNORECASE)
_RATIO_NUMBER = re.compile(r"([01]?[.,]\d+)\D*$")
_SECOND_LINE = re.compile(r"(?:alpha|α|\ba|WL)[\s_-]?2", re.IGNORECASE)
_OTHER_LINE = re.compile(r"beta|β|WL_?3|average|mean|AVG", re.IGNORECASE)
_RATIO = re.compile(r"ratio", re.IGNORECASE)
_NAMED_LINE = re.compile(
    r"\b(Ag|Co|Cr|Cu|Fe|Mo)[\s_-]*K[\s_-]*(?:alpha|α|a)[\s_-]*([12]?)(?![A-Za-z\d])", re.IGNORECASE
)
_ANODE = re.compile(r"(?:anode|target)\w*[\s_]?\w*[\s\"':=,;\t]{1,5}(Ag|Co|Cr|Cu|Fe|Mo)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Columns:
    """The places of the columns of a table, counted from 0.

    Attributes:
        position: Of 2θ, d or Q.
        intensity: Of the intensity.
        uncertainty: Of the standard deviation; None where the header names none.
        axis: Quantity of the positions; None where it is θ, which is refused.
        factor: The positions times this are degrees, Å or 1/Å.
        indices: Whether there is a column of Miller indices.
    """

    position: int
    intensity: int
    uncertainty: int | None
    axis: Axis | None
    factor: float
    indices: bool


def named_columns(words: Sequence[str]) -> Columns | None:
    """The columns that the words of a header name; None where no word is that of an axis."""
    plain = [_plain(word) for word in words]
    axes: list[tuple[frozenset[str], Axis | None]] = [
        (_TWO_THETA, "2theta"), (_SPACING, "d"), (_MOMENTUM, "q"), (_THETA, None),
    ]  # fmt: skip
    for known, axis in axes:
        place = next((at for at, word in enumerate(plain) if word in known), None)
        if place is None:
            continue
        intensity = next((at for at, word in enumerate(plain) if word in _INTENSITY and at != place), None)
        if intensity is None:
            if len(words) == 1 or place + 1 == len(words):
                return None
            intensity = place + 1
        deviation = next(
            (at for at, word in enumerate(plain) if word in _DEVIATION and at not in {place, intensity}), None
        )
        indices = any(word in _INDICES for word in plain)
        return Columns(place, intensity, deviation, axis, _factor(words[place], axis), indices)
    return None


def axis_in_text(lines: Sequence[str]) -> tuple[Axis, float] | None:
    """The axis that the last header line with such words names, and the factor of its unit."""
    for line in reversed(lines):
        for pattern, axis in _FREE_WORDS:
            if pattern.search(line):
                return axis, _factor(line, axis)
    return None


def radiation_in_text(lines: Sequence[str]) -> Radiation | None:
    """The radiation that header lines name: wavelengths, Kα lines, or the anode."""
    first = second = None
    ratio = K_ALPHA_RATIO
    for line in lines:
        if not _WAVELENGTH_WORD.search(line) or _OTHER_LINE.search(line.partition("=")[0][:40]):
            continue
        if _RATIO.search(line):
            stated = _RATIO_NUMBER.search(line)
            ratio = float(stated[1].replace(",", ".")) if stated else ratio
            continue
        value = _wavelength(line)
        if MIN_WAVELENGTH <= value <= MAX_WAVELENGTH:
            if _SECOND_LINE.search(line):
                second = second or value
            else:
                first = first or value
    if first is not None:
        return single_line(first) if second is None else doublet(first, second, ratio)
    for pattern in (_NAMED_LINE, _ANODE):
        for line in lines:
            if match := pattern.search(line):
                return parse_radiation(f"{match[1]}Ka{match[2] if pattern is _NAMED_LINE else ''}")
    return None


def _wavelength(line: str) -> float:
    """The first number of a line that may be a wavelength, in Å; 0 without one."""
    if match := _METRES.search(line):
        return float(match[1]) * 1e10
    if match := _WAVELENGTH_NUMBER.search(line):
        return float(match[1].replace(",", ".")) * (10 if _NANOMETRE.search(line) else 1)
    return 0.0


def _plain(word: str) -> str:
    stripped = _UNIT.sub("", word) if word.strip().lower() not in {"(hkl)", "h,k,l", "i/i0"} else word
    return _NOISE.sub("", stripped).lower().replace("/", "")


def _factor(word: str, axis: Axis | None) -> float:
    if axis == "d":
        return 10.0 if _NANOMETRE.search(word) else 1.0
    if axis == "q":
        return 0.1 if _PER_NANOMETRE.search(word) else 1.0
    return 57.29577951308232 if _RADIAN.search(word) else 1.0  # degrees per radian
