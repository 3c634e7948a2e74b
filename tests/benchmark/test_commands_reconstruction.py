"""`alphacrystal benchmark reconstruction`: its options, errors and output."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Structure

from alphacrystal.data import StructureRecord

Run = Callable[..., Any]


@pytest.fixture
def file(textbook: Callable[[str], Structure], tmp_path: Path) -> Path:
    path = tmp_path / "known.jsonl"
    records = [StructureRecord.from_structure(textbook(name), name) for name in ("rutile", "halite")]
    path.write_text("".join(record.model_dump_json() + "\n" for record in records))
    return path


def test_one_json_object_is_printed(run: Run, file: Path) -> None:
    outcome = run("benchmark", "reconstruction", "--structures", file, "--json")
    result = json.loads(outcome.out)
    assert outcome.code == 0
    assert (result["n"], result["match_rate"]) == (2, 1.0)
    assert {"median_s", "p95_s"} <= result.keys()


def test_tables_are_printed_and_written(run: Run, file: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    outcome = run("benchmark", "reconstruction", "--structures", file, "--limit", 1, "--page", page)
    assert outcome.code == 0
    assert "## Exact matrices" in outcome.out
    assert page.read_text().startswith(outcome.out.rstrip())


def test_records_that_do_not_exist_are_named(run: Run) -> None:
    outcome = run("benchmark", "reconstruction", "--structures", "nowhere.jsonl")
    assert outcome.code == 2
    assert "nowhere.jsonl" in outcome.sentence


def test_a_missing_source_is_named_with_its_options(run: Run) -> None:
    outcome = run("benchmark", "reconstruction")
    assert outcome.code == 2
    assert "--structures FILE.jsonl" in outcome.sentence


def test_unknown_tables_are_refused(run: Run, file: Path) -> None:
    outcome = run("benchmark", "reconstruction", "--structures", file, "--also", "everything")
    assert outcome.code == 2
    assert "noise,weights,baselines,speed,ablation" in outcome.sentence
