"""Whole predictions of known compounds: rates, controls, causes of failures, resuming."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Structure

from alphacrystal.composition import parse_formula
from alphacrystal.errors import InputError
from alphacrystal.evaluation import match_pair
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
from alphacrystal_bench.cspbench.page import draw, render, stored
from alphacrystal_bench.cspbench.run import CspBenchSettings, benchmark_cspbench
from alphacrystal_bench.harness.facts import measured

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
    known_type = true_type(truth)
    assert known_type is not None
    assert known_type.space_group == 221
    settings = ({"Sr": "a", "Ti": "b", "O": "c"}, {"Sr": "b", "Ti": "a", "O": "d"})
    assert dict(known_type.occupation) in settings
    matching = [c for c in perovskites if c.hypothesis and c.hypothesis.space_group == 221]
    right = next(
        c for c in matching if c.hypothesis and dict(c.hypothesis.occupation) == known_type.occupation
    )
    other = next(c for c in perovskites if not match_pair(c.structure, truth).matched)
    assert cause(run_of(perovskites), known_type, truth, 1) == FOUND
    assert cause(run_of(perovskites), known_type, truth, 4) == RANKED_LOW
    assert cause(run_of([right]), known_type, truth, None) == LOST
    assert cause(run_of([other]), known_type, truth, None) == TYPE_MISSING
    # atoms that came to lie elsewhere, in the right cell and in one stretched too far
    broken = right.structure.copy()
    broken.translate_sites([0], [0.3, 0.2, 0.1])
    assert cause(run_of([replace(right, structure=broken)]), known_type, truth, None) == RECONSTRUCTION
    assert right.hypothesis is not None
    cell = replace(right.hypothesis.lattice, c=1.6 * right.hypothesis.lattice.c)
    stretched = replace(right, structure=broken, hypothesis=replace(right.hypothesis, lattice=cell))
    assert cause(run_of([stretched]), known_type, truth, None) == WRONG_LATTICE


@pytest.fixture(scope="module")
def compounds(textbook: Callable[[str], Structure]) -> list[Compound]:
    return [
        Compound("halite", "NaCl", textbook("halite"), "easy"),
        Compound("caesium chloride", "CsCl", textbook("caesium chloride"), "hard"),
    ]


@pytest.fixture(scope="module")
def finished(compounds: list[Compound], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Folder and result of a finished benchmark."""
    out = tmp_path_factory.mktemp("finished")
    return out, measured(0, lambda: benchmark_cspbench(compounds, SETTINGS, out))


def test_rates_controls_and_page(
    tmp_path: Path, compounds: list[Compound], finished: tuple[Path, Any]
) -> None:
    out, result = finished
    assert result["n"] == 2
    assert result["match"]["without_relaxation"]["top_20"] == 1.0
    assert result["match_diffcsp"]["without_relaxation"]["top_20"] == 1.0
    assert result["space_group_0_1"]["without_relaxation"]["top_20"] == 1.0
    assert result["symmetry_prior"]["space_group"]["top_20"] == 1.0
    assert set(result["categories"]) == {"easy", "hard"}
    assert sum(result["causes"].values()) == 2
    assert all(len(row["random"]) == 20 for row in result["rows"])
    # A second run only reads the finished rows.
    assert benchmark_cspbench(compounds, SETTINGS, out)["rows"] == result["rows"]
    page = render(result)
    assert "control: random coordinates" in page
    assert "| hard | 1 |" in page
    short = stored(result)
    assert short["rows"][0]["ranks"]["without_relaxation"] is not None
    assert "listed" not in short["rows"][0]
    assert stored(short) == short
    assert render(short) == page
    assert "TCSP 2.0" in draw(result, tmp_path / "page.md", tmp_path)


def test_rows_with_causes_of_format_1_are_read(
    tmp_path: Path, compounds: list[Compound], finished: tuple[Path, Any]
) -> None:
    out, result = finished
    shutil.copytree(out, tmp_path, dirs_exist_ok=True)
    old = [row | {"cause": row["cause"].replace("_", " ")} for row in result["rows"]]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in old), encoding="utf-8")
    assert benchmark_cspbench(compounds, SETTINGS, tmp_path)["rows"] == result["rows"]


@pytest.mark.slow
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
    assert alone["templates"]["top_20"] == 0.0
    other.to(str(library / "KBr.cif"))
    settings = replace(SETTINGS, templates=library)
    both = measured(0, lambda: benchmark_cspbench(compounds, settings, tmp_path / "b_out"))
    assert both["templates"]["top_1"] == 1.0
    assert "elements exchanged" in render(both)


def test_other_settings_do_not_mix(
    tmp_path: Path, compounds: list[Compound], finished: tuple[Path, Any]
) -> None:
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    with pytest.raises(InputError, match="other settings"):
        benchmark_cspbench(compounds, replace(SETTINGS, seed=1), tmp_path)
    with pytest.raises(InputError, match="no compounds"):
        benchmark_cspbench([], SETTINGS, tmp_path)
