"""Search of the cell: free strains that bring the reflections onto the measured peaks, coarse to fine."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from alphacrystal.diffraction._lattice_settings import pseudo_symmetric_strains
from alphacrystal.diffraction._prepared import LOG_STEP, LogProfile
from alphacrystal.diffraction._profile import peak_shapes
from alphacrystal.diffraction._reflections import Reflections, lorentz_polarisation
from alphacrystal.diffraction._separable import Weighted, separable_fit
from alphacrystal.typing import FloatArray

CELL_SPREAD = 0.015  # relative standard deviation of a cell length of a candidate
MAX_STRAIN = 0.05  # of a cell length
ZERO_SPREAD, MAX_ZERO = 0.05, 0.3  # degrees 2θ
LEVELS = (0.008, 0.004, 0.002)  # standard deviation of the smoothing in ln(1/d)
LAST_LEVEL = 0.001  # to tell settings of a pseudo-symmetric cell apart
#: Misfit of the last of LEVELS above which a crystal is taken for unrelated to the pattern. True crystals of
#: `benchmark pattern-fit` have at most 0.70, with a third of the intensity of a foreign phase.
UNRELATED = 0.85
FINALISTS, NEARLY_AS_GOOD, DISTINCT = 3, 1.5, 0.001
STARTS, EVALUATIONS = (3, 2, 2), (7, 6, 8)  # of each level
SCAN_LEVEL, SCAN_BIN = 0.008, 0.004
SCAN_REFLECTIONS = 80
SCAN_SIZES = (1, 61, 512, 1024, 2048, 2048, 4096)  # samples by number of free strains
DISPLACEMENT = 0.7  # Å², isotropic B during the search
_FLOOR = 0.03  # of the largest smoothed intensity
_TO_WIDTH = 2.3548  # full width of a Gaussian of standard deviation 1
_RESIDUAL_UNIT = 0.02  # of the norm of the data: a misfit that counts as one standard deviation


@dataclass(frozen=True, slots=True, eq=False)
class CellMatch:
    """The best strains.

    Attributes:
        strains: Free strains of the reciprocal cell, shape (strains,).
        zero: Zero shift in degrees 2θ.
        misfit: Squared misfit of the smoothed profiles relative to the data.
        evaluations: Calculated profiles of all fits.
        unrelated: Whether the misfit is too large for a refinement to be of use.
    """

    strains: FloatArray
    zero: float
    misfit: float
    evaluations: int = 0
    unrelated: bool = False


def search_cell(reflections: Reflections, profile: LogProfile, wavelength: float) -> list[CellMatch]:
    """Fit the free strains of a crystal to a measured profile, from wide to narrow smoothing.

    Strains are sampled first, evenly in their prior; the best samples start the fits.

    Args:
        reflections: Of the candidate, somewhat beyond the measured range.
        profile: Measured intensity by ln(1/d).
        wavelength: Mean wavelength in Å.

    Returns:
        Different cells that agree nearly as well as the best, best first; of an unrelated crystal the best
        one. The evaluations of the first are those of the whole search.
    """
    areas = _areas(reflections, wavelength)
    starts = _scan(reflections, areas, profile)
    matches = [CellMatch(start, 0.0, np.inf) for start in starts]
    total = 0
    for level, count, evaluations in zip(LEVELS, STARTS, EVALUATIONS, strict=True):
        stage = _Level(reflections, areas, profile, wavelength, level)
        matches = sorted(
            (stage.refine(match, evaluations) for match in matches[:count]), key=lambda match: match.misfit
        )
        total += sum(match.evaluations for match in matches)
    if matches[0].misfit > UNRELATED:
        return [replace(matches[0], evaluations=total, unrelated=True)]
    settings = pseudo_symmetric_strains(reflections, matches[0].strains)
    if settings:
        stage = _Level(reflections, areas, profile, wavelength, LAST_LEVEL)
        tried = [CellMatch(strains, matches[0].zero, np.inf) for strains in (matches[0].strains, *settings)]
        matches = sorted(
            (stage.refine(match, EVALUATIONS[-1]) for match in tried), key=lambda match: match.misfit
        )
        total += sum(match.evaluations for match in matches)
    return [replace(matches[0], evaluations=total), *_others(matches)]


def _others(matches: list[CellMatch]) -> list[CellMatch]:
    """The matches after the first that differ from better ones and agree nearly as well as the first."""
    chosen = matches[:1]
    for match in matches[1:]:
        distinct = all(np.linalg.norm(match.strains - other.strains) > DISTINCT for other in chosen)
        if distinct and match.misfit < NEARLY_AS_GOOD * matches[0].misfit and len(chosen) < FINALISTS:
            chosen.append(match)
    return chosen[1:]


def _areas(reflections: Reflections, wavelength: float) -> FloatArray:
    """Integrated intensities of atoms with a common displacement, shape (families,)."""
    sine = np.clip(wavelength * np.sqrt(reflections.square) / 2, 1e-6, 0.9999)
    damping = np.exp(-DISPLACEMENT * reflections.square / 2)
    return np.asarray(reflections.intensity * lorentz_polarisation(np.arcsin(sine)) * damping)


def _scan(reflections: Reflections, areas: FloatArray, profile: LogProfile) -> list[FloatArray]:
    """Strains whose smoothed profiles agree best with the measured one, of samples of the prior."""
    from scipy.ndimage import gaussian_filter1d

    modes = reflections.strain_basis.shape[0]
    size = SCAN_SIZES[modes]
    if modes == 1:
        samples = np.linspace(-1, 1, size)[:, None] * 2 * np.sqrt(3) * MAX_STRAIN * 0.8
    else:
        # The basis is orthonormal: a strain e of all three axes has the norm 2 √3 e in the reciprocal metric.
        uniform = _even_samples(size, modes)
        samples = (uniform * 2 - 1) * 2 * 2.2 * CELL_SPREAD
        samples = np.concatenate([np.zeros((1, modes)), samples])
        samples = np.concatenate([samples, _isotropic(reflections)])
    strongest = np.argsort(areas)[::-1][:SCAN_REFLECTIONS]
    square = reflections.square[strongest] + samples @ reflections.derivative[strongest].T
    places = (np.log(np.maximum(square, 1e-9)) / 2 - profile.start) / SCAN_BIN
    factor = round(SCAN_BIN / LOG_STEP)
    bins = int(np.ceil(len(profile.density) / factor)) + 1
    padded = np.zeros(bins * factor)
    padded[: len(profile.density)] = profile.density
    smooth = gaussian_filter1d(padded.reshape(bins, factor).sum(axis=1), SCAN_LEVEL / SCAN_BIN)
    target = np.sqrt(smooth)
    inside = (places >= 0) & (places < bins - 1)
    flat = np.where(inside, places, 0).astype(int) + bins * np.arange(len(samples))[:, None]
    weights = np.where(inside, areas[strongest], 0)
    sticks = np.bincount(flat.ravel(), weights.ravel(), bins * len(samples)).reshape(len(samples), bins)
    curves = np.sqrt(gaussian_filter1d(sticks, SCAN_LEVEL / SCAN_BIN, axis=1, truncate=3))
    norms = np.linalg.norm(curves, axis=1) * np.linalg.norm(target)
    agreement = np.where(norms > 0, curves @ target / np.maximum(norms, 1e-300), 0)
    chosen: list[FloatArray] = []
    for index in np.argsort(-agreement, kind="stable"):
        if all(np.linalg.norm(samples[index] - other) > CELL_SPREAD / 2 for other in chosen):
            chosen.append(samples[index])
        if len(chosen) == STARTS[0]:
            break
    return chosen


def _even_samples(count: int, dimensions: int) -> FloatArray:
    """Points of a low-discrepancy sequence in the unit cube, shape (count, dimensions).

    Additive recurrence with the generalised golden ratio (Roberts 2018, "The unreasonable effectiveness of
    quasirandom sequences").
    """
    ratio = 2.0
    for _ in range(30):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    steps = ratio ** -np.arange(1.0, dimensions + 1)
    return np.asarray((0.5 + np.arange(1, count + 1)[:, None] * steps) % 1)


def _isotropic(reflections: Reflections) -> FloatArray:
    """Strains that scale all axes alike, shape (scales, strains)."""
    unit = np.trace(reflections.strain_basis, axis1=1, axis2=2)  # coefficients of the unit tensor
    return np.asarray(np.linspace(-1, 1, 41)[:, None] * 2 * 0.04 * unit)


class _Level:
    """The smoothed profiles of one level."""

    def __init__(
        self,
        reflections: Reflections,
        areas: FloatArray,
        profile: LogProfile,
        wavelength: float,
        level: float,
    ) -> None:
        from scipy.ndimage import gaussian_filter1d

        self._reflections, self._areas, self._wavelength = reflections, areas, wavelength
        self._factor = max(1, round(level / LOG_STEP / 2))
        self._step = self._factor * LOG_STEP
        smooth = gaussian_filter1d(profile.density, level / LOG_STEP, truncate=3.5)[:: self._factor]
        self._start, self._width = profile.start, _TO_WIDTH * level
        floor = _FLOOR * float(smooth.max(initial=0)) + 1e-300
        weight = 1 / np.sqrt(smooth + floor)
        norm = float(np.linalg.norm(smooth * weight)) * _RESIDUAL_UNIT
        self._data = Weighted(smooth, weight / max(norm, 1e-300), np.zeros((len(smooth), 0)))
        modes = len(reflections.strain_basis)
        self._spread = np.r_[np.full(modes, 2 * CELL_SPREAD), 1e-9 if profile.is_list else ZERO_SPREAD]
        self._limit = np.r_[np.full(modes, 2 * MAX_STRAIN), 0.0 if profile.is_list else MAX_ZERO]

    def refine(self, match: CellMatch, evaluations: int) -> CellMatch:
        """Fit strains and zero shift from a start."""
        solution = separable_fit(
            self._model,
            self._data,
            np.r_[match.strains, match.zero],
            (-self._limit, self._limit),
            (np.zeros(len(self._limit)), self._spread),
            evaluations,
        )
        misfit = solution.cost * _RESIDUAL_UNIT**2
        return CellMatch(
            solution.parameters[:-1], float(solution.parameters[-1]), misfit, solution.evaluations
        )

    def _model(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        strains, zero = parameters[:-1], np.radians(parameters[-1] / 2)
        points = len(self._data.data)
        square = np.maximum(self._reflections.square + self._reflections.derivative @ strains, 1e-6)
        sine = np.clip(self._wavelength * np.sqrt(square) / 2, 1e-6, 0.9999)
        cotangent = np.sqrt(1 - sine**2) / sine
        centres = np.log(square) / 2 + cotangent * zero
        shapes = peak_shapes(
            self._start,
            self._step,
            points,
            centres,
            np.full(len(centres), self._width),
            0.0,
            reach=1.5,
        )
        by_parameter = np.column_stack(
            [self._reflections.derivative / (2 * square[:, None]), cotangent * np.pi / 360]
        )
        value = shapes.total(shapes.value, self._areas)
        return value, shapes.total(shapes.by_centre, by_parameter * self._areas[:, None])
