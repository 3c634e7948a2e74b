"""The scans and the radiation that a reader of one format returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from alphacrystal.diffraction._pattern import Radiation
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray

Axis = Literal["2theta", "d", "q"]

#: 2θ in degrees of two scans that were measured at the same angles.
_SAME_ANGLE = 1e-4
MAX_SCANS = 1000
MAX_POINTS = 500_000  # of a scan


@dataclass(frozen=True, slots=True)
class Scan:
    """Rows of a file, unchecked.

    Attributes:
        position: Along the axis: 2θ in degrees, d in Å, or Q in 1/Å; shape (points,).
        intensity: Shape (points,).
        uncertainty: Standard deviations of the intensities, shape (points,), or None.
        axis: Quantity of the positions.
    """

    position: FloatArray
    intensity: FloatArray
    uncertainty: FloatArray | None = None
    axis: Axis = "2theta"


@dataclass(frozen=True, slots=True)
class PatternFile:
    """The content of a pattern file.

    Attributes:
        scans: In the order of the file, at least one.
        radiation: Of the file; None where it names none.
        notes: Assumptions of the reader, one sentence each.
        peaks: Whether the file says that the rows are peaks (True) or a profile (False); None where it does
            not say.
    """

    scans: Sequence[Scan]
    radiation: Radiation | None = None
    notes: list[str] = field(default_factory=list)
    peaks: bool | None = None


def one_scan(file: PatternFile, name: str) -> Scan:
    """The scan to use: the sum of scans at equal positions, or else the first; a note says which.

    Raises:
        InputError: There is none, or columns of different lengths.
    """
    if not file.scans:
        raise InputError(f"{name} has no measured points: export the scan again.")
    first, *others = file.scans
    for scan in file.scans:
        if not len(scan.position) == len(scan.intensity):
            raise InputError(
                f"{name} has {len(scan.position)} positions and {len(scan.intensity)} intensities: "
                "export it again."
            )
    if not others:
        return first
    count = len(file.scans)
    if all(_same_positions(first, scan) for scan in others):
        file.notes.append(f"The {count} scans of the file at equal positions are summed.")
        uncertainties = [scan.uncertainty for scan in file.scans]
        known = [value for value in uncertainties if value is not None]
        return Scan(
            first.position,
            np.sum([scan.intensity for scan in file.scans], axis=0),
            np.sqrt(np.sum(np.square(known), axis=0)) if len(known) == count else None,
            first.axis,
        )
    file.notes.append(f"The file has {count} scans over different ranges: only the first is used.")
    return first


def _same_positions(first: Scan, second: Scan) -> bool:
    return (
        first.axis == second.axis
        and len(first.position) == len(second.position) == len(second.intensity)
        and bool(np.allclose(first.position, second.position, rtol=0, atol=_SAME_ANGLE))
    )


def stepped(start: float, step: float, count: int) -> FloatArray:
    """Positions with equal steps, shape (count,)."""
    return np.asarray(start + step * np.arange(count), dtype=np.float64)
