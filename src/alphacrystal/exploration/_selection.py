"""The choice of the next formulas: where a lower hull is expected."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.exploration._hull import KNOWN, Hull
from alphacrystal.exploration._system import Compositions

if TYPE_CHECKING:
    from alphacrystal.typing import FloatArray

#: The two depths of a prediction: few candidates in small cells, and the full search.
QUICK, THOROUGH = "quick", "thorough"
NEAR_HULL = 0.03  # eV/atom; formulas within it are searched thoroughly, and known phases within it first
AGREEING = 3  # formulas that agree best with a measured pattern and are searched thoroughly
THOROUGH_SHARE = 4  # one formula of so many in a round is a thorough search

SPREAD = 0.1  # eV/atom: standard deviation of energies above the hull at compositions without neighbours
DILUTE = 0.5  # largest fraction of one element from which on energies above the hull decrease
REACH = 0.06  # atomic fractions over which the energies of neighbours are correlated
NEIGHBOURS = 64  # predicted formulas that the expectation at a composition uses
CHUNK = 512  # compositions whose expectations are computed together
NOISE = 0.02  # eV/atom: scatter of neighbours that the composition does not explain
_LEAST, _MOST = 1e-4, 0.999  # probabilities of existence are clipped to this range


@dataclass(frozen=True, slots=True)
class Task:
    """A formula to predict.

    Attributes:
        level: QUICK or THOROUGH.
        formula: Reduced formula.
        reason: Why it was chosen, for the log.
    """

    level: str
    formula: str
    reason: str


def _normal_cdf(values: FloatArray) -> FloatArray:
    from scipy.special import ndtr

    return np.asarray(ndtr(values))


def composition_scale(fractions: FloatArray) -> FloatArray:
    """Size of energies above the hull by composition, 0 to 1, shape (n,).

    1 up to a largest fraction of DILUTE, and from there linear to 0 at a pure element, as in a mixture of the
    element with the nearest compound.
    """
    return np.asarray(np.minimum(1.0, (1 - fractions.max(axis=1)) / (1 - DILUTE)))


def expected_depth(probabilities: FloatArray) -> FloatArray:
    """Mean energy above the hull in eV/atom of compounds with a probability of existence.

    A normal distribution with the standard deviation SPREAD, of which the probability is the part below 0.
    """
    from scipy.special import ndtri

    return np.asarray(-SPREAD * ndtri(np.clip(probabilities, _LEAST, _MOST)))


def expected_lowering(mean: FloatArray, deviation: FloatArray) -> FloatArray:
    """Expected lowering of the hull in eV/atom: the mean of max(0, -d) for normally distributed d.

    Expected improvement of Jones, Schonlau and Welch (doi:10.1023/A:1008306431147).
    """
    score = -mean / deviation
    density = np.exp(-(score**2) / 2) / math.sqrt(2 * math.pi)
    return np.asarray(deviation * (density + score * _normal_cdf(score)))


def predicted_depths(
    fractions: FloatArray,
    prior: FloatArray,
    known_fractions: FloatArray,
    known_depths: FloatArray,
    known_prior: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Energy above the hull at new compositions from those of neighbours: a Gaussian process.

    Each composition uses its NEIGHBOURS nearest ones, so that time and memory grow with the number of
    compositions only; others are too far to matter.

    Args:
        fractions: Atomic fractions, shape (n, elements).
        prior: Expected energies above the hull without neighbours in eV/atom, shape (n,).
        known_fractions: Of predicted formulas, shape (m, elements).
        known_depths: Their energies relative to the hull of the others, shape (m,).
        known_prior: Their ``prior``, shape (m,).

    Returns:
        Mean and standard deviation in eV/atom, shape (n,) each.
    """
    if not len(known_fractions):
        return prior, np.full(len(prior), SPREAD)
    from scipy.spatial import cKDTree

    count = min(len(known_fractions), NEIGHBOURS)
    _, nearest = cKDTree(known_fractions).query(fractions, k=count)
    nearest = np.asarray(nearest).reshape(len(fractions), count)
    mean, deviation = np.empty(len(prior)), np.empty(len(prior))
    for start in range(0, len(prior), CHUNK):
        part = slice(start, start + CHUNK)
        rows = nearest[part]
        # Differences from the composition itself, so that products of small numbers are exact enough.
        places = known_fractions[rows] - fractions[part][:, None]  # (chunk, count, elements)
        squares = (places**2).sum(-1)
        products = places @ places.transpose(0, 2, 1)
        among = _covariance(squares[:, :, None] + squares[:, None] - 2 * products) + NOISE**2 * np.eye(count)
        cross = _covariance(squares)
        weights = np.linalg.solve(among, cross[..., None])[..., 0]
        mean[part] = prior[part] + (weights * (known_depths - known_prior)[rows]).sum(1)
        variance = SPREAD**2 + NOISE**2 - (cross * weights).sum(1)
        deviation[part] = np.sqrt(np.maximum(variance, NOISE**2))
    return mean, deviation


