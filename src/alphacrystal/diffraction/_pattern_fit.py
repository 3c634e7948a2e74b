"""The result of the fit of a crystal to a measurement, and its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.diffraction._pattern import PeakList
from alphacrystal.diffraction._profile_model import Profile
from alphacrystal.diffraction._reflections import SYMPREC
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Settings of a fit.

    Attributes:
        min_spacing: Smallest d in Å that is compared.
        texture: Whether preferred orientation may be refined.
        coordinates: Whether the free coordinates are refined, with a restraint of 0.05 Å to the start.
        symprec: Tolerance of the symmetry in Å.
    """

    min_spacing: float = 1.0
    texture: bool = True
    coordinates: bool = False
    symprec: float = SYMPREC


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Positions of calculated reflections.

    Attributes:
        two_theta: Angles in degrees of the strongest line, rising, shape (marks,).
        indices: Miller indices in the refined structure's cell, shape (marks, 3).
        intensity: Per cent of the strongest, shape (marks,).
    """

    two_theta: FloatArray
    indices: IntArray
    intensity: FloatArray

    def __len__(self) -> int:
        return len(self.two_theta)


@dataclass(frozen=True, slots=True, eq=False)
class FittedProfile:
    """The profile part of a fit, on the measured points that were compared.

    Reliability factors: Toby 2006, doi:10.1154/1.2179804, eqs. 2, 4 and section V.

    Attributes:
        two_theta: Degrees, shape (points,).
        observed: Measured intensity, shape (points,).
        calculated: Calculated intensity with background, shape (points,).
        background: Shape (points,).
        r_wp: √(Σ w (y_o − y_c)² / Σ w y_o²) with w = 1/σ².
        r_wp_net: The same with the background subtracted from y_o in the denominator.
        r_p: Σ |y_o − y_c| / Σ y_o.
        scale: Intensity per electrons², per degree.
        parameters: Zero shift, widths, B and texture.
        texture_axis: Miller indices in the refined structure's cell; None without texture.
    """

    two_theta: FloatArray
    observed: FloatArray
    calculated: FloatArray
    background: FloatArray
    r_wp: float
    r_wp_net: float
    r_p: float
    scale: float
    parameters: Profile
    texture_axis: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True, eq=False)
class PatternFit:
    """A crystal fitted to a measurement.

    Attributes:
        structure: The crystal with refined cell (and coordinates), in the cell that was given.
        log_likelihood: Of the measured peaks given the crystal; comparable for one measurement only.
        misfit: Squared misfit relative to the net data: 0 for a perfect crystal, about 1 for an unrelated
            one. Comparable for one measurement only, since the denominator does not depend on the crystal.
        profile: The fitted profile; None for a list of peaks.
        marks: Calculated reflections.
        unexplained: Measured peaks that the crystal does not explain.
        missing: Calculated reflections that should have been seen.
        evaluations: Calculated profiles of all steps.
    """

    structure: Structure
    log_likelihood: float
    misfit: float
    profile: FittedProfile | None
    marks: Marks
    unexplained: PeakList
    missing: Marks
    evaluations: int


def reliability_factors(
    observed: FloatArray, calculated: FloatArray, background: FloatArray, sigma: FloatArray
) -> tuple[float, float, float]:
    """R_wp, R_wp with the background subtracted, and R_p (Toby 2006, doi:10.1154/1.2179804)."""
    difference = observed - calculated
    weighted = float(np.sum((difference / sigma) ** 2))
    full, net = (float(np.sum((values / sigma) ** 2)) for values in (observed, observed - background))
    total = float(np.sum(np.abs(observed)))
    return (
        float(np.sqrt(weighted / max(full, 1e-300))),
        float(np.sqrt(weighted / max(net, 1e-300))),
        float(np.sum(np.abs(difference)) / max(total, 1e-300)),
    )
