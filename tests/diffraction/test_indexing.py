"""Indexing finds the cell of a hypothesis from the peaks, near the predicted cell."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import (
    LatticeParameters,
    SymmetryHypothesis,
    cell_shape,
    lattice_parameters,
    shape_to_cell,
)
from alphacrystal.diffraction import index_hypothesis
from alphacrystal.typing import FloatArray

CU_KA1 = 1.54056
# Space group, conventional cell (Å, degrees), and sites of one crystal of each crystal system.
Sites = dict[str, list[list[float]]]
CRYSTALS: dict[str, tuple[int, tuple[float, float, float, float, float, float], Sites]] = {
    "cubic": (225, (5.64, 5.64, 5.64, 90, 90, 90), {"Na": [[0, 0, 0]], "Cl": [[0.5, 0.5, 0.5]]}),
    "tetragonal": (136, (4.594, 4.594, 2.959, 90, 90, 90), {"Ti": [[0, 0, 0]], "O": [[0.305, 0.305, 0]]}),
    "hexagonal": (194, (3.209, 3.209, 5.211, 90, 90, 120), {"Mg": [[1 / 3, 2 / 3, 0.25]]}),
    "trigonal": (
        167,
        (4.76, 4.76, 12.99, 90, 90, 120),
        {"Al": [[0, 0, 0.3522]], "O": [[0.3063, 0, 0.25]]},
    ),
    "orthorhombic": (
        62,
        (7.24, 4.27, 5.60, 90, 90, 90),
        {"Ca": [[0.24, 0.25, 0.11]], "H": [[0.36, 0.25, 0.43]]},
    ),
    "monoclinic": (
        14,
        (5.15, 5.21, 5.31, 90, 99.2, 90),
        {"Zr": [[0.275, 0.04, 0.208]], "O": [[0.07, 0.33, 0.345], [0.45, 0.757, 0.479]]},
    ),
    "triclinic": (2, (5.1, 6.3, 7.2, 95, 101, 107), {"K": [[0.2, 0.3, 0.1]], "I": [[0.6, 0.15, 0.7]]}),
}


def crystal(system: str) -> Structure:
    group, cell, sites = CRYSTALS[system]
    pairs = [(symbol, place) for symbol, places in sites.items() for place in places]
    species, coordinates = zip(*pairs, strict=True)
    return Structure.from_spacegroup(group, Lattice.from_parameters(*cell), species, coordinates)


def peaks_of(structure: Structure) -> tuple[FloatArray, FloatArray]:
    """The first 25 peaks above 1 %, closer ones joined, from pymatgen."""
    from pymatgen.analysis.diffraction.xrd import XRDCalculator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pattern = XRDCalculator(wavelength=CU_KA1).get_pattern(structure, two_theta_range=(8, 90))
    angles: list[float] = []
    heights: list[float] = []
    for angle, height in zip(pattern.x, pattern.y, strict=True):
        if angles and angle - angles[-1] < 0.1:
            heights[-1] += height
        else:
            angles.append(float(angle))
            heights.append(float(height))
    intensity = 100 * np.array(heights) / max(heights)
    strong = intensity > 1
    return np.array(angles)[strong][:25], intensity[strong][:25]


def wrong_hypothesis(system: str, rng: np.random.Generator) -> SymmetryHypothesis:
    """The right space group with a cell that errs as a predicted cell does."""
    group, cell, _ = CRYSTALS[system]
    scale = np.array([0.03, 0.02, 0.02, 0.01, 0.01, 0.01])
    shape = cell_shape(LatticeParameters(*cell))
    free = {"cubic": 1, "tetragonal": 3, "hexagonal": 3, "trigonal": 3, "orthorhombic": 3}.get(system, 6)
    step = scale * rng.normal(size=6) * (np.arange(6) < free)
    if system in {"tetragonal", "hexagonal", "trigonal"}:
        step[1] = 0.0
    if system == "monoclinic":
        step[[3, 5]] = 0.0
    return SymmetryHypothesis(
        space_group=group,
        occupation={},
        formula_units=1,
        lattice=lattice_parameters(shape_to_cell(shape + step)),
        lattice_std=LatticeParameters(0, 0, 0, 0, 0, 0),
        shape_scale=(0.03, 0.02, 0.02, 0.01, 0.01, 0.01),
        log_probability=0.0,
    )


@pytest.mark.parametrize("system", CRYSTALS)
def test_cell_of_each_crystal_system_is_recovered(system: str) -> None:
    rng = np.random.default_rng(5)
    true = LatticeParameters(*CRYSTALS[system][1])
    angles, intensity = peaks_of(crystal(system))
    for shift in (-0.05, 0.05):
        measured = angles + shift + rng.normal(0, 0.01, len(angles))
        cell = index_hypothesis(wrong_hypothesis(system, rng), measured, intensity, CU_KA1)
        assert cell is not None
        for name, value in true.as_dict().items():
            assert cell.lattice.as_dict()[name] == pytest.approx(value, rel=4e-3), name
        assert cell.indexed.mean() > 0.9
        assert cell.log_likelihood > 10


def test_peaks_of_another_phase_are_not_indexed_and_do_not_change_the_cell() -> None:
    rng = np.random.default_rng(1)
    angles, intensity = peaks_of(crystal("tetragonal"))
    foreign = np.array([30.1, 44.7])
    order = np.argsort(np.concatenate([angles, foreign]))
    all_angles = np.concatenate([angles, foreign])[order]
    heights = np.concatenate([intensity, [30.0, 20.0]])[order]
    cell = index_hypothesis(wrong_hypothesis("tetragonal", rng), all_angles, heights, CU_KA1)
    assert cell is not None
    assert cell.lattice.a == pytest.approx(4.594, rel=1e-3)
    assert cell.lattice.c == pytest.approx(2.959, rel=1e-3)
    assert not cell.indexed[np.isin(all_angles, foreign)].any()
    assert cell.indexed[~np.isin(all_angles, foreign)].all()


def test_reflection_conditions_tell_space_groups_apart() -> None:
    right = wrong_hypothesis("cubic", np.random.default_rng(2))
    angles, intensity = peaks_of(crystal("cubic"))
    likelihoods = {}
    for group in (225, 221, 229, 227):
        cell = index_hypothesis(replace(right, space_group=group), angles, intensity, CU_KA1)
        assert cell is not None
        likelihoods[group] = cell.log_likelihood
    assert max(likelihoods, key=likelihoods.__getitem__) == 225
    assert likelihoods[225] > likelihoods[221] + 3


def test_a_cell_far_from_the_peaks_is_unlikely() -> None:
    hypothesis = wrong_hypothesis("cubic", np.random.default_rng(2))
    angles, intensity = peaks_of(crystal("cubic"))
    far = replace(hypothesis, lattice=LatticeParameters(7.1, 7.1, 7.1, 90, 90, 90))
    near, other = (index_hypothesis(item, angles, intensity, CU_KA1) for item in (hypothesis, far))
    assert near is not None
    assert other is None or other.log_likelihood < near.log_likelihood - 10
