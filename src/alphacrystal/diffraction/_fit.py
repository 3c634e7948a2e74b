"""Fit of crystals to a measured powder pattern or a list of peaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.diffraction._agreement import Agreement, compare_peaks
from alphacrystal.diffraction._cell_search import DISPLACEMENT, CellMatch, search_cell
from alphacrystal.diffraction._pattern import PeakList, PowderPattern
from alphacrystal.diffraction._pattern_fit import (
    FitSettings,
    FittedProfile,
    Marks,
    PatternFit,
    reliability_factors,
)
from alphacrystal.diffraction._peaks import peaks_of
from alphacrystal.diffraction._prepared import LogProfile, PreparedPattern, prepare_list, prepare_pattern
from alphacrystal.diffraction._profile_model import PROFILE_SIZE
from alphacrystal.diffraction._refine import Refinement, background_columns, refine, unrefined
from alphacrystal.diffraction._reflections import (
    Reflections,
    lorentz_polarisation,
    reflections,
    symmetric_crystal,
)
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from alphacrystal.crystal import StructureLike

RANGE_MARGIN = 0.07  # relative, of 1/d: cells may change by this much
LIST_TOLERANCE = 0.004  # relative, of d
SPACING_TOLERANCE = 0.002  # relative, of d, in addition to half a width
LIST_LIMIT = 0.5  # of the weakest intensity of a list: weaker peaks are not seen
#: Per cent of the strongest peak; weaker unexplained peaks of a profile are often noise or satellites.
WEAKEST_UNEXPLAINED = 1.0
_SEEN = 4.0  # standard deviations of the weakest peak that is seen


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
    fitter = PatternFitter(pattern, settings)
    return [fitter.fit(structure) for structure in structures]


class PatternFitter:
    """Fits of crystals to one measurement, which is prepared once.

    Args:
        pattern: The measurement.
        settings: Settings of the fits.

    Raises:
        InputError: The measurement cannot be used.
    """

    def __init__(self, pattern: PowderPattern | PeakList, settings: FitSettings | None = None) -> None:
        settings = settings or FitSettings()
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
        """Fit one crystal.

        Raises:
            InputError: The crystal cannot be used.
        """
        crystal = symmetric_crystal(structure, self._settings.symprec)
        families = reflections(crystal, self._radiation, self._range())
        if not len(families):
            raise InputError(
                f"{crystal.to_structure().composition.reduced_formula} has no reflection in the range of the "
                "measurement."
            )
        matches = search_cell(families, self._logarithmic, self._wavelength)
        if self._prepared is None or self._raw is None:
            return self._list_fit(families, matches[0])
        return self._profile_fit(families, matches, self._prepared, self._raw)

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
        self, families: Reflections, matches: list[CellMatch], prepared: PreparedPattern, raw: PowderPattern
    ) -> PatternFit:
        starts = [(families.displaced(match.strains, np.zeros(0)), match.zero) for match in matches]
        if matches[0].unrelated:
            refinement = unrefined(*starts[0], prepared)
        else:
            refinement = refine(
                starts,
                prepared,
                texture=self._settings.texture,
                coordinates=self._settings.coordinates,
            )
        net = (prepared.intensity - prepared.background) / prepared.sigma
        misfit = _squared_misfit(refinement, prepared) / max(float(net @ net), 1e-300)
        centres, areas = refinement.model.centres(refinement.parameters)
        inside = (centres >= prepared.start) & (centres <= prepared.end)
        order = np.flatnonzero(inside)[np.argsort(centres[inside], kind="stable")]
        centres, areas = centres[order], areas[order]
        # The measured width, not the fitted one: wrong crystals get broad peaks.
        tangent = np.tan(np.radians(centres / 2))
        tolerance = prepared.width / 2 + np.degrees(2 * tangent) * SPACING_TOLERANCE
        span = prepared.end - prepared.start
        agreement = self._agreement(self._peaks.two_theta, centres, areas, tolerance, span)
        marks = _marks(centres, refinement.model.reflections.indices[order], areas)
        strong = self._peaks.intensity[agreement.unexplained] >= WEAKEST_UNEXPLAINED
        return PatternFit(
            structure=refinement.crystal.to_structure(),
            log_likelihood=agreement.log_likelihood,
            misfit=misfit,
            profile=_fitted_profile(refinement, prepared, raw),
            marks=marks,
            unexplained=_chosen(self._peaks, agreement.unexplained[strong]),
            missing=_subset(marks, agreement.missing),
            evaluations=matches[0].evaluations + refinement.evaluations,
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
            evaluations=match.evaluations,
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

    refinement = _without_binning(refinement, prepared, raw)
    inside = (raw.two_theta >= prepared.start) & (raw.two_theta <= prepared.end)
    two_theta, observed = raw.two_theta[inside], raw.intensity[inside]
    _, background = _net_curves(refinement, prepared)
    below = np.interp(two_theta, prepared.two_theta, background)
    points = 2 * len(prepared.intensity) - 1
    crystal = refinement.model.on_grid((prepared.start, prepared.step / 2, points))(refinement.parameters)[0]
    curve = CubicSpline(prepared.start + prepared.step / 2 * np.arange(points), crystal)
    calculated = refinement.solution.scale * np.asarray(curve(two_theta)) + below
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


def _without_binning(refinement: Refinement, prepared: PreparedPattern, raw: PowderPattern) -> Refinement:
    """The refinement with the width of the peaks before the points were averaged in intervals.

    The average over an interval of length s adds s²/12 to the variance of a peak, 8 ln 2 s²/12 to the square
    of its full width.
    """
    measured_step = float(np.median(np.diff(raw.two_theta)))
    profile = refinement.profile
    excess = 8 * np.log(2) / 12 * max(0.0, prepared.step**2 - measured_step**2)
    width = float(np.sqrt(max(profile.width**2 - excess, 0.25 * profile.width**2)))
    parameters = refinement.parameters.copy()
    modes = refinement.model.modes
    parameters[modes : modes + PROFILE_SIZE] = profile.replaced(width=width).as_array()
    return replace(refinement, parameters=parameters)


def _sigma(given: FloatArray | None, prepared: PreparedPattern, two_theta: FloatArray) -> FloatArray:
    if given is not None and (given > 0).all():
        return given
    return np.interp(two_theta, prepared.two_theta, prepared.sigma)