def _covariance(squares: FloatArray) -> FloatArray:
    """Covariance of energies above the hull at compositions with these squared distances."""
    return np.asarray(SPREAD**2 * np.exp(squares / (-2 * REACH**2)))


def formula_depths(hull: Hull) -> Mapping[str, float]:
    """Energy of the lowest phase of each formula relative to the hull of the other formulas, eV/atom."""
    return {formula: float(hull.depths[index]) for formula, index in hull.lowest.items()}


def ranked_formulas(compositions: Compositions, hull: Hull, done: Collection[str]) -> list[tuple[float, int]]:
    """Expected lowering of the hull by each formula that is not done, largest first.

    Known phases on and near the hull, whose structures are missing, come before all others.

    Returns:
        Expected lowering in eV/atom and index of the composition.
    """
    depths = formula_depths(hull)
    prior = expected_depth(compositions.probabilities)
    place = {formula: index for index, formula in enumerate(compositions.formulas)}
    learned = [(place[formula], depth) for formula, depth in depths.items() if formula in place]
    rows = np.array([index for index, _ in learned], dtype=np.int64)
    scale = composition_scale(compositions.fractions)
    # A depth far above the hull says little about neighbours: it is limited.
    values = np.clip(np.array([depth for _, depth in learned]) / scale[rows], -3 * SPREAD, 3 * SPREAD)
    left = np.array(
        [index for index, formula in enumerate(compositions.formulas) if formula not in done], dtype=np.int64
    )
    if not len(left):
        return []
    mean, deviation = predicted_depths(
        compositions.fractions[left], prior[left], compositions.fractions[rows], values, prior[rows]
    )
    gain = expected_lowering(mean, deviation) * scale[left]
    missing = {
        place[phase.formula]: float(hull.above[index])
        for formula, index in hull.lowest.items()
        if (phase := hull.phases[index]).source == KNOWN and formula in place
    }
    for position, index in enumerate(left.tolist()):
        if missing.get(index, math.inf) <= NEAR_HULL:
            gain[position] = 1.0 - missing[index]
    order = np.lexsort((left, -gain))
    return [(float(gain[k]), int(left[k])) for k in order]


def thorough_tasks(hull: Hull, done: Collection[str]) -> list[Task]:
    """Thorough searches of formulas that have none.

    Formulas that agree best with a measured pattern come first, at any energy, then those on or near the
    hull, the lowest first.
    """
    agreeing = [hull.phases[index].formula for index in hull.by_agreement[:AGREEING]]
    near = []
    for formula, index in hull.lowest.items():
        phase = hull.phases[index]
        waiting = len(phase.counts) > 1 and formula not in done and formula not in agreeing
        if waiting and hull.above[index] <= NEAR_HULL and phase.folder:
            near.append((float(hull.depths[index]), formula))
    return [
        *(Task(THOROUGH, formula, "agrees with the pattern") for formula in agreeing if formula not in done),
        *(Task(THOROUGH, formula, "near the hull") for _, formula in sorted(near)),
    ]


def next_tasks(
    compositions: Compositions,
    hull: Hull,
    done: Mapping[str, Collection[str]],
    size: int,
    *,
    only_thorough: bool = False,
    quick_atoms: int,
) -> Sequence[Task]:
    """The formulas of the next round, at most ``size``.

    Args:
        compositions: Of the system.
        hull: Present hull.
        done: Formulas that were predicted or have failed, by level.
        size: Formulas of the round.
        only_thorough: Choose formulas near the hull for the thorough search only.
        quick_atoms: Atoms in the cells of the quick search at most.
    """
    near = thorough_tasks(hull, done[THOROUGH])
    if only_thorough:
        return near[:size]
    ranked = ranked_formulas(compositions, hull, {*done[QUICK], *done[THOROUGH]})
    tasks = near[: max(1, size // THOROUGH_SHARE)] if done[QUICK] else []
    for index, reason in _alternating(ranked, compositions, size - len(tasks)):
        level = QUICK if compositions.atoms[index] <= quick_atoms else THOROUGH
        tasks.append(Task(level, compositions.formulas[index], reason))
    return tasks


def _alternating(
    ranked: Sequence[tuple[float, int]], compositions: Compositions, size: int
) -> list[tuple[int, str]]:
    """Known phases without a predicted structure, then compositions by expected lowering and by existence.

    Every second one is the most probable compound that is left, because the expected lowering is that of the
    hull of the potential, whose errors draw searches to wrong compositions.

    Returns:
        Index of each composition, once, and the reason; at most ``size``.
    """
    chosen = {index: "known phase" for gain, index in ranked if gain > 0.9}
    gains = {index: gain for gain, index in ranked if index not in chosen}
    by_gain, by_existence = iter(gains), iter(sorted(gains))  # compositions are in order of probability
    for turn in range(len(gains)):
        if turn % 2:
            index = next(index for index in by_existence if index not in chosen)
            chosen[index] = f"probability of existence {compositions.probabilities[index]:.2g}"
        else:
            index = next(index for index in by_gain if index not in chosen)
            chosen[index] = f"expected lowering {1000 * gains[index]:.2g} meV/atom"
    return list(chosen.items())[:size]
