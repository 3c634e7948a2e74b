"""Runs in which nothing could be relaxed: counted reasons, all files written, exit code 1."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Rows = Callable[[Path], list[dict[str, str]]]
OPTIONS = ("--candidates", "3", "--max-atoms", "4", "--workers", "1")

POTENTIALS = """
from ase.calculators.calculator import all_changes
from ase.calculators.lj import LennardJones


class NoOxygen(LennardJones):
    '''Lennard-Jones that fails for all cells with oxygen, with a reason that depends on their size.'''

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        if "O" in atoms.get_chemical_symbols():
            raise ArithmeticError(f"no answer for oxygen ({atoms.get_volume():.3f} A3)")
        super().calculate(atoms, properties, system_changes)


def no_oxygen():
    return NoOxygen(sigma=2.6, epsilon=0.1, rc=8.0, ro=7.0, smooth=True)
"""


@pytest.fixture(autouse=True)
def _potential(potentials: Callable[[str, dict[str, str]], Path]) -> None:
    potentials(POTENTIALS, {"no_oxygen": "no_oxygen"})


def test_prediction_counts_the_reasons(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    outcome = run("predict", "MgO", *OPTIONS, "--potential", "no_oxygen", "--out", "run")
    assert outcome.code == 1
    said = " ".join(outcome.out.split())
    assert "No candidate could be relaxed (3 × " in said
    assert "no answer for oxygen" in said
    assert "try --no-relax or another potential." in said
    folder = tmp_path / "run"
    assert rows_of(folder / "summary.csv") == []
    assert json.loads((folder / "run.json").read_text())["complete"] is True
    assert (folder / "report.html").is_file()
    assert (folder / "candidates.extxyz").read_text().count("Lattice=") == 3
    for words in (("predict", "--resume", "--out", "run"), ("predict", "--resume", "--out", "run", "--json")):
        again = run(*words)
        assert again.code == 1
        assert "No candidate could be relaxed" in again.out
    assert json.loads(again.out)["rows"] == []
    assert run("view", "run").code == 0


def test_other_formulas_of_a_list_go_on(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    outcome = run("predict", "MgO", "NaXx", "NaCl", *OPTIONS, "--potential", "no_oxygen", "--out", "batch")
    assert outcome.code == 1
    assert "1 of 3 formulas done" in outcome.out
    index = rows_of(tmp_path / "batch" / "index.csv")
    assert [(row["status"], row["folder"], row["structures"] > "0") for row in index] == [
        ("failed", "MgO", False),
        ("failed", "", False),
        ("done", "NaCl", True),
    ]
    assert "no answer for oxygen" in index[0]["reason"]
    assert run("predict", "--resume", "--out", "batch").code == 1


@pytest.mark.parametrize("verb", ["relax", pytest.param("rank", marks=pytest.mark.slow)])
def test_files(run: Run, tmp_path: Path, rows_of: Rows, verb: str) -> None:
    for formula in ("MgO", "NaCl"):
        assert run("predict", formula, *OPTIONS[:4], "--no-relax", "--out", formula).code == 0
    oxides, salts = (sorted((tmp_path / name / "structures").iterdir()) for name in ("MgO", "NaCl"))
    options = ("--potential", "no_oxygen", "--workers", "1")
    outcome = run(verb, *oxides, *options, "--out", "one")
    assert outcome.code == 1
    assert "No candidate could be relaxed (3 × " in " ".join(outcome.out.split())
    assert (tmp_path / "one" / "results.json").is_file()
    outcome = run(verb, *oxides, *salts, *options, "--out", "both")
    assert outcome.code == 1
    index = {row["formula"]: row for row in rows_of(tmp_path / "both" / "index.csv")}
    assert (index["MgO"]["status"], index["NaCl"]["status"]) == ("failed", "done")
    assert "no answer for oxygen" in index["MgO"]["reason"]
    assert rows_of(tmp_path / "both" / "NaCl" / "summary.csv")
    assert run(verb, *salts, *options, "--out", "salts").code == 0


def test_campaign_names_the_reason_and_tries_again(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    (tmp_path / "list.txt").write_text("MgO\nNaCl\n")
    words = ("campaign", "list.txt", *OPTIONS[:4], "--potential", "no_oxygen", "--out", "all")
    outcome = run(*words)
    assert outcome.code == 0, outcome.err
    for attempt in range(2):
        (failure,) = rows_of(tmp_path / "all" / "failures.csv")
        assert (failure["formula"], failure["failure_type"]) == ("MgO", "relaxation")
        assert "no answer for oxygen" in failure["reason"]
        row, salt = rows_of(tmp_path / "all" / "index.csv")
        assert (row["status"], salt["status"]) == ("failed", "done")
        if attempt == 0:
            run_file = tmp_path / "all" / row["folder"] / "run.json"
            before = run_file.stat().st_mtime_ns
            assert run("campaign", "--resume", "--retry-failed", "--out", "all").code == 0
            assert run_file.stat().st_mtime_ns > before
