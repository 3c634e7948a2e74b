"""`alphacrystal benchmark table3|table4|cost`: errors and output."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Structure

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("verb", "name"), [("table3", "paper_table3"), ("table4", "paper_table4"), ("cost", "paper_table3")]
)
def test_missing_compounds_are_named_with_their_option(run: Run, verb: str, name: str) -> None:
    outcome = run("benchmark", verb, "--data", "nowhere")
    assert outcome.code == 2
    assert f"{name}.jsonl with --data DIR" in outcome.sentence


@pytest.mark.slow
def test_table4_without_relaxation_prints_and_writes(
    run: Run, textbook: Callable[[str], Structure], tmp_path: Path
) -> None:
    structure = textbook("caesium chloride")
    values = {"energy_eV": 1.0, "sinkhorn_A": 50.0, "superpose_A": 5.0, "fingerprint": 9.0, "ofm": 9.0}
    candidate = {
        "id": "known",
        "nsites": 2,
        "e_above_hull": None,
        "lattice": structure.lattice.matrix.tolist(),
        "species": [site.specie.symbol for site in structure],
        "frac_coords": structure.frac_coords.tolist(),
    }
    row = {
        "formula": "CsCl",
        "alphacrystal1": values,
        "alphacrystal2": values,
        "candidates": [candidate],
    }
    file = tmp_path / "data" / "benchmarks" / "paper_table4.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    page = tmp_path / "pages" / "table4.md"
    command = ("benchmark", "table4", "--data", file.parents[1], "--out", "out", "--no-relax", "--page", page)
    outcome = run(*command)
    assert outcome.code == 0
    assert page.read_text(encoding="utf-8").startswith(outcome.out.rstrip())
    other = tmp_path / "again.md"
    assert run("benchmark", "page", "table4", page.with_suffix(".json"), other).code == 0
    assert other.read_text(encoding="utf-8") == page.read_text(encoding="utf-8").replace(
        "table4.json", "again.json"
    )
    again = run(*command[:-2], "--json")
    assert json.loads(again.out)["compounds"][0]["id"] == "known"
    refused = run(*command, "--seed", 1)
    assert refused.code == 2
    assert "other settings" in refused.sentence
