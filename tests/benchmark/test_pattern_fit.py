"""`alphacrystal benchmark pattern-fit`: simulated measurements, and one compound end to end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from alphacrystal_bench.diffraction.measurements import (
    ORDINARY,
    POOR,
    measured_pattern,
    with_errors_of_a_potential,
)

Run = Callable[..., Any]


def rutile() -> Structure:
    return Structure.from_spacegroup(
        "P4_2/mnm", Lattice.tetragonal(4.594, 2.959), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]
    )


@pytest.mark.parametrize("seed", range(4))
def test_errors_of_a_potential_change_cell_and_coordinates_but_not_the_symmetry(seed: int) -> None:
    changed = with_errors_of_a_potential(rutile(), np.random.default_rng(seed))
    assert SpacegroupAnalyzer(changed, 1e-3).get_space_group_number() == 136
    strain = np.abs(np.array(changed.lattice.abc) / np.array(rutile().lattice.abc) - 1)
    assert 0.001 < strain.max() < 0.05
    difference = changed.frac_coords - rutile().frac_coords
    shifts = (difference - np.rint(difference)) @ rutile().lattice.matrix
    moved = np.linalg.norm(shifts, axis=1)
    assert moved.max() == pytest.approx(0.05, abs=0.01)


def test_poor_measurements_have_fewer_counts() -> None:
    patterns = [
        measured_pattern(rutile(), rutile(), np.random.default_rng(0), spread) for spread in (ORDINARY, POOR)
    ]
    assert patterns[0].intensity.max() > patterns[1].intensity.max()
    assert patterns[0].uncertainty is not None


def test_one_compound_end_to_end(run: Run, tmp_path: Path) -> None:
    structure = rutile()
    record = {
        "id": "mp-1",
        "reduced_formula": "TiO2",
        "lattice": structure.lattice.matrix.tolist(),
        "species": [site.specie.symbol for site in structure],
        "frac_coords": structure.frac_coords.tolist(),
        "icsd": True,
        "split": "val",
    }
    file = tmp_path / "structures.jsonl"
    file.write_text(json.dumps(record) + "\n", encoding="utf-8")
    arguments = ("benchmark", "pattern-fit", "--limit", "1", "--candidates", "4", "--out", "out")
    outcome = run(*arguments, "--data", file, "--page", "page.md", "--json")
    assert outcome.code == 0, outcome.err
    result = json.loads(outcome.out)
    assert result["n"] == 1
    ordinary = result["measurements"]["ordinary"]
    assert ordinary["scores"]["profile"]["top_1"] == 1
    assert ordinary["median_r_wp"] < ordinary["median_best_other_r_wp"]
    assert "## Poor measurements" in (tmp_path / "page.md").read_text(encoding="utf-8")
