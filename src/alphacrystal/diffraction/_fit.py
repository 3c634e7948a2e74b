"""Fit of crystals to a measured powder pattern or a list of peaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.diffraction._agreement import Agreement, compare_peaks
from alphacrystal.diffraction._cell_search import DISPLACEMENT, CellMatch, search_cell
from alphacrystal.diffraction._pattern import PeakList, PowderPattern
from alphacrystal.diffraction._peaks import peaks_of
from alphacrystal.diffraction._prepared import LogProfile, PreparedPattern, prepare_list, prepare_pattern
from alphacrystal.diffraction._profile_model import Profile
from alphacrystal.diffraction._refine import Refinement, background_columns, refine
from alphacrystal.diffraction._reflections import (
    SYMPREC,
    Reflections,
    lorentz_polarisation,
    reflections,
    symmetric_crystal,
)
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.crystal import StructureLike

RANGE_MARGIN = 0.07  # relative, of 1/d: cells may change by this much
LIST_TOLERANCE = 0.004  # relative, of d
LIST_LIMIT = 0.5  # of the weakest intensity of a list: weaker peaks are not seen
_SEEN = 4.0  # standard deviations of the weakest peak that is seen


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
    """

    structure: Structure
    log_likelihood: float
    misfit: float
    profile: FittedProfile | None
    marks: Marks
    unexplained: PeakList
    missing: Marks


def fit_crystal(
    structure: StructureLike, pattern: PowderPattern | PeakList, settings: FitSettings | None = None
) -> PatternFit:
    """Fit a crystal to a measured pattern or a list of peaks.

    Raises:
        InputError: The measurement or the crystal cannot be used.
    """
    return fit_crystals([structure], pattern, settings)[0]


def fit_crystals(
    structures: Sequence[StructureLike],
    pattern: PowderPattern | PeakList,
    settings: FitSettings | None = None,
) -> list[PatternFit]:
    """Fit crystals to one measurement, which is prepared once.

    Raises:
        InputError: The measurement or a crystal cannot be used.
    """
    settings = settings or FitSettings()
    measurement = _Measurement(pattern, settings)
    return [measurement.fit(structure) for structure in structures]


class _Measurement:
    """A measurement with the quantities that all fits share."""

    def __init__(self, pattern: PowderPattern | PeakList, settings: FitSettings) -> None:
        self._settings, self._radiation = settings, pattern.radiation
        self._wavelength = pattern.radiation.mean_wavelength
        self._raw = pattern if isinstance(pattern, PowderPattern) else None
        self._prepared: PreparedPattern | None = None
        self._logarithmic: LogProfile
        if isinstance(pattern, PowderPattern):
            self._prepared = prepare_pattern(pattern, settings.min_spacing)
            self._logarithmic = self._prepared.logarithmic
            self._peaks = peaks_of(self._prepared, pattern.source)
        else:
            self._peaks = _rising(pattern, settings.min_spacing)
            self._logarithmic = prepare_list(self._peaks)

    def fit(self, structure: StructureLike) -> PatternFit:
        """Fit one crystal."""
        crystal = symmetric_crystal(structure, self._settings.symprec)
        families = reflections(crystal, self._radiation, self._range())
        if not len(families):
            raise InputError(
                f"{crystal.to_structure().composition.reduced_formula} has no reflection in the range of the "
                "measurement."
            )
        match = search_cell(families, self._logarithmic, self._wavelength)
        if self._prepared is None or self._raw is None:
            return self._list_fit(families, match)
        return self._profile_fit(families, match, self._prepared, self._raw)

    def _range(self) -> tuple[float, float]:
        """Smallest and largest 2θ in degrees of reflections that strains may bring into the measurement."""
        margins = (1 - RANGE_MARGIN, 1 + RANGE_MARGIN)
        ends = (self._logarithmic.start, self._logarithmic.end)
        sines = [
            np.exp(end) * self._wavelength / 2 * margin for end, margin in zip(ends, margins, strict=True)
        ]
        low, high = np.degrees(2 * np.arcsin(np.minimum(sines, 0.9999)))
        return float(low), float(high)

    def _profile_fit(
        self, families: Reflections, match: CellMatch, prepared: PreparedPattern, raw: PowderPattern
    ) -> PatternFit:
        start = families.displaced(match.strains, np.zeros(0))
        refinement = refine(
            start,
            prepared,
            match.zero,
            texture=self._settings.texture,
            coordinates=self._settings.coordinates,
        )
        net = (prepared.intensity - prepared.background) / prepared.sigma
        misfit = _squared_misfit(refinement, prepared) / max(float(net @ net), 1e-300)
        centres, areas = refinement.model.centres(refinement.parameters)
        inside = (centres >= prepared.start) & (centres <= prepared.end)
        order = np.flatnonzero(inside)[np.argsort(centres[inside], kind="stable")]
        centres, areas = centres[order], areas[order]
        width = refinement.profile.width + refinement.profile.strain_width * np.tan(np.radians(centres / 2))
        # The measured intensities are integrated over about a width on each side.
        span = prepared.end - prepared.start
        agreement = self._agreement(
            _angles(self._peaks, raw), centres, areas, np.maximum(1.2 * width, 2 * prepared.step), span
        )
        marks = _marks(centres, refinement.model.reflections.indices[order], areas)
        return PatternFit(
            structure=refinement.crystal.to_structure(),
            log_likelihood=agreement.log_likelihood,
            misfit=misfit,
            profile=_fitted_profile(refinement, prepared, raw),
            marks=marks,
            unexplained=_chosen(self._peaks, agreement.unexplained),
            missing=_subset(marks, agreement.missing),
        )

    def _list_fit(self, families: Reflections, match: CellMatch) -> PatternFit:
        crystal = families.displaced(match.strains, np.zeros(0))
        inside = reflections(crystal, self._radiation, self._range())
        sine = self._wavelength * np.sqrt(inside.square) / 2
        theta = np.arcsin(np.minimum(sine, 0.9999))
        areas = inside.intensity * lorentz_polarisation(theta) * np.exp(-DISPLACEMENT * inside.square / 2)
        position = np.log(inside.square) / 2
        low, high = self._logarithmic.start, self._logarithmic.end
        order = np.flatnonzero((position >= low) & (position <= high))
        agreement = self._agreement(
            -np.log(self._peaks.spacing),
            position[order],
            areas[order],
            np.full(len(order), LIST_TOLERANCE),
            high - low,
        )
        marks = _marks(2 * np.degrees(theta[order]), inside.indices[order], areas[order])
        return PatternFit(
            structure=crystal.to_structure(),
            log_likelihood=agreement.log_likelihood,
            misfit=match.misfit,
            profile=None,
            marks=marks,
            unexplained=_chosen(self._peaks, agreement.unexplained),
            missing=_subset(marks, agreement.missing),
        )

    def _agreement(
        self,
        measured: FloatArray,
        predicted: FloatArray,
        areas: FloatArray,
        tolerance: FloatArray,
        span: float,
    ) -> Agreement:
        intensity, uncertainty = self._peaks.intensity, self._peaks.intensity_uncertainty
        if self._prepared is None or uncertainty is None or not len(uncertainty):
            limit = LIST_LIMIT * float(intensity.min(initial=1.0))
        else:
            limit = _SEEN * float(np.median(uncertainty))
        places = span / (2 * float(np.median(tolerance))) if len(tolerance) else 1.0
        return compare_peaks(measured, intensity, predicted, areas, tolerance, limit, places)


