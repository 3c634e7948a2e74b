"""The simulated powder X-ray diffraction pattern of a structure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.diffraction import lorentz_polarisation, scattering_factor, without_scattering_factor
from alphacrystal.report._summary import SummaryRow, csv_text
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.structure import Structure

RADIATION = "Cu Kα"
WAVELENGTH = 1.54184  # Å, mean of Kα1 and Kα2 weighted 2:1; pymatgen's "CuKa"
MAX_ANGLE = 90.0  # 2θ, degrees
MIN_INTENSITY = 0.1  # per cent of the strongest peak
_ANGLE_TOLERANCE = 1e-5  # degrees; reflections this close are one peak, as in pymatgen
PATTERN_COLUMNS = ("rank", "file", "two_theta_deg", "d_a", "intensity", "hkl")


@dataclass(frozen=True, slots=True)
class Peak:
    """One peak of a powder pattern.

    Attributes:
        two_theta: Angle 2θ in degrees for Cu Kα.
        spacing: Distance d of the lattice planes in Å.
        intensity: Per cent of the strongest peak.
        indices: Miller indices in the cell as given, e.g. "2 0 0"; four in hexagonal cells (h k i l).
            Families that fall on one angle are joined by " + ".
    """

    two_theta: float
    spacing: float
    intensity: float
    indices: str

    @property
    def short_indices(self) -> str:
        """A short label: the first family, "2 0 0" as "200"; an ellipsis where there are more."""
        first, *others = self.indices.split(" + ")
        plain = all(len(index) == 1 for index in first.split())
        return (first.replace(" ", "") if plain else first.replace("-", "−")) + ("…" if others else "")


def powder_pattern(structure: Structure) -> tuple[Peak, ...]:
    """Peaks of an ordered structure for Cu Kα up to 2θ = 90°, by angle.

    Kinematic intensities with the Lorentz-polarisation factor, without thermal motion, absorption, texture or
    anomalous dispersion (De Graef & McHenry, Structure of Materials, 2012, ch. 11-12). The peaks are those of
    pymatgen's XRDCalculator, whose module imports matplotlib and scipy.stats and is slow to load. Empty where
    an element has no tabulated scattering factor (beyond Cf).
    """
    symbols = [site.specie.symbol for site in structure]
    if without_scattering_factor(symbols):
        return ()
    lattice = structure.lattice
    indices, lengths = _reflections(lattice)
    if not len(indices):
        return ()
    amplitudes = np.zeros(len(indices), dtype=complex)
    square = (lengths / 2) ** 2  # (sin θ / λ)²
    for symbol in dict.fromkeys(symbols):
        sites = [site for site in structure if site.specie.symbol == symbol]
        factor = scattering_factor(symbol, sites[0].specie.Z, square)
        phases = np.exp(2j * np.pi * (indices @ np.array([site.frac_coords for site in sites]).T))
        amplitudes += factor * phases.sum(axis=1)
    theta = np.arcsin(np.clip(WAVELENGTH * lengths / 2, -1, 1))
    intensities = np.abs(amplitudes) ** 2 * lorentz_polarisation(theta)
    angles = np.degrees(2 * theta)
    bins = np.round(angles / _ANGLE_TOLERANCE).astype(int)
    _, peak_of = np.unique(bins, return_inverse=True)
    heights = np.bincount(peak_of, intensities)
    heights *= 100 / heights.max()
    peaks = []
    order = np.argsort(peak_of, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(peak_of[order])) + 1):
        height = float(heights[peak_of[members[0]]])
        if height >= MIN_INTENSITY:
            first = members[0]
            names = _family_names(indices[members].tolist(), hexagonal=lattice.is_hexagonal())
            peaks.append(
                Peak(
                    round(float(angles[first]), 3),
                    round(float(1 / lengths[first]), 4),
                    round(height, 2),
                    names,
                )
            )
    return tuple(peaks)


def _reflections(lattice: Lattice) -> tuple[IntArray, FloatArray]:
    """Miller indices up to the largest angle, one of each Friedel pair, and 1/d in 1/Å, in rising order."""
    reciprocal = lattice.reciprocal_lattice_crystallographic
    largest = 2 * math.sin(math.radians(MAX_ANGLE / 2)) / WAVELENGTH
    points: Any = reciprocal.get_points_in_sphere([[0, 0, 0]], [0, 0, 0], largest, zip_results=False)
    indices, lengths = np.round(points[0]).astype(np.int64).reshape(-1, 3), np.asarray(points[1])
    h, k, l = indices.T  # noqa: E741 - Miller's letters
    half = (h > 0) | ((h == 0) & (k > 0)) | ((h == 0) & (k == 0) & (l > 0))
    indices, lengths = indices[half], lengths[half]
    order = np.lexsort((-indices[:, 2], -indices[:, 1], -indices[:, 0], lengths))
    return indices[order], lengths[order]


def _family_names(indices: Sequence[Sequence[int]], *, hexagonal: bool) -> str:
    """Families of the reflections on one angle; the indices of a family differ in order and sign."""
    families: dict[tuple[int, ...], tuple[int, ...]] = {}
    for h, k, l in indices:  # noqa: E741 - Miller's letters
        for sign in (1, -1):
            parts = (h, k, -h - k, l) if hexagonal else (h, k, l)
            index = tuple(sign * part for part in parts)
            family = tuple(sorted(map(abs, index)))
            families[family] = max(families.get(family, index), index)
    return " + ".join(" ".join(map(str, index)) for index in families.values())


def patterns_csv(rows: Sequence[SummaryRow], patterns: Iterable[Sequence[Peak]]) -> str:
    """Text of ``xrd.csv``: the peaks of all ranked structures, in rank order."""
    lines: list[Mapping[str, object]] = [
        {
            "rank": row.rank,
            "file": row.file,
            "two_theta_deg": f"{peak.two_theta:.3f}",
            "d_a": f"{peak.spacing:.4f}",
            "intensity": f"{peak.intensity:.2f}",
            "hkl": peak.indices,
        }
        for row, pattern in zip(rows, patterns, strict=True)
        for peak in pattern
    ]
    return csv_text(PATTERN_COLUMNS, lines, verbatim={"hkl"})
