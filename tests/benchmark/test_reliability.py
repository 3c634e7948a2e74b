"""Reliability: calibrated predictions lie on the diagonal, others off it by as much as they are wrong."""

import numpy as np
import pytest

from alphacrystal_bench.models.reliability import (
    DistogramReliability,
    Reliability,
    from_confidence,
    from_coverage,
    laplace_quantiles,
)

RNG = np.random.default_rng(0)


def test_honest_confidence_is_calibrated_and_boasting_is_not() -> None:
    confidence = RNG.random(20_000)
    right = RNG.random(20_000) < confidence
    honest = from_confidence(confidence, right)
    assert honest.expected_error < 0.02
    assert honest.share.sum() == pytest.approx(1)
    assert len(honest.stated) == 10
    assert from_confidence(np.minimum(confidence + 0.2, 1), right).expected_error == pytest.approx(
        0.18, abs=0.02
    )


def test_weights_count_as_copies() -> None:
    confidence, right = np.array([0.3, 0.35, 0.9]), np.array([True, False, True])
    copied = from_confidence(np.repeat(confidence, [2, 1, 3]), np.repeat(right, [2, 1, 3]))
    weighed = from_confidence(confidence, right, np.array([2.0, 1, 3]))
    for name in ("stated", "observed", "share"):
        assert getattr(weighed, name) == pytest.approx(getattr(copied, name))


def test_laplace_intervals_of_the_right_width_hold_what_they_promise() -> None:
    scales = RNG.uniform(0.5, 2, 20_000)
    residuals = RNG.laplace(0, scales)
    assert from_coverage(laplace_quantiles(residuals, scales)).expected_error < 0.01
    wide = from_coverage(laplace_quantiles(residuals, 3 * scales))
    assert (wide.observed > wide.stated).all()
    # P(|x| < w) = 1 - exp(-w / scale): the interval of level q of a scale three times too large
    assert wide.observed == pytest.approx(1 - (1 - wide.stated) ** 3, abs=0.02)


def test_quantiles_of_a_laplace_distribution() -> None:
    assert laplace_quantiles(np.array([0.0, -1, 1]), np.ones(3)) == pytest.approx(
        [0.5, 0.5 / np.e, 1 - 0.5 / np.e]
    )


def distogram(shift: float, cells: int = 400) -> tuple[Reliability, Reliability]:
    edges = np.linspace(1, 9, 41)
    gathered = DistogramReliability(edges)
    for _ in range(cells):
        pairs = int(RNG.integers(1, 8))
        centre = RNG.uniform(3, 7, pairs)
        below = 1 / (1 + np.exp(-(edges - centre[:, None]) / 0.2))  # logistic distribution
        probabilities = np.diff(below, axis=1, prepend=0, append=1)
        gathered.add(probabilities, RNG.logistic(centre + shift, 0.2))
    return gathered.curves()


def test_distances_drawn_from_their_distogram_are_calibrated() -> None:
    bins, intervals = distogram(0.0)
    assert bins.expected_error < 0.04
    assert intervals.expected_error < 0.03
    shifted_bins, shifted_intervals = distogram(0.5)
    assert shifted_bins.expected_error > 0.08
    assert shifted_intervals.expected_error > 0.08


def test_every_cell_weighs_the_same() -> None:
    edges = np.array([2.0, 3.0])
    gathered = DistogramReliability(edges)
    sure = np.array([[0.0, 1.0, 0.0]])
    gathered.add(sure, np.array([2.5]))  # one pair, right
    gathered.add(np.repeat(sure, 9, axis=0), np.full(9, 3.5))  # nine pairs, wrong
    bins, _ = gathered.curves()
    assert bins.observed[-1] == pytest.approx(0.5)


def test_distances_beyond_the_last_edge_fall_in_the_open_bins() -> None:
    gathered = DistogramReliability(np.array([2.0, 3.0]))
    gathered.add(np.array([[0.2, 0.3, 0.5], [0.2, 0.3, 0.5]]), np.array([1.0, 20.0]))
    assert gathered.quantiles[0] == pytest.approx([0.1, 0.75])


def test_a_curve_survives_json() -> None:
    curve = from_confidence(np.array([0.2, 0.8]), np.array([True, True]))
    back = Reliability.from_dict(curve.as_dict())
    assert back.expected_error == pytest.approx(curve.expected_error)
    assert curve.as_dict()["expected_calibration_error"] == pytest.approx(0.5)