def _rising(peaks: PeakList, min_spacing: float) -> PeakList:
    """The peaks above a spacing by falling d."""
    if len(peaks.spacing) and not (np.isfinite(peaks.spacing).all() and (peaks.spacing > 0).all()):
        raise InputError(f"{peaks.source} has a spacing d that is not a positive number.")
    order = np.argsort(-peaks.spacing, kind="stable")
    kept = order[peaks.spacing[order] >= min_spacing]
    if not len(kept):
        raise InputError(f"{peaks.source} has no peak with d above {min_spacing:g} Å.")
    return _chosen(peaks, kept)


def _chosen(peaks: PeakList, members: IntArray) -> PeakList:
    errors = peaks.spacing_uncertainty, peaks.intensity_uncertainty
    return replace(
        peaks,
        spacing=peaks.spacing[members],
        intensity=peaks.intensity[members],
        spacing_uncertainty=None if errors[0] is None else errors[0][members],
        intensity_uncertainty=None if errors[1] is None else errors[1][members],
    )


def _angles(peaks: PeakList, pattern: PowderPattern) -> FloatArray:
    """2θ in degrees of peaks for the strongest line."""
    sine = pattern.radiation.wavelengths[0] / (2 * peaks.spacing)
    return np.asarray(2 * np.degrees(np.arcsin(np.minimum(sine, 1.0))))


def _marks(two_theta: FloatArray, indices: IntArray, areas: FloatArray) -> Marks:
    return Marks(two_theta, indices, areas * (100 / areas.max()) if len(areas) else areas)


def _subset(marks: Marks, members: IntArray) -> Marks:
    return Marks(marks.two_theta[members], marks.indices[members], marks.intensity[members])


def _net_curves(refinement: Refinement, prepared: PreparedPattern) -> tuple[FloatArray, FloatArray]:
    """Calculated profile without background, and the background, on the grid of the fit."""
    crystal = refinement.solution.scale * refinement.model(refinement.parameters)[0]
    terms = background_columns(prepared.two_theta) @ refinement.solution.coefficients
    return crystal, prepared.background + terms


def _squared_misfit(refinement: Refinement, prepared: PreparedPattern) -> float:
    crystal, background = _net_curves(refinement, prepared)
    residual = (prepared.intensity - crystal - background) / prepared.sigma
    return float(residual @ residual)


def _fitted_profile(refinement: Refinement, prepared: PreparedPattern, raw: PowderPattern) -> FittedProfile:
    """Curves on the measured points, with the reliability factors."""
    from scipy.interpolate import CubicSpline

    inside = (raw.two_theta >= prepared.start) & (raw.two_theta <= prepared.end)
    two_theta, observed = raw.two_theta[inside], raw.intensity[inside]
    crystal, background = _net_curves(refinement, prepared)
    grid = prepared.two_theta
    below = np.interp(two_theta, grid, background)
    calculated = np.asarray(CubicSpline(grid, crystal)(two_theta)) + below
    given = None if raw.uncertainty is None else raw.uncertainty[inside]
    factors = reliability_factors(observed, calculated, below, _sigma(given, prepared, two_theta))
    return FittedProfile(
        two_theta=two_theta,
        observed=observed,
        calculated=calculated,
        background=below,
        r_wp=factors[0],
        r_wp_net=factors[1],
        r_p=factors[2],
        scale=refinement.solution.scale,
        parameters=refinement.profile,
        texture_axis=refinement.texture_axis,
    )


def _sigma(given: FloatArray | None, prepared: PreparedPattern, two_theta: FloatArray) -> FloatArray:
    if given is not None and (given > 0).all():
        return given
    return np.interp(two_theta, prepared.two_theta, prepared.sigma)


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
