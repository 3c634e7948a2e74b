"""Powder patterns and peaks of a pdCIF (CIF powder dictionary, International Tables G, chapter 3.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.diffraction._pattern import Radiation
from alphacrystal.diffraction._radiation import doublet, single_line
from alphacrystal.diffraction.pattern_files._scans import Axis, PatternFile, Scan, stepped
from alphacrystal.errors import InputError, one_line
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from gemmi import cif

_INTENSITIES = (
    "_pd_meas_counts_total",
    "_pd_meas_intensity_total",
    "_pd_proc_intensity_total",
    "_pd_meas_intensity_net",
    "_pd_proc_intensity_net",
)
_POSITIONS: tuple[tuple[str, Axis], ...] = (
    ("_pd_proc_2theta_corrected", "2theta"),
    ("_pd_meas_2theta_scan", "2theta"),
    ("_pd_proc_d_spacing", "d"),
    ("_pd_proc_recip_len_q", "q"),
)
_RANGES = ("_pd_proc_2theta_range", "_pd_meas_2theta_range")
_PEAK_POSITIONS: tuple[tuple[str, Axis], ...] = (
    ("_pd_peak_d_spacing", "d"),
    ("_pd_peak_2theta_maximum", "2theta"),
    ("_pd_peak_2theta_centroid", "2theta"),
)
_PEAK_INTENSITIES = ("_pd_peak_intensity", "_pd_peak_pk_height")
_UNCERTAIN = re.compile(r"([+-]?[\d.]+(?:[eE][+-]?\d+)?)\((\d+)\)")


def is_cif(text: str) -> bool:
    """Whether a text is a CIF."""
    return re.search(r"^\s*(?:#.*\s+)*data_\S", text[:100_000]) is not None


def read_pdcif(text: str, name: str) -> PatternFile:
    """The patterns of all data blocks, or the peaks of the first with a list of peaks.

    Raises:
        InputError: The syntax is wrong, there is no pattern, or it is not X-ray data of one wavelength.
    """
    from gemmi import cif

    try:
        document = cif.read_string(text)
        blocks = [_Block(block) for block in document]
    except (RuntimeError, ValueError, UnicodeError) as error:
        reason = " ".join(str(error).removeprefix("string:").split())
        raise InputError(f"{name} is not a valid CIF (line {one_line(reason)}): correct the file.") from error
    for block in blocks:
        if (
            "neutron"
            in (block.text("_diffrn_radiation_probe") or block.text("_diffrn_radiation_type") or "").lower()
        ):
            raise InputError(f"{name} is neutron data: give an X-ray pattern.")
    radiation = _radiation(blocks)
    scans = [scan for block in blocks if (scan := _profile(block, name)) is not None]
    if scans:
        return PatternFile(scans, radiation, [], False)
    for block in blocks:
        if (scan := _peaks(block)) is not None:
            return PatternFile([scan], radiation, [], True)
    if any(tag.startswith("_pd_meas_time_of_flight") for block in blocks for tag in block.columns):
        raise InputError(f"{name} is time-of-flight data: give a measurement with one wavelength.")
    raise InputError(
        f"{name} is a CIF without a powder pattern (no _pd_meas_counts_total, _pd_proc_intensity_total or "
        "tags like them): give the measured pattern."
    )


class _Block:
    """Values of a data block by tag in lower case, in the spelling without dots."""

    def __init__(self, block: cif.Block) -> None:
        self.columns: dict[str, list[str]] = {}
        for item in block:
            pair: Sequence[str] | None = item.pair  # type: ignore[assignment]  # untyped in gemmi
            if pair is not None:
                self.columns.setdefault(_spelled(pair[0]), [pair[1]])
            elif item.loop is not None:
                tags = item.loop.tags
                for place, tag in enumerate(tags):
                    self.columns.setdefault(_spelled(tag), list(item.loop.values[place :: len(tags)]))

    def text(self, tag: str) -> str | None:
        """The first value of a tag without quotes."""
        values = self.columns.get(tag, ())
        return next((value.strip("'\" ") for value in values if value not in {"?", "."}), None)

    def number(self, tag: str) -> float:
        """The first value of a tag; NaN where it is no number."""
        return float(_numbers([self.text(tag) or "?"])[0][0])

    def loop(self, tags: Sequence[str]) -> tuple[str, list[str]] | None:
        """The first of the tags with more than one value, and its values."""
        return next(((tag, self.columns[tag]) for tag in tags if len(self.columns.get(tag, ())) > 1), None)


def _spelled(tag: str) -> str:
    return tag.lower().replace(".", "_")


def _numbers(values: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Values and their standard uncertainties in brackets; NaN for those that are no number or have none."""
    numbers, uncertainties = np.full(len(values), np.nan), np.full(len(values), np.nan)
    for index, value in enumerate(values):
        word = value.strip("'\" ")
        if match := _UNCERTAIN.fullmatch(word):
            digits = len(match[1].partition(".")[2].partition("e")[0])
            word = match[1]
            uncertainties[index] = int(match[2][:9]) * 10.0**-digits
        try:
            numbers[index] = float(word)
        except ValueError:
            continue
    return numbers, uncertainties


