"""The command line on folders of format 1, which version 0.1.0 wrote."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alphacrystal.evaluation import read_predicted
from alphacrystal.learn import model_hashes

TESTS = Path(__file__).parents[1]
Run = Callable[..., Any]


@pytest.fixture
def old_run(tmp_path: Path) -> Path:
    """A run folder without its page."""
    return Path(shutil.copytree(TESTS / "report" / "data" / "old_run", tmp_path / "run"))


def cifs(folder: Path) -> dict[str, str]:
    """The CIF files of a run without their lines on the program version."""
    return {
        path.name: re.sub(r"_audit_creation_method .*", "", path.read_text(encoding="utf-8"))
        for path in (folder / "structures").iterdir()
    }


def test_verbs_read_a_folder_of_format_1(old_run: Path, run: Run) -> None:
    assert "Fm-3m (225)" in run("view", old_run).out
    assert len(read_predicted(old_run)) == 3
    assert run("view", old_run, "--figures", "--rows", "1").code == 0
    assert (old_run / "figures" / "energy_volume.svg").is_file()


def test_a_run_of_format_1_is_resumed(old_run: Path, run: Run) -> None:
    before = cifs(old_run)
    (old_run / "results.json").unlink()  # as if it had been interrupted while it wrote its results
    outcome = run("predict", "--resume", "--out", old_run)
    assert outcome.code == 0, outcome.err
    assert cifs(old_run) == before
    assert json.loads((old_run / "run.json").read_text())["format_version"] == 2
    assert "formation_energy_per_atom_ev" in (old_run / "summary.csv").read_text()


def test_a_campaign_of_format_1_is_resumed(tmp_path: Path, run: Run) -> None:
    folder = Path(shutil.copytree(TESTS / "scale" / "data" / "old_campaign", tmp_path / "campaign"))
    outcome = run("campaign", "--resume", "--out", folder)
    assert "other network weights (version 0.1.0)" in outcome.err
    with closing(sqlite3.connect(folder / "campaign.sqlite")) as store, store:
        store.execute("UPDATE facts SET value = ? WHERE name = 'models'", (json.dumps(model_hashes()),))
    outcome = run("campaign", "--resume", "--out", folder)
    assert outcome.code == 0, outcome.err
    with (folder / "index.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["formula"], row["status"], row["space_group_number"]) for row in rows] == [
        ("NaCl", "done", "225"),
        ("MgO", "done", "225"),
        ("Xx2", "failed", ""),
    ]
