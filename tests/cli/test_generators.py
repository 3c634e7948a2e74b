"""Generators on the command line: one, a mix, budgets, libraries, an interrupted run."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.config import make_config
from alphacrystal.data import StructureRecord
from alphacrystal.pipeline.predict import predict

Run = Callable[..., Any]
SMALL = ("--max-atoms", "4", "--no-relax", "--out", "run")


def rows(folder: Path = Path("run")) -> list[dict[str, str]]:
    with (folder / "summary.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def structures(folder: Path = Path("run")) -> list[str]:
    return [path.read_text() for path in sorted((folder / "structures").iterdir())]


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """Two rock salts, one of them a benchmark compound in name only, and a perovskite."""
    found = []
    for name, elements, edge in (("salt", ("K", "Br"), 6.6), ("oxide", ("Mg", "O"), 4.2)):
        crystal = Structure.from_spacegroup(225, Lattice.cubic(edge), elements, [[0, 0, 0], [0.5, 0.5, 0.5]])
        found.append(StructureRecord.from_structure(crystal, name))
    path = tmp_path / "known.jsonl"
    path.write_text("".join(record.model_dump_json() + "\n" for record in found), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "flags",
    [
        ("contact_map",),
        ("random", "--max-proposals", "200"),
        ("gnoa-random", "--max-proposals", "800"),
        ("gnoa-tpe", "--max-proposals", "120", "--space-group", "221"),
        ("gnoa-pso", "--max-energy-calls", "10"),
        ("gnoa-random", "--max-proposals", "300", "--gnoa-original-encoding", "--z", "4", "--max-atoms", "8"),
    ],
    ids=" ".join,
)
def test_one_generator_makes_the_run(run: Run, flags: tuple[str, ...]) -> None:
    if flags[0] == "gnoa-tpe":
        pytest.importorskip("optuna", reason="needs optuna: the extra bayesian")
    outcome = run("predict", "NaCl", "--candidates", "3", *SMALL, "--generator", *flags)
    assert outcome.code == 0, outcome.err
    assert {row["generator"] for row in rows()} == {flags[0]}
    assert 1 <= len(rows()) <= 3
    again = run("predict", "NaCl", "--candidates", "3", *SMALL[:-1], "again", "--generator", *flags)
    assert again.code == 0
    assert structures(Path("again")) == structures()


def test_templates_come_from_the_users_library(run: Run, templates: Path) -> None:
    outcome = run("predict", "NaCl", *SMALL, "--generators", "template", "--templates", templates)
    assert outcome.code == 0, outcome.err
    assert rows()[0]["space_group_number"] == "225"
    results = json.loads(Path("run/results.json").read_text())
    text = json.dumps(results)
    assert '"template": "salt"' in text
    other = run(
        "predict", "LiI", *SMALL[:-1], "other", "--generators", "template", "--templates", templates,
        "--template-similarity", "substitution",
    )  # fmt: skip
    assert other.code == 0, other.err
    missing = run(
        "predict", "CaF2", *SMALL[:-1], "third", "--generators", "template", "--templates", templates
    )
    assert missing.code == 2
    assert "holds no crystal of the stoichiometry 1:2 of CaF2" in missing.sentence


def test_a_leak_free_run_leaves_benchmark_compounds_out(run: Run, tmp_path: Path) -> None:
    crystal = Structure(Lattice.cubic(3.37), ["Sc", "Al"], [[0, 0, 0], [0.5, 0.5, 0.5]])  # of Table 3
    path = tmp_path / "leak.jsonl"
    path.write_text(StructureRecord.from_structure(crystal, "mp-331").model_dump_json() + "\n")
    asked = ("predict", "ScAl", "--generators", "template", "--templates", path)
    assert run(*asked, *SMALL).code == 0
    guarded = run(*asked, "--without-benchmarks", *SMALL[:-1], "guarded")
    assert guarded.code == 2
    assert "1 of forbidden formulas were left out" in guarded.sentence


def test_a_mix_shares_the_candidates_and_says_who_gave_none(run: Run, templates: Path) -> None:
    outcome = run(
        "predict", "TiO2", "--candidates", "7", "--max-atoms", "6", "--no-relax", "--out", "run",
        "--generators", "random,template,distance_matrix", "--templates", templates,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    results = json.loads(Path("run/results.json").read_text())
    text = json.dumps(results)
    assert "template gave no candidates: The template library known.jsonl holds no crystal" in text
    assert {row["generator"] for row in rows()} == {"random", "distance_matrix"}


def test_nothing_tried_is_one_sentence(run: Run) -> None:
    outcome = run("predict", "NaCl", *SMALL, "--generator", "gnoa-random", "--max-proposals", "1")
    assert outcome.code == 2
    assert "gnoa-random gave no candidates for NaCl: raise --max-proposals" in outcome.sentence


def test_an_interrupted_mix_goes_on_to_the_same_end(tmp_path: Path) -> None:
    config = make_config(
        generators=("random", "gnoa-random", "distance_matrix"),
        candidates=6,
        trials=400,
        max_atoms=4,
        relax=False,
    )

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "generate (gnoa-random)":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict("NaCl", config, folder=tmp_path / "broken", progress=stop)
    assert {row["generator"] for row in rows(tmp_path / "broken")} >= {"random"}
    predict("NaCl", config, folder=tmp_path / "broken", resume=True)
    predict("NaCl", config, folder=tmp_path / "whole")
    assert structures(tmp_path / "broken") == structures(tmp_path / "whole")