def _profile(block: _Block, name: str) -> Scan | None:
    found = block.loop(_INTENSITIES)
    if found is None:
        return None
    intensity, uncertainty = _numbers(found[1])
    position, axis = _position(block, len(intensity))
    if position is None:
        if any(tag.startswith("_pd_meas_time_of_flight") for tag in block.columns):
            return None
        raise InputError(
            f"{name} has intensities without 2θ, d or Q of the same number: add _pd_meas_2theta_scan or "
            "_pd_meas_2theta_range_min and _inc."
        )
    weights = block.columns.get("_pd_proc_ls_weight", [])
    if len(weights) == len(intensity) and not np.isfinite(uncertainty).all():
        with np.errstate(divide="ignore", invalid="ignore"):
            uncertainty = 1 / np.sqrt(_numbers(weights)[0])
    keep = np.isfinite(intensity) & np.isfinite(position)  # "." marks excluded points
    usable = np.isfinite(uncertainty[keep]).all() and (uncertainty[keep] > 0).all()
    return Scan(position[keep], intensity[keep], uncertainty[keep] if usable else None, axis)


def _position(block: _Block, count: int) -> tuple[FloatArray | None, Axis]:
    for tag, axis in _POSITIONS:
        if len(values := block.columns.get(tag, ())) == count:
            return _numbers(list(values))[0], axis
    for tag in _RANGES:
        start, step = block.number(f"{tag}_min"), block.number(f"{tag}_inc")
        if np.isfinite([start, step]).all() and 0 < step < 10:
            return stepped(start, step, count), "2theta"
    return None, "2theta"


def _peaks(block: _Block) -> Scan | None:
    found = block.loop(_PEAK_INTENSITIES)
    if found is None:
        return None
    intensity, _ = _numbers(found[1])
    for tag, axis in _PEAK_POSITIONS:
        if len(values := block.columns.get(tag, ())) == len(intensity):
            return Scan(_numbers(list(values))[0], intensity, None, axis)
    return None


def _radiation(blocks: Sequence[_Block]) -> Radiation | None:
    for block in _with_pattern_first(blocks):
        values = block.columns.get("_diffrn_radiation_wavelength", [])
        wavelengths, _ = _numbers(values)
        weights, _ = _numbers(block.columns.get("_diffrn_radiation_wavelength_wt", ["1"] * len(values)))
        if len(weights) != len(wavelengths):
            continue
        lines = sorted(
            (
                (float(weight), float(length))
                for weight, length in zip(weights, wavelengths, strict=True)
                if weight > 0 and length > 0
            ),
            reverse=True,
        )
        if len(lines) == 1:
            return single_line(lines[0][1])
        if lines:
            (strong, first), (weak, second), *_ = lines
            return doublet(first, second, weak / strong if strong != weak else 0.5)
    return None


def _with_pattern_first(blocks: Sequence[_Block]) -> Iterator[_Block]:
    yield from (block for block in blocks if block.loop(_INTENSITIES))
    yield from (block for block in blocks if not block.loop(_INTENSITIES))
