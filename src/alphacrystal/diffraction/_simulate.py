"""Simulated powder patterns of crystals with the faults of real measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.diffraction._pattern import PowderPattern, Radiation
from alphacrystal.diffraction._profile_model import Profile, ProfileModel
from alphacrystal.diffraction._reflections import reflections
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from alphacrystal.crystal import StructureLike

CU_KALPHA = Radiation("Cu Kα", (1.540593, 1.544427), (2 / 3, 1 / 3))
"""Kα1 and Kα2 of copper (Hölzer et al. 1997, doi:10.1103/PhysRevA.56.4554), weighted 2:1."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Deviations of a simulated measurement from an ideal one.

    Attributes:
        counts: Counts at the highest point of the crystal's pattern.
        background: Height of the background relative to that point, at the smallest angle; it falls smoothly
            to half.
        texture_axis: Miller indices in the cell of the structure; the coefficient is that of the profile.
        noise: Whether counts follow a Poisson distribution.
        foreign: Other crystals in the sample.
        foreign_share: Integrated intensity of each, relative to that of the crystal.
    """

    counts: float = 10_000.0
    background: float = 0.03
    texture_axis: tuple[int, int, int] | None = None
    noise: bool = True
    foreign: Sequence[StructureLike] = ()
    foreign_share: float = 0.05


def simulate_pattern(
    structure: StructureLike,
    two_theta: FloatArray,
    *,
    radiation: Radiation = CU_KALPHA,
    profile: Profile | None = None,
    faults: Faults | None = None,
    rng: np.random.Generator | None = None,
) -> PowderPattern:
    """The powder pattern of an ordered crystal.

    Args:
        structure: The crystal, in any cell.
        two_theta: Even grid in degrees, shape (points,).
        radiation: Spectral lines.
        profile: Zero shift, displacement, widths, B and texture; the defaults if None.
        faults: Background, noise and foreign phases; the defaults if None.
        rng: Random numbers of the noise; needed with noise.

    Raises:
        InputError: The grid is uneven, or the crystal has no reflection on it or cannot be used.
    """
    profile, faults = profile or Profile(), faults or Faults()
    steps = np.diff(two_theta)
    if len(steps) < 1 or not np.allclose(steps, steps[0], rtol=1e-3) or steps[0] <= 0:
        raise InputError("A simulated pattern needs rising angles at even distances.")
    crystal = _intensities(structure, two_theta, radiation, profile, faults.texture_axis)
    if not crystal.any():
        raise InputError("The crystal has no reflection in the range of angles.")
    total = crystal.copy()
    for other in faults.foreign:
        share = _intensities(other, two_theta, radiation, profile, None)
        if share.any():
            total += share * (faults.foreign_share * crystal.sum() / share.sum())
    total *= faults.counts / crystal.max()
    span = max(float(two_theta[-1] - two_theta[0]), 1e-9)
    total += faults.background * faults.counts * (1 + np.exp(-3 * (two_theta - two_theta[0]) / span)) / 2
    uncertainty = None
    if faults.noise:
        if rng is None:
            raise ValueError("noise needs a random generator")
        total = rng.poisson(total).astype(np.float64)
        uncertainty = np.sqrt(np.maximum(total, 1.0))
    return PowderPattern(np.array(two_theta, dtype=np.float64), total, uncertainty, radiation, "simulation")


def _intensities(
    structure: StructureLike,
    two_theta: FloatArray,
    radiation: Radiation,
    profile: Profile,
    axis: tuple[int, int, int] | None,
) -> FloatArray:
    """Profile of one crystal at unit scale, shape (points,)."""
    span = (max(0.5, float(two_theta[0]) - 3), min(179.0, float(two_theta[-1]) + 3))
    families = reflections(structure, radiation, span)
    cosines = None if axis is None else families.texture_cosines(axis)
    grid = (float(two_theta[0]), float(np.mean(np.diff(two_theta))), len(two_theta))
    model = ProfileModel(families, radiation.wavelengths, radiation.weights, grid, cosines)
    return model(np.r_[np.zeros(model.modes), profile.as_array()])[0]
