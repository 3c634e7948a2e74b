"""With a powder pattern, likely candidates also keep the cell that indexes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from alphacrystal import PredictConfig, predict
from alphacrystal.diffraction import simulate_pattern
from alphacrystal.generate import Candidate
from alphacrystal.pipeline.measured_cells import (
    MAX_STRAIN,
    MEASURED_CELL_COPY,
    largest_strain,
    measured_cell_copies,
)
from alphacrystal.pipeline.unrelaxed_copies import CONSIDERED
from alphacrystal.relaxation import Relaxation, RelaxationStatus

HALITE = Structure.from_spacegroup(225, Lattice.cubic(5.64), ["Na", "Cl"], [[0] * 3, [0.5] * 3])


def stretched(structure: Structure, *factors: float) -> Structure:
    matrix = structure.lattice.matrix * np.array(factors)  # along x, y and z
    return Structure(Lattice(matrix), structure.species, structure.frac_coords)


def relaxed_to(structure: Structure, status: RelaxationStatus = RelaxationStatus.CONVERGED) -> Relaxation:
    return Relaxation(structure, status, "", -3.0, 0.01, 0.1, 5, 0.1)


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
