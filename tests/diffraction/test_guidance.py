"""The peaks of a pattern change the order and the cells of hypotheses."""

from __future__ import annotations

import numpy as np
from pymatgen.core import Lattice, Structure

from alphacrystal.composition import parse_formula
from alphacrystal.diffraction import (
    PeakList,
    find_peaks,
    guided_hypotheses,
    parse_radiation,
    simulate_pattern,
)
from alphacrystal.learn import predict_hypotheses


def peaks_of(structure: Structure) -> PeakList:
    pattern = simulate_pattern(structure, np.arange(10, 90, 0.02), rng=np.random.default_rng(0))
    return find_peaks(pattern)


def test_the_measured_polymorph_becomes_the_most_probable_hypothesis() -> None:
    hypotheses = predict_hypotheses(parse_formula("TiO2"), [1, 2, 4], 60)
    rutile = Structure.from_spacegroup(
        136, Lattice.tetragonal(4.594, 2.959), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]
    )
    anatase = Structure.from_spacegroup(
        141, Lattice.tetragonal(3.785, 9.514), ["Ti", "O"], [[0, 0.75, 0.125], [0, 0.25, 0.0816]]
    )
    for structure, group in ((rutile, 136), (anatase, 141)):
        best = guided_hypotheses(hypotheses, peaks_of(structure))[0]
        assert best.space_group == group
        known = structure.lattice
        assert np.allclose([best.lattice.a, best.lattice.c], [known.a, known.c], rtol=2e-3)


def test_all_hypotheses_stay_with_normalised_probabilities() -> None:
    hypotheses = predict_hypotheses(parse_formula("NaCl"), [1, 2], 20)
    salt = Structure.from_spacegroup(225, Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    calls: list[tuple[int, int]] = []
    guided = guided_hypotheses(hypotheses, peaks_of(salt), lambda done, total: calls.append((done, total)))
    assert sorted(str(item.occupation) for item in guided) == sorted(
        str(item.occupation) for item in hypotheses
    )
    chances = [item.log_probability for item in guided]
    assert chances == sorted(chances, reverse=True)
    assert np.isclose(np.logaddexp.reduce(chances), 0.0, atol=1e-9)
    assert calls[-1] == (20, 20)


def test_no_peaks_change_nothing() -> None:
    hypotheses = predict_hypotheses(parse_formula("NaCl"), [1], 3)
    none = PeakList(np.zeros(0), np.zeros(0), parse_radiation("CuKa"), "empty")
    assert guided_hypotheses(hypotheses, none) == hypotheses
