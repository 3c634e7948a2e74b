"""The checks that every pattern passes, and the rule that tells a list of peaks from a profile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphacrystal.diffraction._pattern import PeakList, PowderPattern, Radiation
from alphacrystal.diffraction.pattern_files._scans import MAX_POINTS, PatternFile, Scan, one_scan
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray

MIN_POINTS = 50  # of a profile
MIN_PEAKS = 3
#: Rows whose mean distance in 2θ is at most this many degrees are a profile, others a list of peaks.
PROFILE_STEP = 0.25
#: Share of the points of a profile that may repeat an angle, as where two ranges meet.
_MAX_REPEATED = 0.01
_SAME_SPACING = 1e-5  # relative; peaks this close are one, listed for several reflections


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows in the order of rising 2θ.

    Attributes:
        two_theta: Degrees, shape (rows,).
        intensity: Shape (rows,).
        uncertainty: Shape (rows,) or None.
    """

    two_theta: FloatArray
    intensity: FloatArray
    uncertainty: FloatArray | None


def checked_pattern(file: PatternFile, radiation: Radiation, name: str) -> PowderPattern | PeakList:
    """The pattern or the peaks of a file for a radiation.

    A table is a list of peaks where the file says so (a column of Miller indices, tags of a pdCIF), or where
    its rows are more than 0.25° of 2θ apart on average.

    Raises:
        InputError: The numbers are not those of a powder pattern.
    """
    scan = one_scan(file, name)
    _check_finite(scan, name)
    rows = _in_two_theta(scan, radiation, name)
    span = float(np.ptp(rows.two_theta))
    peaks = file.peaks
    if peaks is None:
        # A step of exactly PROFILE_STEP has rounding errors.
        peaks = span > PROFILE_STEP * (1 + 1e-6) * (len(rows.two_theta) - 1)
    if peaks:
        return _peak_list(rows, radiation, name, file.notes)
    return _profile(rows, radiation, name, file.notes)


def _check_finite(scan: Scan, name: str) -> None:
    if len(scan.position) > MAX_POINTS:
        raise InputError(f"{name} has more than {MAX_POINTS} points: bin the pattern.")
    for values, quantity in ((scan.position, "angle"), (scan.intensity, "intensity")):
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise InputError(
                f"{name} has no number as the {quantity} of point {bad[0] + 1} ({values[bad[0]]}): "
                "correct or remove the row."
            )


def _in_two_theta(scan: Scan, radiation: Radiation, name: str) -> _Rows:
    """The rows over 2θ, for the strongest line where the file gives d or Q."""
    position = scan.position
    if scan.axis == "2theta":
        two_theta = position
        if len(position) and (position.min() < 0 or position.max() >= 180):
            at = position.min() if position.min() < 0 else position.max()
            raise InputError(
                f"{name} has 2θ = {at:g}°, outside 0 to 180°: give 2θ in degrees, or name the column d or Q "
                "if it is one."
            )
        keep = position > 0  # the direct beam
    else:
        if len(position) and position.min() < 0:
            raise InputError(f"{name} has a negative {scan.axis} ({position.min():g}): correct the file.")
        keep = position > 0
        with np.errstate(divide="ignore"):
            inverse = position / (2 * np.pi) if scan.axis == "q" else 1 / position
        sine = radiation.wavelengths[0] * inverse / 2
        if np.any(sine[keep] >= 1):
            at = position[keep][sine[keep] >= 1][0]
            raise InputError(
                f"{name} has {scan.axis} = {at:g}, which a wavelength of {radiation.wavelengths[0]:g} Å "
                "cannot reach: check the unit (Å) and the wavelength."
            )
        two_theta = np.degrees(2 * np.arcsin(np.where(keep, np.minimum(sine, 1), 0)))
    if not keep.any():
        raise InputError(f"{name} has no measured points: export the scan again.")
    order = np.flatnonzero(keep)
    if len(order) > 1 and two_theta[order[0]] > two_theta[order[-1]]:
        order = order[::-1]
    uncertainty = None if scan.uncertainty is None else scan.uncertainty[order]
    return _Rows(two_theta[order], scan.intensity[order], uncertainty)


