"""Whole predictions of known compounds: rates, controls, causes of failures, resuming."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Structure

from alphacrystal.composition import parse_formula
from alphacrystal.errors import InputError
from alphacrystal.evaluate import match_pair
from alphacrystal.generate import Candidate, DistanceMatrixGenerator
from alphacrystal.report import Prediction
from alphacrystal_bench.cspbench.causes import (
    FOUND,
    LOST,
    RANKED_LOW,
    RECONSTRUCTION,
    TYPE_MISSING,
    WRONG_LATTICE,
    cause,
    true_type,
)
from alphacrystal_bench.cspbench.compounds import Compound
from alphacrystal_bench.cspbench.page import cspbench_page
from alphacrystal_bench.cspbench.run import CspBenchSettings, benchmark_cspbench

SETTINGS = CspBenchSettings(relax=False)


@pytest.fixture(scope="module")
def perovskites() -> list[Candidate]:
    generator = DistanceMatrixGenerator(formula_units=[1])
    return list(generator.generate(parse_formula("SrTiO3"), 12, np.random.default_rng(0)))


def run_of(candidates: list[Candidate]) -> Prediction:
    return Prediction("SrTiO3", "SrTiO3", (), tuple(candidates))


def test_every_failure_has_its_cause(
    perovskites: list[Candidate], textbook: Callable[[str], Structure]
) -> None:
    truth = textbook("perovskite")
    told = true_type(truth)
    assert told is not None
    assert told.space_group == 221
    assert dict(told.occupation) in ({"Sr": "a", "Ti": "b", "O": "c"}, {"Sr": "b", "Ti": "a", "O": "d"})
    matching = [c for c in perovskites if c.hypothesis and c.hypothesis.space_group == 221]
    right = next(c for c in matching if c.hypothesis and dict(c.hypothesis.occupation) == told.occupation)
    other = next(c for c in perovskites if not match_pair(c.structure, truth).matched)
    assert cause(run_of(perovskites), told, truth, 1) == FOUND
    assert cause(run_of(perovskites), told, truth, 4) == RANKED_LOW
    assert cause(run_of([right]), told, truth, None) == LOST
    assert cause(run_of([other]), told, truth, None) == TYPE_MISSING
    # atoms that came to lie elsewhere, in the right cell and in one stretched too far
    broken = right.structure.copy()
    broken.translate_sites([0], [0.3, 0.2, 0.1])
    assert cause(run_of([replace(right, structure=broken)]), told, truth, None) == RECONSTRUCTION
    assert right.hypothesis is not None
    cell = replace(right.hypothesis.lattice, c=1.6 * right.hypothesis.lattice.c)
    stretched = replace(right, structure=broken, hypothesis=replace(right.hypothesis, lattice=cell))
    assert cause(run_of([stretched]), told, truth, None) == WRONG_LATTICE


def test_rates_controls_and_page(tmp_path: Path, textbook: Callable[[str], Structure]) -> None:
    compounds = [
        Compound("halite", "NaCl", textbook("halite"), "easy"),
        Compound("rutile", "TiO2", textbook("rutile"), "hard"),
    ]
    result = benchmark_cspbench(compounds, SETTINGS, tmp_path)
    assert result["n"] == 2
    assert result["match"]["without relaxation"]["top-20"] == 1.0
    assert result["match_diffcsp"]["without relaxation"]["top-20"] == 1.0
    assert result["space_group_0.1"]["without relaxation"]["top-20"] == 1.0
    assert result["symmetry_prior"]["space_group"]["top-20"] == 1.0
    assert set(result["categories"]) == {"easy", "hard"}
    assert sum(result["causes"].values()) == 2
    assert all(len(row["random"]) == 20 for row in result["rows"])
    # the same again only reads what was finished
    assert benchmark_cspbench(compounds, SETTINGS, tmp_path)["rows"] == result["rows"]
    page = cspbench_page(result)
    assert "control: random coordinates" in page
    assert "| hard | 1 |" in page


def test_template_control_never_copies_the_formula_itself(
    tmp_path: Path, textbook: Callable[[str], Structure]
) -> None:
    halite = textbook("halite")
    other = halite.replace_species({"Na": "K", "Cl": "Br"}, in_place=False)
    library = tmp_path / "known"
    library.mkdir()
    halite.to(str(library / "NaCl.cif"))
    compounds = [Compound("halite", "NaCl", halite)]
    alone = benchmark_cspbench(compounds, replace(SETTINGS, templates=library), tmp_path / "a_out")
    assert alone["templates"]["top-20"] == 0.0
    other.to(str(library / "KBr.cif"))
    both = benchmark_cspbench(compounds, replace(SETTINGS, templates=library), tmp_path / "b_out")
    assert both["templates"]["top-1"] == 1.0
    assert "elements exchanged" in cspbench_page(both)


def test_other_settings_do_not_mix(tmp_path: Path, textbook: Callable[[str], Structure]) -> None:
    compounds = [Compound("halite", "NaCl", textbook("halite"))]
    benchmark_cspbench(compounds, SETTINGS, tmp_path)
    with pytest.raises(InputError, match="other settings"):
        benchmark_cspbench(compounds, replace(SETTINGS, seed=1), tmp_path)
    with pytest.raises(InputError, match="no compounds"):
        benchmark_cspbench([], SETTINGS, tmp_path)
