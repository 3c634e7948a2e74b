"""The powder X-ray diffraction pattern that a structure would give."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from alphacrystal.report._summary import SummaryRow, csv_text

if TYPE_CHECKING:
    from pymatgen.analysis.diffraction.xrd import XRDCalculator
    from pymatgen.core.structure import Structure

RADIATION = "Cu Kα"
WAVELENGTH = 1.54184  # Å, mean of Kα1 and Kα2 weighted 2:1; pymatgen's "CuKa"
LARGEST_ANGLE = 90.0  # 2θ, degrees
WEAKEST = 0.1  # per cent of the strongest peak; weaker ones are left out
PATTERN_COLUMNS = ("rank", "file", "two_theta_deg", "d_a", "intensity", "hkl")


@dataclass(frozen=True, slots=True)
class Peak:
    """One line of a powder pattern.

    Attributes:
        two_theta: Angle 2θ in degrees for Cu Kα.
        spacing: Distance d of the lattice planes in Å.
        intensity: Height; the strongest line of the pattern has 100.
        indices: Miller indices in the cell as given, e.g. "2 0 0"; four in hexagonal cells (h k i l).
            Families that fall on one angle are joined by " + ".
    """

    two_theta: float
    spacing: float
    intensity: float
    indices: str

    @property
    def short_indices(self) -> str:
        """For the name of a line: the first family, "2 0 0" as "200"; dots where there are more."""
        first, *others = self.indices.split(" + ")
        plain = all(len(index) == 1 for index in first.split())
        return (first.replace(" ", "") if plain else first.replace("-", "−")) + ("…" if others else "")


def powder_pattern(structure: Structure) -> tuple[Peak, ...]:
    """Peaks of an ordered structure for Cu Kα up to 2θ = 90°, by angle (pymatgen's XRDCalculator).

    Kinematic intensities with the Lorentz-polarisation factor, without thermal motion, absorption, texture or
    anomalous dispersion (De Graef & McHenry, Structure of Materials, 2012, ch. 11-12). Empty where an element
    has no tabulated scattering factor (beyond Cf).
    """
    from pymatgen.analysis.diffraction.xrd import ATOMIC_SCATTERING_PARAMS

    if any(site.specie.symbol not in ATOMIC_SCATTERING_PARAMS for site in structure):
        return ()
    found = _calculator().get_pattern(structure, two_theta_range=(0, LARGEST_ANGLE))
    return tuple(
        Peak(round(float(angle), 3), round(float(spacing), 4), round(float(height), 2), _indices(families))
        for angle, height, families, spacing in zip(found.x, found.y, found.hkls, found.d_hkls, strict=True)
        if height >= WEAKEST
    )


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


@cache
def _calculator() -> XRDCalculator:
    # pymatgen's module loads matplotlib, which has words on stderr where its cache cannot be written.
    log = logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        from pymatgen.analysis.diffraction.xrd import XRDCalculator
    finally:
        log.setLevel(level)
    return XRDCalculator(WAVELENGTH)


def _indices(families: Iterable[Mapping[str, Sequence[int]]]) -> str:
    return " + ".join(" ".join(str(int(index)) for index in family["hkl"]) for family in families)
