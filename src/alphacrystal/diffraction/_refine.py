"""Refinement of a crystal against a prepared pattern: cell, profile, texture, coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial.chebyshev import chebvander

from alphacrystal.crystal import Crystal
from alphacrystal.diffraction._cell_search import MAX_ZERO, ZERO_SPREAD
from alphacrystal.diffraction._prepared import PreparedPattern
from alphacrystal.diffraction._profile_model import PROFILE_SIZE, Profile, ProfileModel, march_dollase
from alphacrystal.diffraction._reflections import Reflections, reflections
from alphacrystal.diffraction._separable import Solution, Weighted, separable_fit
from alphacrystal.typing import FloatArray

STRAIN_WIDTH = list(Profile.__dataclass_fields__).index("strain_width")
BACKGROUND_TERMS = 4  # Chebyshev polynomials added to the estimated background
RESIDUAL_UNIT = 0.02  # of the norm of the net data: a misfit that counts as one standard deviation
STRAIN_LIMIT = 0.03  # of the reciprocal cell, around the result of the cell search
STRAIN_SPREAD = 0.01
TEXTURE_LIMIT, TEXTURE_SPREAD, TEXTURE_TRIAL = 0.9, 0.3, 0.35  # ln r
TEXTURE_GAIN = 0.03  # smallest relative decrease of the squared misfit that a texture must promise
TEXTURE_TIE = 0.9  # of the largest gain
COORDINATE_SPREAD = 0.05  # Å, of an atom
COORDINATE_LIMIT = 0.4  # Å
BROADENING = (0.35, 0.15)  # degrees per unit of tan θ, of the first steps
BROAD_EVALUATIONS, EVALUATIONS = 6, 12
FULL_FITS = 2  # possible cells that are refined
BROAD_REACH = 5.0  # full widths
_MARGIN = 2.0  # degrees beyond the pattern where reflections are calculated


@dataclass(frozen=True, slots=True, eq=False)
class Refinement:
    """Refined parameters with the model that they belong to.

    Attributes:
        model: The calculated profile.
        parameters: Its parameters, shape (parameters,).
        solution: Scale, background and misfit.
        texture_axis: Miller indices; None without texture.
        evaluations: Calculated profiles of all fits.
    """

    model: ProfileModel
    parameters: FloatArray
    solution: Solution
    texture_axis: tuple[int, int, int] | None
    evaluations: int

    @property
    def profile(self) -> Profile:
        """Instrument and sample parameters."""
        modes = self.model.modes
        return Profile.from_array(self.parameters[modes : modes + PROFILE_SIZE])

    @property
    def crystal(self) -> Crystal:
        """The crystal with its refined cell and coordinates."""
        modes = self.model.modes
        return self.model.reflections.displaced(
            self.parameters[:modes], self.parameters[modes + PROFILE_SIZE :]
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    """A fit of one of the possible cells."""

    crystal: Crystal
    model: ProfileModel
    solution: Solution


def refine(
    starts: Sequence[tuple[Crystal, float]], pattern: PreparedPattern, *, texture: bool, coordinates: bool
) -> Refinement:
    """Refine a crystal whose cell is nearly right.

    Args:
        starts: The crystal with possible cells, and a first zero shift in degrees for each. The two cells
            that agree best are refined, and the better one is kept.
        pattern: Measured data.
        texture: Whether preferred orientation may be refined.
        coordinates: Whether the free coordinates are refined, with a restraint to the start.
    """
    data = _weighted(pattern)
    attempts = sorted(
        (_first_attempt(crystal, zero, pattern, data) for crystal, zero in starts),
        key=lambda attempt: attempt.solution.cost,
    )
    evaluations = sum(attempt.solution.evaluations for attempt in attempts)
    everything: tuple[str, ...] = ("zero", "displacement", "width", "strain_width", "mixing", "b_iso")
    fitted = []
    for attempt in attempts[:FULL_FITS]:
        start = attempt.solution.parameters
        solution = _fit(attempt.model, data, pattern, start, free=everything)
        evaluations += solution.evaluations
        fitted.append(_Attempt(attempt.crystal, attempt.model, solution))
    best = min(fitted, key=lambda attempt: attempt.solution.cost)
    crystal, model, solution = best.crystal, best.model, best.solution
    families = model.reflections
    axis = None
    if texture:
        axis, value = _texture_axis(model, data, solution)
        if axis is not None:
            everything = (*everything, "texture")
            model = model.with_texture(families.texture_cosines(axis))
            start = solution.parameters.copy()
            start[model.modes + PROFILE_SIZE - 1] = value
            solution = _fit(model, data, pattern, start, free=everything)
            evaluations += solution.evaluations
    if coordinates:
        families = reflections(crystal, pattern.radiation, _span(pattern), displacements=True)
        if len(families.displacements):
            cosines = None if axis is None else families.texture_cosines(axis)
            model = _model(families, pattern, cosines)
            start = np.r_[solution.parameters, np.zeros(len(families.displacements))]
            solution = _fit(model, data, pattern, start, free=everything)
            evaluations += solution.evaluations
    return Refinement(model, solution.parameters, solution, axis, evaluations)


def unrefined(crystal: Crystal, zero: float, pattern: PreparedPattern) -> Refinement:
    """A crystal as it is, with fitted scale and background.

    Args:
        crystal: With its final cell.
        zero: Zero shift in degrees.
        pattern: Measured data.
    """
    model, start = _start(crystal, zero, pattern)
    solution = _fit(model, _weighted(pattern), pattern, start, free=(), evaluations=1)
    return Refinement(model, solution.parameters, solution, None, solution.evaluations)


def _span(pattern: PreparedPattern) -> tuple[float, float]:
    """Range of 2θ in degrees of the reflections that reach into the pattern."""
    return max(0.5, pattern.start - _MARGIN), min(179.0, pattern.end + _MARGIN)


def _start(crystal: Crystal, zero: float, pattern: PreparedPattern) -> tuple[ProfileModel, FloatArray]:
    """The profile of a crystal, and its parameters before any fit."""
    model = _model(reflections(crystal, pattern.radiation, _span(pattern)), pattern)
    return model, np.r_[np.zeros(model.modes), Profile(zero=zero, width=pattern.width).as_array()]


def _first_attempt(crystal: Crystal, zero: float, pattern: PreparedPattern, data: Weighted) -> _Attempt:
    """The best start of the full fit: the cell as it is, or after fits with broad peaks."""
    model, start = _start(crystal, zero, pattern)
    broad = [_broad_fit(model, data, pattern, start, width) for width in BROADENING]
    ends = [start]
    for solution in broad:
        ends.append(solution.parameters.copy())
        ends[-1][model.modes + STRAIN_WIDTH] = start[model.modes + STRAIN_WIDTH]
    tried = [_fit(model, data, pattern, end, free=(), evaluations=1) for end in ends]
    best = min(tried, key=lambda solution: solution.cost)
    evaluations = sum(solution.evaluations for solution in (*broad, *tried))
    return _Attempt(crystal, model, replace(best, evaluations=evaluations))


def _broad_fit(
    model: ProfileModel, data: Weighted, pattern: PreparedPattern, start: FloatArray, strain_width: float
) -> Solution:
    """Fit of cell and zero shift with broad peaks."""
    broad = start.copy()
    broad[model.modes + STRAIN_WIDTH] = strain_width
    coarse, rough = _every_second(model, data, pattern)
    return _fit(coarse, rough, pattern, broad, free=("zero",), evaluations=BROAD_EVALUATIONS)


def _every_second(
    model: ProfileModel, data: Weighted, pattern: PreparedPattern
) -> tuple[ProfileModel, Weighted]:
    """Means of each two grid points: enough for broad peaks."""
    points = len(data.data) // 2
    pairs = [
        values[: 2 * points].reshape(points, 2, -1).mean(axis=1)
        for values in (data.data, data.weight, data.linear)
    ]
    rough = Weighted(pairs[0][:, 0], np.sqrt(2) * pairs[1][:, 0], pairs[2])
    grid = (pattern.start + pattern.step / 2, 2 * pattern.step, points)
    return model.on_grid(grid, BROAD_REACH), rough


def background_columns(two_theta: FloatArray) -> FloatArray:
    """Chebyshev polynomials over a range of angles, shape (points, BACKGROUND_TERMS)."""
    low, high = two_theta[0], two_theta[-1]
    return np.asarray(chebvander((2 * two_theta - low - high) / (high - low), BACKGROUND_TERMS - 1))


def _model(
    families: Reflections, pattern: PreparedPattern, cosines: FloatArray | None = None
) -> ProfileModel:
    grid = (pattern.start, pattern.step, len(pattern.intensity))
    return ProfileModel(families, pattern.radiation.wavelengths, pattern.radiation.weights, grid, cosines)


def _weighted(pattern: PreparedPattern) -> Weighted:
    net = pattern.intensity - pattern.background
    weight = 1 / pattern.sigma
    unit = RESIDUAL_UNIT * float(np.linalg.norm(net * weight))
    return Weighted(net, weight / max(unit, 1e-300), background_columns(pattern.two_theta))


def _fit(
    model: ProfileModel,
    data: Weighted,
    pattern: PreparedPattern,
    start: FloatArray,
    *,
    free: tuple[str, ...],
    evaluations: int = EVALUATIONS,
) -> Solution:
    """Fit strains, the named profile parameters and all amplitudes."""
    names = list(Profile.__dataclass_fields__)
    held = np.array([name not in free for name in names])
    values = start[model.modes : model.modes + PROFILE_SIZE]
    limits = {
        "zero": (-MAX_ZERO, MAX_ZERO),
        "displacement": (-MAX_ZERO, MAX_ZERO),
        "width": (max(pattern.step, 0.3 * pattern.width), 2.5 * pattern.width),
        "strain_width": (0.0, 1.5),
        "mixing": (0.0, 1.0),
        "b_iso": (-0.5, 6.0),
        "texture": (-TEXTURE_LIMIT, TEXTURE_LIMIT),
    }
    priors = {
        "zero": (0.0, ZERO_SPREAD),
        "displacement": (0.0, ZERO_SPREAD),
        "width": (pattern.width, pattern.width),
        "strain_width": (0.05, 0.3),
        "mixing": (0.5, 0.5),
        "b_iso": (0.7, 0.7),
        "texture": (0.0, TEXTURE_SPREAD),
    }
    low = np.array([limits[name][0] for name in names])
    high = np.array([limits[name][1] for name in names])
    low, high = np.where(held, values, low), np.where(held, values, high)
    mean, spread = np.array([priors[name] for name in names]).T
    mean = np.where(held, values, mean)
    moved = 1 / np.maximum((_lengths(model.reflections) ** 4).sum(axis=1), 1e-12)  # atoms in each mode
    limit = np.full(model.modes, STRAIN_LIMIT)
    reach = COORDINATE_LIMIT * np.sqrt(moved)
    return separable_fit(
        model,
        data,
        start,
        (np.r_[-limit, low, -reach], np.r_[limit, high, reach]),
        (
            np.r_[np.zeros(model.modes), mean, np.zeros(len(moved))],
            np.r_[np.full(model.modes, STRAIN_SPREAD), spread, COORDINATE_SPREAD * np.sqrt(moved)],
        ),
        evaluations,
    )


def _lengths(families: Reflections) -> FloatArray:
    """Shift of each atom in each displacement mode, relative to the mode, shape (modes, atoms)."""
    return np.asarray(np.linalg.norm(families.displacements @ families.crystal.lattice, axis=-1))


def _texture_axis(
    model: ProfileModel, data: Weighted, solution: Solution
) -> tuple[tuple[int, int, int] | None, float]:
    """The low-index axis whose texture promises the largest gain, and a first ln r; None if all are small."""
    axes = model.reflections.texture_axes()
    trials = [(axis, trial) for axis in axes for trial in (-TEXTURE_TRIAL, TEXTURE_TRIAL)]
    factors = [march_dollase(model.reflections.texture_cosines(axis), trial)[0] for axis, trial in trials]
    plain = np.ones(len(model.reflections))
    curves = model.reweighted(solution.parameters, np.column_stack([plain, *factors]))
    columns = np.linalg.qr(np.column_stack([curves[:, 0], data.linear]) * data.weight[:, None])[0]
    residual = data.data * data.weight
    residual = residual - columns @ (columns.T @ residual)
    changes = (curves[:, 1:] - curves[:, :1]) * solution.scale * data.weight[:, None]
    changes -= columns @ (columns.T @ changes)
    sizes = np.maximum((changes**2).sum(axis=0), 1e-300)
    slopes = residual @ changes
    amplitudes = np.clip(slopes / sizes, 0, 1.5)
    gains = 2 * amplitudes * slopes - amplitudes**2 * sizes
    # In crystals of high symmetry several axes have nearly the same effect: take that of the largest d.
    best = int(np.argmax(gains > TEXTURE_TIE * gains.max()))
    if gains[best] < TEXTURE_GAIN * float(residual @ residual):
        return None, 0.0
    return trials[best][0], float(amplitudes[best] * trials[best][1])
