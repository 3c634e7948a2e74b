"""A measured powder pattern and the radiation it was measured with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphacrystal.typing import FloatArray


@dataclass(frozen=True, slots=True)
class Radiation:
    """The spectral lines of a measurement.

    Attributes:
        name: For people, e.g. "Cu Kα" or "1.5406 Å".
        wavelengths: Å, the strongest line first, shape (lines,).
        weights: Intensity of each line, sum 1, shape (lines,).
    """

    name: str
    wavelengths: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def mean_wavelength(self) -> float:
        """Mean wavelength in Å, weighted by intensity."""
        return float(np.dot(self.wavelengths, self.weights))


@dataclass(frozen=True, slots=True, eq=False)
class PowderPattern:
    """A measured diffractogram.

    Attributes:
        two_theta: Angles 2θ in degrees, rising, shape (points,).
        intensity: Counts or arbitrary units, shape (points,).
        uncertainty: Standard deviation of each intensity, shape (points,); None where the file has none.
        radiation: Spectral lines.
        source: Name of the file.
        notes: Assumptions of the reader, one sentence each.
    """

    two_theta: FloatArray
    intensity: FloatArray
    uncertainty: FloatArray | None
    radiation: Radiation
    source: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PeakList:
    """Measured reflections without a profile.

    Attributes:
        spacing: Distances d of the lattice planes in Å, falling, shape (peaks,).
        intensity: Per cent of the strongest peak, shape (peaks,).
        radiation: Spectral lines.
        source: Name of the file.
        notes: Assumptions of the reader, one sentence each.
        spacing_uncertainty: Standard deviation of each spacing in Å, shape (peaks,); None if unknown.
        intensity_uncertainty: Standard deviation of each intensity, shape (peaks,); None if unknown.
    """

    spacing: FloatArray
    intensity: FloatArray
    radiation: Radiation
    source: str
    notes: tuple[str, ...] = ()
    spacing_uncertainty: FloatArray | None = None
    intensity_uncertainty: FloatArray | None = None

    @property
    def two_theta(self) -> FloatArray:
        """Angles 2θ in degrees for the strongest line, 180 beyond its reach, shape (peaks,)."""
        sines = self.radiation.wavelengths[0] / (2 * self.spacing)
        return np.asarray(2 * np.degrees(np.arcsin(np.minimum(sines, 1.0))))
