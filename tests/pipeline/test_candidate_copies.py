"""Likely candidates have second entries: unrelaxed ones, and those in the cell that indexes a pattern."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from alphacrystal import PredictConfig, predict
from alphacrystal.diffraction import simulate_pattern
from alphacrystal.generate import Candidate
from alphacrystal.pipeline.candidate_copies import (
    CONSIDERED,
    MAX_STRAIN,
    MEASURED_CELL_COPY,
    UNRELAXED_COPY,
    largest_strain,
    measured_cell_copies,
    unrelaxed_copies,
)
from alphacrystal.relaxation import Relaxation, RelaxationStatus

HALITE = Structure.from_spacegroup(225, Lattice.cubic(5.64), ["Na", "Cl"], [[0] * 3, [0.5] * 3])


def relaxed_to(structure: Structure, status: RelaxationStatus = RelaxationStatus.CONVERGED) -> Relaxation:
    return Relaxation(structure, status, "", -3.0, 0.01, 0.1, 5, 0.1)


Pairs = list[tuple[Structure, Relaxation, float | None]]


def copies_of(
    pairs: Pairs, starts: dict[int, Structure], generator: str = "distance_matrix"
) -> list[Candidate]:
    """Copies for candidates with a relaxation and a log-probability each."""
    candidates = [Candidate(start, generator, chance, None, {"seed": 0}) for start, _, chance in pairs]
    return unrelaxed_copies(candidates, {i: pair[1] for i, pair in enumerate(pairs)}, starts)


@pytest.fixture
def halite(textbook: Callable[[str], Structure]) -> Structure:
    return textbook("halite").get_primitive_structure()


@pytest.fixture
def other() -> Structure:
    """Sodium chloride as caesium chloride."""
    return Structure(Lattice.cubic(3.5), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_a_candidate_that_relaxes_into_another_structure_is_copied(
    halite: Structure, other: Structure
) -> None:
    swollen = halite.copy()
    swollen.scale_lattice(halite.volume * 1.1)  # still halite
    pairs: Pairs = [(halite, relaxed_to(swollen), -1.0), (other, relaxed_to(halite), -2.0)]
    (copy,) = copies_of(pairs, {0: halite, 1: other})
    assert copy.structure == other
    assert copy.log_probability == -2.0
    assert copy.provenance == {"seed": 0, "unrelaxed_copy": True, "candidate": 1}


def test_a_failed_relaxation_has_no_copy(halite: Structure, other: Structure) -> None:
    assert copies_of([(halite, relaxed_to(other, RelaxationStatus.EXPLODED), -1.0)], {0: halite}) == []


def test_only_the_most_probable_candidates_with_a_score_are_copied(
    halite: Structure, other: Structure
) -> None:
    pairs: Pairs = [(other, relaxed_to(halite), -float(place)) for place in range(CONSIDERED + 2)]
    pairs[0] = (other, relaxed_to(halite), None)
    copies = copies_of(pairs, dict.fromkeys(range(len(pairs)), other))
    assert [copy.provenance["candidate"] for copy in copies] == list(range(1, CONSIDERED + 1))


def test_rough_candidates_are_not_copied(halite: Structure, other: Structure) -> None:
    assert copies_of([(other, relaxed_to(halite), -1.0)], {0: other}, "contact_map") == []


def test_copies_are_listed_as_unconverged(tmp_path: Any) -> None:
    # of these candidates some are no minimum of CHGNet
    config = PredictConfig(candidates=6, top=30, workers=1)
    run = predict("KBrF4", config, folder=tmp_path / "run", page=False)
    kept = [
        row for row in run.ranked if row.relaxation is not None and row.relaxation.reason == UNRELAXED_COPY
    ]
    marked = [c for c in run.candidates if c.provenance.get("unrelaxed_copy")]
    assert 0 < len(marked) <= CONSIDERED
    assert kept
    for row in kept:
        candidate = run.candidates[row.candidate_index]
        assert candidate.provenance["unrelaxed_copy"]
        assert row.relaxation is not None
        assert not row.relaxation.converged
        assert row.relaxation.energy_per_atom is not None
        assert row.relaxation.structure.volume == pytest.approx(candidate.structure.volume, rel=1e-3)
    again = predict("KBrF4", config, folder=tmp_path / "run", resume=True, page=False)
    assert [row.candidate_index for row in again.ranked] == [row.candidate_index for row in run.ranked]


def stretched(structure: Structure, *factors: float) -> Structure:
    matrix = structure.lattice.matrix * np.array(factors)  # along x, y and z
    return Structure(Lattice(matrix), structure.species, structure.frac_coords)


@given(st.floats(0.8, 1.3), st.floats(0.8, 1.3), st.floats(0.8, 1.3))
def test_strain_is_that_of_the_axis_that_changes_most(x: float, y: float, z: float) -> None:
    primitive = HALITE.get_primitive_structure()
    expected = max(abs(factor - 1) for factor in (x, y, z))
    assert largest_strain(primitive, stretched(primitive, x, y, z)) == pytest.approx(expected, abs=1e-9)


def test_only_likely_candidates_with_a_changed_cell_are_copied() -> None:
    ends = [
        relaxed_to(stretched(HALITE, 1, 1, 1 + MAX_STRAIN / 2)),
        relaxed_to(stretched(HALITE, 1, 1, 1 + 3 * MAX_STRAIN)),
        relaxed_to(stretched(HALITE, 1, 1, 1.5), RelaxationStatus.EXPLODED),
        *[relaxed_to(stretched(HALITE, 0.9, 1, 1))] * CONSIDERED,
    ]
    candidates = [Candidate(HALITE, "distance_matrix", -float(place), None) for place in range(len(ends))]
    candidates[3] = Candidate(HALITE, "distance_matrix", None)
    copies = measured_cell_copies(candidates, dict(enumerate(ends)), dict.fromkeys(range(len(ends)), HALITE))
    assert [copy.provenance["candidate"] for copy in copies] == [1, 4, 5]
    assert all(copy.provenance["measured_cell"] for copy in copies)
    assert copies[0].structure == HALITE


def test_copy_keeps_the_cell_of_the_pattern(tmp_path: Path) -> None:
    squeezed = Structure.from_spacegroup(225, Lattice.cubic(5.25), ["Na", "Cl"], [[0] * 3, [0.5] * 3])
    pattern = simulate_pattern(squeezed, np.arange(15, 100, 0.05), rng=np.random.default_rng(0))
    file = tmp_path / "salt.xy"
    np.savetxt(file, np.column_stack([pattern.two_theta, pattern.intensity]))
    config = PredictConfig(
        candidates=4, max_atoms=8, workers=1, xrd=file, wavelength="CuKa", dispersion="none"
    )
    run = predict("NaCl", config, folder=tmp_path / "run", page=False)
    first = run.ranked[0]
    assert first.space_group_number == 225
    assert first.relaxation is not None
    assert first.relaxation.reason == MEASURED_CELL_COPY
    assert first.pattern_fit is not None
    assert first.pattern_fit.structure.lattice.a == pytest.approx(5.25 / np.sqrt(2), rel=2e-3)
    again = predict("NaCl", config, folder=tmp_path / "run", resume=True, page=False)
    assert [row.candidate_index for row in again.ranked] == [row.candidate_index for row in run.ranked]
