"""Unstable modes that are followed to structures of the list."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("phonopy", reason="needs the extra phonons")
pytest.importorskip("seekpath", reason="needs the extra phonons")


def rows_of(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "summary.csv").read_text().splitlines()))


def test_salt_of_the_caesium_chloride_type_leaves_its_space_group(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    settings = ("--space-group", "221", "--max-atoms", "2", "--candidates", "1", "--workers", "1")
    outcome = run("predict", "NaCl", *settings, "--phonons", "1", "--follow-modes", "--out", folder)
    assert outcome.code == 0, outcome.err
    rows = rows_of(folder)
    parent = next(row for row in rows if row["space_group_number"] == "221")
    child = next(row for row in rows if row["mode_of_rank"] == parent["rank"])
    assert float(child["energy_per_atom_ev"]) < float(parent["energy_per_atom_ev"]) - 0.001
    assert int(child["space_group_number"]) < 221
    assert f"Row {child['rank']}: follows the unstable mode of row {parent['rank']}" in outcome.out
    assert child["probability"]
    assert sum(float(row["probability"]) for row in rows) < 1 + 1e-5
    candidate = json.loads((folder / "results.json").read_text())["candidates"][-1]
    assert candidate["provenance"]["mode_of_candidate"] == 0
    assert candidate["provenance"]["frequency_thz"] < 0
    before = (folder / "summary.csv").read_bytes()
    phonons = (folder / "checkpoint" / "phonons.jsonl").read_bytes()
    (folder / "run.json").unlink()
    assert run("predict", "--resume", "--out", folder).code == 0
    assert (folder / "summary.csv").read_bytes() == before
    assert (folder / "checkpoint" / "phonons.jsonl").read_bytes() == phonons  # not computed again


def test_a_stable_structure_is_not_followed(run: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    settings = ("--space-group", "225", "--max-atoms", "2", "--candidates", "1", "--workers", "1")
    outcome = run("predict", "NaCl", *settings, "--phonons", "1", "--follow-modes", "--out", folder)
    assert outcome.code == 0, outcome.err
    assert "follows" not in outcome.out
    assert all(not row["mode_of_rank"] for row in rows_of(folder))


def test_modes_without_phonons_are_refused(run: Callable[..., Any], tmp_path: Path) -> None:
    outcome = run("predict", "NaCl", "--follow-modes", "--out", tmp_path / "run")
    assert outcome.code == 2
    assert "give --phonons N" in outcome.sentence
