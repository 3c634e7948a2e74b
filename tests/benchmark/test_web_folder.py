"""The folder of the server in the benchmark of response times."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alphacrystal.exploration import CSV_FILE, PAGE_FILE, SUMMARY_FILE, parse_summary, read_hull
from alphacrystal.report import TRANSITIONS_FILE
from alphacrystal_bench.speed.web_folder import PHASE_FILE, PRESSURES, write_exploration, write_series


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A folder with the files of a run that are copied."""
    folder = tmp_path / "template"
    (folder / "structures").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"formula": "NaCl", "pressure_gpa": 0.0}))
    (folder / "summary.csv").write_text("rank\n")
    return folder


def test_a_series_has_a_list_for_each_pressure_and_transitions(tmp_path: Path, template: Path) -> None:
    write_series(tmp_path / "series", template)
    for pressure in PRESSURES:
        run = json.loads((tmp_path / "series" / f"{pressure:g}GPa" / "run.json").read_text())
        assert run == {"formula": "NaCl", "pressure_gpa": pressure}
    assert (tmp_path / "series" / TRANSITIONS_FILE).is_file()


def test_an_exploration_has_many_phases_and_the_structure_that_is_requested(
    tmp_path: Path, template: Path
) -> None:
    folder = tmp_path / "system"
    write_exploration(folder, template)
    hull = read_hull(folder)
    assert len(hull.phases) > 1000
    path = folder / SUMMARY_FILE
    assert parse_summary(path.read_bytes(), path).all_phases == len(hull.phases)
    assert path.stat().st_size < 200_000
    assert all((folder / name).is_file() for name in (CSV_FILE, PAGE_FILE, f"structures/{PHASE_FILE}"))