def _profile(rows: _Rows, radiation: Radiation, name: str, notes: list[str]) -> PowderPattern:
    if len(rows.two_theta) < MIN_POINTS:
        raise InputError(
            f"{name} has {len(rows.two_theta)} points in {np.ptp(rows.two_theta):.3g}°; a profile needs "
            f"{MIN_POINTS}: measure a wider range, or add a column hkl to a list of peaks."
        )
    back = np.flatnonzero(np.diff(rows.two_theta) < 0)
    if len(back):
        raise InputError(
            f"{name} goes back from 2θ = {rows.two_theta[back[0]]:g}° to {rows.two_theta[back[0] + 1]:g}°: "
            "give one scan with rising angles."
        )
    merged = _without_repeats(rows, name, notes)
    if np.ptp(merged.intensity) == 0:
        raise InputError(
            f"{name} has the same intensity ({merged.intensity[0]:g}) at all angles: check the columns."
        )
    return PowderPattern(
        merged.two_theta,
        merged.intensity,
        _usable_uncertainty(merged.uncertainty, notes),
        radiation,
        name,
        tuple(notes),
    )


def _without_repeats(rows: _Rows, name: str, notes: list[str]) -> _Rows:
    """The rows with each angle once; the intensities of a repeated angle are averaged."""
    starts = np.concatenate([[True], np.diff(rows.two_theta) > 0])
    repeated = int((~starts).sum())
    if not repeated:
        return rows
    if repeated > _MAX_REPEATED * len(starts):
        first = rows.two_theta[np.flatnonzero(~starts)[0]]
        raise InputError(
            f"{name} gives {repeated} of {len(starts)} angles twice, first 2θ = {first:g}°: give one scan, "
            "with enough decimals, and semicolons between columns if commas mark decimals."
        )
    notes.append(f"Angles given twice: {repeated}; their intensities are averaged.")
    group = np.cumsum(starts) - 1
    size = np.bincount(group)
    uncertainty = None
    if rows.uncertainty is not None:
        uncertainty = np.sqrt(np.bincount(group, rows.uncertainty**2)) / size
    return _Rows(rows.two_theta[starts], np.bincount(group, rows.intensity) / size, uncertainty)


def _usable_uncertainty(uncertainty: FloatArray | None, notes: list[str]) -> FloatArray | None:
    if uncertainty is None:
        return None
    if not (np.isfinite(uncertainty) & (uncertainty > 0)).all():
        notes.append("The standard deviations are not used: some are not positive.")
        return None
    return uncertainty


def _peak_list(rows: _Rows, radiation: Radiation, name: str, notes: list[str]) -> PeakList:
    seen = rows.intensity > 0
    if (rows.intensity < 0).any():
        raise InputError(f"{name} has peaks of negative intensity: check the columns.")
    if not seen.all():
        notes.append(f"Peaks without intensity, left out: {(~seen).sum()}.")
    order = np.argsort(rows.two_theta[seen], kind="stable")
    spacing = radiation.wavelengths[0] / (2 * np.sin(np.radians(rows.two_theta[seen][order] / 2)))
    starts = np.concatenate([[True], np.diff(spacing) < -_SAME_SPACING * spacing[1:]])[: len(spacing)]
    if not starts.all():
        notes.append(f"Peaks at the d of another, added to it: {(~starts).sum()}.")
    count = int(starts.sum())
    if count < MIN_PEAKS:
        raise InputError(f"{name} has {count} peaks; at least {MIN_PEAKS} are needed: give more of them.")
    intensity = np.bincount(np.cumsum(starts) - 1, rows.intensity[seen][order])
    notes.append(f"Read as a list of {count} peaks.")
    return PeakList(spacing[starts], 100 * intensity / intensity.max(), radiation, name, tuple(notes))
