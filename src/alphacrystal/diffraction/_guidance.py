"""Hypotheses in the order of prior and pattern, with the cells that index the peaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from alphacrystal.crystal import LatticeParameters, SymmetryHypothesis
from alphacrystal.diffraction._indexing import IndexedCell, index_hypothesis
from alphacrystal.diffraction._pattern import PeakList
from alphacrystal.typing import FloatArray, StageProgress

#: Weight of the log-likelihood of the peaks against the log-probability of the hypothesis. Errors of the
#: peaks are not independent (overlap, sample displacement), so it is below 1.
PEAK_WEIGHT = 0.3
MAX_PEAKS = 25  # those with the largest spacings; further ones overlap
MIN_INTENSITY = 1.0  # per cent of the strongest
NO_CELL = 10.0  # deficit of the log-likelihood of hypotheses without a cell, against the worst of the others


def guided_hypotheses(
    hypotheses: Sequence[SymmetryHypothesis], peaks: PeakList, on_done: StageProgress | None = None
) -> list[SymmetryHypothesis]:
    """The hypotheses with indexed cells, most probable first, given the peaks too.

    Args:
        hypotheses: With predicted cells.
        peaks: Measured peaks.
        on_done: Called with (hypotheses done, hypotheses in total).

    Returns:
        The same hypotheses: cells and their uncertainties are those after indexing, and log-probabilities
        are normalised over all of them. A hypothesis without an indexed cell keeps the predicted one.
    """
    two_theta, intensity = indexed_peaks(peaks)
    if not len(two_theta):
        return list(hypotheses)
    cells: list[IndexedCell | None] = []
    for done, hypothesis in enumerate(hypotheses, 1):
        wavelength = peaks.radiation.wavelengths[0]
        cells.append(index_hypothesis(hypothesis, two_theta, intensity, wavelength))
        if on_done:
            on_done(done, len(hypotheses))
    worst = min((cell.log_likelihood for cell in cells if cell), default=0.0)
    likelihoods = np.array([cell.log_likelihood if cell else worst - NO_CELL for cell in cells])
    scores = np.array([item.log_probability for item in hypotheses]) + PEAK_WEIGHT * likelihoods
    scores -= np.logaddexp.reduce(scores)
    zero = LatticeParameters(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    return [
        replace(hypothesis, log_probability=float(scores[row]))
        if cell is None
        else replace(
            hypothesis,
            lattice=cell.lattice,
            lattice_std=zero,
            shape_scale=cell.shape_scale,
            log_probability=float(scores[row]),
        )
        for row, hypothesis, cell in sorted(
            zip(range(len(cells)), hypotheses, cells, strict=True), key=lambda item: -scores[item[0]]
        )
    ]


def indexed_peaks(peaks: PeakList) -> tuple[FloatArray, FloatArray]:
    """Angles 2θ in degrees and intensities of the peaks that are indexed, by angle, shape (peaks,) each."""
    strong = peaks.intensity >= MIN_INTENSITY * peaks.intensity.max(initial=0.0) / 100
    order = np.flatnonzero(strong)[np.argsort(-peaks.spacing[strong], kind="stable")][:MAX_PEAKS]
    order = order[2 * peaks.spacing[order] > peaks.radiation.wavelengths[0]]
    return peaks.two_theta[order], peaks.intensity[order]
