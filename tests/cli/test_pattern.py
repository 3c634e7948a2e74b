"""`alphacrystal predict --xrd`: a measured pattern orders the list, and bad input is one sentence."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.diffraction import simulate_pattern

Run = Callable[..., Any]
QUICK = ["--candidates", "5", "--top", "5", "--no-relax"]


@pytest.fixture(scope="module")
def rutile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pattern of rutile, measured with Cu Kα, noise and background."""
    structure = Structure.from_spacegroup(
        136, Lattice.tetragonal(4.594, 2.959), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]
    )
    pattern = simulate_pattern(structure, np.arange(15, 90, 0.02), rng=np.random.default_rng(0))
    path = tmp_path_factory.mktemp("patterns") / "rutile.xy"
    np.savetxt(path, np.column_stack([pattern.two_theta, pattern.intensity]), header="2theta counts")
    return path


def test_the_structure_of_the_pattern_is_first_with_its_cell(run: Run, rutile: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    outcome = run("predict", "TiO2", "--xrd", str(rutile), "--wavelength", "CuKa", *QUICK, "--out", str(out))
    assert outcome.code == 0, outcome.err
    with (out / "summary.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[0]["space_group_number"] == "136"
    assert float(rows[0]["r_wp"]) < 0.15
    assert float(rows[0]["r_wp"]) == min(float(row["r_wp"]) for row in rows)
    assert rows[0]["unexplained_peaks"] == "0"
    assert "R_wp %" in outcome.out
    refined = Structure.from_file(out / "refined" / Path(rows[0]["file"]).name)
    assert refined.lattice.abc == pytest.approx((4.594, 4.594, 2.959), rel=2e-3)
    fit = json.loads((out / "results.json").read_text())["structures"][0]["pattern_fit"]
    assert len(fit["curves"]["two_theta"]) == len(fit["curves"]["calculated"]) <= 1200
    page = (out / "report.html").read_text()
    assert "Grey points: measured" in page


def test_formulas_are_ordered_by_agreement(run: Run, rutile: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    settings = ["--xrd", str(rutile), "--wavelength", "CuKa", *QUICK, "--out", str(out)]
    outcome = run("predict", "SnO2", "TiO2", *settings)
    assert outcome.code == 0, outcome.err
    lines = [line for line in outcome.out.splitlines() if line.startswith("Agreement")]
    assert lines[0].startswith("Agreement with the pattern 1: TiO2 P4_2/mnm")
    assert lines[1].startswith("Agreement with the pattern 2: SnO2")
    with (out / "index.csv").open(newline="") as stream:
        factors = {row["formula"]: float(row["r_wp"]) for row in csv.DictReader(stream)}
    assert factors["TiO2"] < factors["SnO2"]


def test_a_list_of_peaks_is_enough(run: Run, tmp_path: Path) -> None:
    peaks = tmp_path / "peaks.txt"
    peaks.write_text("d I\n3.248 100\n2.487 48\n2.297 7\n2.187 18\n1.687 53\n1.624 17\n1.480 8\n1.360 17\n")
    out = tmp_path / "run"
    outcome = run("predict", "TiO2", "--xrd", str(peaks), "--wavelength", "CuKa", *QUICK, "--out", str(out))
    assert outcome.code == 0, outcome.err
    with (out / "summary.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[0]["space_group_number"] == "136"
    assert rows[0]["r_wp"] == ""
    assert rows[0]["unexplained_peaks"] == "0"


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("nothing\n", ["--wavelength", "CuKa"], "pattern.xy"),
        (None, ["--wavelength", "CuKa"], "pattern.xy"),
        ("rutile", [], "--wavelength"),
        ("rutile", ["--wavelength", "Unobtainium"], "Unobtainium"),
    ],
)
def test_bad_input_is_one_sentence_before_anything_is_written(
    run: Run, content: str | None, options: list[str], words: str, rutile: Path, tmp_path: Path
) -> None:
    path = tmp_path / "pattern.xy"
    if content is not None:
        path.write_text(rutile.read_text() if content == "rutile" else content)
    out = tmp_path / "run"
    outcome = run("predict", "TiO2", "--xrd", str(path), *options, *QUICK, "--out", str(out))
    assert outcome.code == 2
    assert words in outcome.sentence
    assert not out.exists()


def test_a_wavelength_needs_a_pattern(run: Run) -> None:
    outcome = run("predict", "TiO2", "--wavelength", "CuKa", *QUICK)
    assert outcome.code == 2
    assert "--xrd" in outcome.sentence


def test_campaign_with_a_pattern_has_the_agreement_of_each_formula(
    run: Run, rutile: Path, tmp_path: Path
) -> None:
    formulas, out = tmp_path / "list.txt", tmp_path / "study"
    formulas.write_text("SnO2\nXx2\nTiO2\n")
    options = ["--xrd", str(rutile), *QUICK, "--max-atoms", "6", "--out", str(out)]
    outcome = run("campaign", str(formulas), *options)
    assert (outcome.code, "names no wavelength" in outcome.err) == (2, True)
    outcome = run("campaign", str(formulas), "--wavelength", "CuKa", *options)
    assert outcome.code == 0, outcome.err
    with (out / "index.csv").open(newline="") as stream:
        tin, unknown, titanium = csv.DictReader(stream)
    assert float(titanium["r_wp"]) < float(tin["r_wp"])
    assert (titanium["unexplained_peaks"], unknown["r_wp"]) == ("0", "")
