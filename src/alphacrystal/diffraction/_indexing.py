"""Cells that index the peaks of a pattern, one for each symmetry hypothesis.

A hypothesis predicts the cell with an uncertainty of a few per cent, which leaves few Miller indices for each
peak. In the parameters of the reciprocal metric, 1/d² is linear. So each assignment of indices to peaks is a
Kalman filter: it predicts the next peak with its variance, and an assigned peak narrows the cell. A beam of
assignments is followed from the peak with the largest spacing on. The product of the predicted densities of
the peaks is the marginal likelihood of the peaks under the hypothesis. It needs no further figure of merit: a
cell with more lines predicts each of them with a lower density.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from alphacrystal.crystal import (
    FREE_SHAPE,
    LatticeParameters,
    SymmetryHypothesis,
    cell_shape,
    crystal_system,
    lattice_parameters,
    shape_to_cell,
    space_group,
)
from alphacrystal.typing import BoolArray, FloatArray, IntArray

BEAM = 48  # assignments that are followed
MAX_SQUARED_MISFIT = 16.0  # of a peak and a line, in variances
MIN_ODDS = 1e-3  # of an assignment relative to a foreign peak
MAX_DEFICIT = 25.0  # of the log-likelihood of an assignment that is followed
WIDENING = 1.5  # of the predicted uncertainty of the cell
#: Least standard deviation of the entries of the shape of a predicted cell.
MIN_SPREAD = np.array([0.03, 0.01, 0.01, 0.01, 0.01, 0.01])
ANGLE_ERROR = 0.025  # standard deviation of a peak position, degrees of 2θ
ZERO_ERROR = 0.04  # standard deviation of the zero shift, degrees of 2θ
FOREIGN = 0.05  # share of strong peaks that do not belong to the crystal
FOREIGN_WEAK = 0.3  # the same of the weakest peaks
WEAK = 5.0  # per cent of the strongest peak; below it, a peak counts as weak in part
MAX_LINES = 400  # lines of one hypothesis; those with the largest spacings
LINE_MARGIN = 1.15  # of the range of 1/d² in which lines are listed
MAX_INDEX = 25  # of Miller

#: Free parameters of the reciprocal metric, as columns of coefficients of h², k², l², kl, hl, hk in 1/d².
FREE_METRIC: dict[str, FloatArray] = {
    "cubic": np.array([[1, 1, 1, 0, 0, 0]]).T,
    "tetragonal": np.array([[1, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]]).T,
    "hexagonal": np.array([[1, 1, 0, 0, 0, 1], [0, 0, 1, 0, 0, 0]]).T,
    "trigonal": np.array([[1, 1, 0, 0, 0, 1], [0, 0, 1, 0, 0, 0]]).T,
    "orthorhombic": np.eye(6)[:, :3],
    "monoclinic": np.eye(6)[:, [0, 1, 2, 4]],
    "triclinic": np.eye(6),
}


@dataclass(frozen=True, slots=True)
class IndexedCell:
    """The cell of a hypothesis after the peaks.

    Attributes:
        lattice: Conventional cell.
        shape_scale: Spread of its shape, in the convention of ``SymmetryHypothesis``.
        log_likelihood: Natural log of the likelihood of all peaks, relative to peaks at random places.
        zero_shift: Shift of the 2θ axis, degrees: measured angle minus true angle.
        indexed: Whether a line of the cell explains each peak, shape (peaks,).
    """

    lattice: LatticeParameters
    shape_scale: tuple[float, float, float, float, float, float]
    log_likelihood: float
    zero_shift: float
    indexed: BoolArray


@dataclass(frozen=True, slots=True)
class _Peaks:
    """Measured peaks in 1/d², rising.

    Attributes:
        places: 1/d² in 1/Å², without correction of the zero shift, shape (peaks,).
        errors: Standard deviations, shape (peaks,).
        shifts: Change of 1/d² by a zero shift of one degree, shape (peaks,).
        foreign: Probability that the peak is not of the crystal, shape (peaks,).
    """

    places: FloatArray
    errors: FloatArray
    shifts: FloatArray
    foreign: FloatArray


@dataclass(frozen=True, slots=True)
class _Beam:
    """Assignments of lines to the peaks so far, with the Gaussian of metric and zero shift that each implies.

    Attributes:
        means: Free parameters of the reciprocal metric (1/Å²), then the zero shift (degrees),
            shape (beam, n).
        covariances: shape (beam, n, n).
        scores: Log-likelihoods, shape (beam,).
    """

    means: FloatArray
    covariances: FloatArray
    scores: FloatArray


def index_hypothesis(
    hypothesis: SymmetryHypothesis, two_theta: FloatArray, intensity: FloatArray, wavelength: float
) -> IndexedCell | None:
    """The cell near the predicted one that explains the peaks best.

    Args:
        hypothesis: Space group and predicted cell.
        two_theta: Peak positions in degrees, rising, shape (peaks,).
        intensity: Per cent of the strongest peak, shape (peaks,).
        wavelength: Å.

    Returns:
        None if the best assignment of indices is not that of a cell.
    """
    peaks = _peaks(two_theta, intensity, wavelength)
    system = crystal_system(hypothesis.space_group)
    basis = FREE_METRIC[system]
    shape = cell_shape(hypothesis.lattice)
    free = np.array(FREE_SHAPE[system])
    spread = np.maximum(WIDENING * math.sqrt(2) * np.array(hypothesis.shape_scale), MIN_SPREAD)[free]
    mean = _metric(shape)
    steps = np.zeros((len(free), 6))
    steps[np.arange(len(free)), free] = spread
    changes = np.array([(_metric(shape + step) - _metric(shape - step)) / 2 for step in steps])
    projection = np.linalg.pinv(basis)
    root = projection @ changes.T  # (parameters, free shape entries): a square root of the covariance
    limit = LINE_MARGIN * float(peaks.places[-1])
    lines = _lines(hypothesis.space_group, shape_to_cell(shape), limit) @ basis
    covariance = np.zeros((len(root) + 1, len(root) + 1))
    covariance[:-1, :-1] = root @ root.T
    covariance[-1, -1] = ZERO_ERROR**2
    beam = _Beam(np.append(projection @ mean, 0.0)[None], covariance[None], np.zeros(1))
    # A peak is on any of the lines with equal probability, or anywhere up to the limit if it is foreign.
    line_odds = limit / len(lines) if len(lines) else 0.0
    for number in range(len(peaks.places)):
        beam = _advanced(beam, lines, peaks, number, line_odds)
    return _indexed_cell(beam, basis, free, lines, peaks)


def _peaks(two_theta: FloatArray, intensity: FloatArray, wavelength: float) -> _Peaks:
    angles = np.radians(two_theta)
    slopes = 2 * np.sin(angles) / wavelength**2  # of 1/d² by 2θ in radians
    return _Peaks(
        places=(2 * np.sin(angles / 2) / wavelength) ** 2,
        errors=slopes * math.radians(ANGLE_ERROR),
        shifts=slopes * math.radians(1.0),
        foreign=FOREIGN + (FOREIGN_WEAK - FOREIGN) * np.clip(1 - intensity / WEAK, 0, 1),
    )


def _advanced(beam: _Beam, lines: FloatArray, peaks: _Peaks, number: int, line_odds: float) -> _Beam:
    """The beam after one more peak, which is foreign or on one of the lines."""
    place, error, shift = peaks.places[number], peaks.errors[number], peaks.shifts[number]
    foreign = peaks.foreign[number]
    rows = np.concatenate([lines, np.full((len(lines), 1), shift)], axis=1)
    predicted = beam.means @ rows.T  # (beam, lines)
    # The standard deviation of a line is at most the sum of those of its parameters.
    bounds = np.sqrt(np.einsum("bnn->bn", beam.covariances)) @ np.abs(rows).T
    owners, chosen = np.nonzero((place - predicted) ** 2 < MAX_SQUARED_MISFIT * (bounds**2 + error**2))
    gains = np.einsum("pn,pnm->pm", rows[chosen], beam.covariances[owners])
    variances = np.einsum("pm,pm->p", gains, rows[chosen]) + error**2
    residuals = place - predicted[owners, chosen]
    densities = np.exp(-(residuals**2) / variances / 2) / np.sqrt(2 * np.pi * variances)
    odds = (1 - foreign) * line_odds * densities
    kept = odds > MIN_ODDS * foreign
    owners, gains, variances = owners[kept], gains[kept], variances[kept]
    residuals, odds = residuals[kept], odds[kept]
    scores = np.concatenate([beam.scores + math.log(foreign), beam.scores[owners] + np.log(odds)])
    floor = np.partition(scores, -BEAM)[-BEAM] if len(scores) > BEAM else -math.inf
    best = np.flatnonzero(scores >= floor)
    best = best[np.argsort(-scores[best], kind="stable")][:BEAM]
    best = best[scores[best] > scores[best[0]] - MAX_DEFICIT]
    old, new = best[best < len(beam.scores)], best[best >= len(beam.scores)]
    pairs = new - len(beam.scores)
    owners, gains, residuals, variances = owners[pairs], gains[pairs], residuals[pairs], variances[pairs]
    gain = gains / variances[:, None]
    means = beam.means[owners] + gain * residuals[:, None]
    covariances = beam.covariances[owners] - gain[:, :, None] * gains[:, None, :]
    return _Beam(
        np.concatenate([beam.means[old], means]),
        np.concatenate([beam.covariances[old], covariances]),
        np.concatenate([scores[old], scores[new]]),
    )


def _indexed_cell(
    beam: _Beam, basis: FloatArray, free: IntArray, lines: FloatArray, peaks: _Peaks
) -> IndexedCell | None:
    best = int(np.argmax(beam.scores))
    mean, covariance = beam.means[best], beam.covariances[best]
    shape = _shape(basis @ mean[:-1])
    scale = np.zeros(6)
    if shape is None:  # the assignment has no cell
        return None
    root = np.linalg.cholesky(covariance[:-1, :-1] + 1e-18 * np.eye(len(mean) - 1))
    for column in root.T:
        moved = _shape(basis @ (mean[:-1] + column))
        if moved is not None:
            scale += (moved - shape) ** 2
    scale = np.sqrt(scale / 2)
    keep = np.zeros(6)
    keep[free] = np.maximum(scale[free], 1e-4)
    predicted = lines @ mean[:-1] + 0.0
    nearest = np.abs(peaks.places[:, None] - peaks.shifts[:, None] * mean[-1] - predicted).min(axis=1)
    return IndexedCell(
        lattice=lattice_parameters(shape_to_cell(shape)),
        shape_scale=(keep[0], keep[1], keep[2], keep[3], keep[4], keep[5]),
        log_likelihood=float(np.logaddexp.reduce(beam.scores)),
        zero_shift=float(mean[-1]),
        indexed=nearest < 3 * peaks.errors,
    )


def _metric(shape: FloatArray) -> FloatArray:
    """Coefficients of h², k², l², kl, hl, hk in 1/d² (1/Å²), shape (6,), of a cell of a shape."""
    inverse = np.linalg.inv(shape_to_cell(shape))
    metric = inverse.T @ inverse
    return np.array(
        [metric[0, 0], metric[1, 1], metric[2, 2], 2 * metric[1, 2], 2 * metric[0, 2], 2 * metric[0, 1]]
    )


def _shape(metric: FloatArray) -> FloatArray | None:
    """Shape of the cell with these coefficients of 1/d²; None if they are not those of a cell."""
    a, b, c, d, e, f = metric
    matrix = np.array([[a, f / 2, e / 2], [f / 2, b, d / 2], [e / 2, d / 2, c]])
    if np.linalg.eigvalsh(matrix)[0] <= 0:
        return None
    direct = np.linalg.inv(matrix)
    lengths = np.sqrt(np.diag(direct))
    cosines = direct[[1, 0, 0], [2, 2, 1]] / lengths[[1, 0, 0]] / lengths[[2, 2, 1]]
    volume = math.sqrt(np.linalg.det(direct))
    return np.array([math.log(volume), *np.log(lengths[1:] / lengths[0]), *cosines])


def _lines(group: int, cell: FloatArray, limit: float) -> IntArray:
    """Products h², k², l², kl, hl, hk of the lines with 1/d² up to a limit, shape (lines, 6), rising."""
    lengths = np.linalg.norm(cell, axis=1)
    largest = np.minimum(np.floor(np.sqrt(limit) * lengths).astype(int), MAX_INDEX)
    indices = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in largest], indexing="ij"), -1).reshape(
        -1, 3
    )
    h, k, l = indices.T  # noqa: E741 - Miller's letters
    indices = indices[(h > 0) | ((h == 0) & (k > 0)) | ((h == 0) & (k == 0) & (l > 0))]
    places = ((indices @ np.linalg.inv(cell).T) ** 2).sum(axis=1)
    indices, places = indices[places <= limit], places[places <= limit]
    order = np.argsort(places, kind="stable")
    indices = indices[order]
    indices = indices[~_absent(group, indices)]
    h, k, l = indices.T  # noqa: E741 - Miller's letters
    products = np.stack([h * h, k * k, l * l, k * l, h * l, h * k], axis=1)
    projected = products @ FREE_METRIC[crystal_system(group)]
    _, first = np.unique(projected, axis=0, return_index=True)
    return products[np.sort(first)[:MAX_LINES]]


def _absent(group: int, indices: IntArray) -> BoolArray:
    """Whether the reflection conditions of a space group exclude each reflection, shape (reflections,)."""
    rotations, translations = _distinct_operations(group)
    # An operation that keeps h and shifts its phase cancels the reflection.
    kept = (np.einsum("ri,nij->nrj", indices, rotations) == indices).all(axis=-1)  # (operations, reflections)
    phases = translations @ indices.T
    shifted = np.abs(phases - np.round(phases)) > 1e-6
    return np.asarray((kept & shifted).any(axis=0))


@lru_cache(256)
def _distinct_operations(group: int) -> tuple[IntArray, FloatArray]:
    """Operations that can exclude reflections: those with a translation, in the conventional cell."""
    table = space_group(group)
    shifted = (np.abs(table.translations - np.round(table.translations)) > 1e-6).any(axis=1)
    return np.round(table.rotations[shifted]).astype(np.int64), table.translations[shifted]
