"""`alphacrystal predict --pressure` with several pressures: a list for each, enthalpies and transitions."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Structure

from alphacrystal.pipeline.pressure_series import with_intermediate

Run = Callable[..., Any]
Start = Callable[..., subprocess.Popen[str]]
QUICK = ("--candidates", "8", "--max-atoms", "4", "--workers", "1")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory, start_command: Start) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("series") / "run"
    process = start_command("predict", "NaCl", "--pressure", "0,60", *QUICK, "--out", folder)
    output, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    return folder, output


def test_rock_salt_becomes_the_caesium_chloride_type(series: tuple[Path, str]) -> None:
    folder, output = series
    for pressure, group in (("0GPa", "225"), ("60GPa", "221")):
        assert rows_of(folder / pressure / "summary.csv")[0]["space_group_number"] == group
    changes = rows_of(folder / "transitions.csv")
    assert (changes[0]["low_space_group"], changes[-1]["high_space_group"]) == ("225", "221")
    # 27 to 30 GPa in experiments (Li and Jeanloz, doi:10.1103/PhysRevB.36.474); about 17 with CHGNet.
    assert 5 < float(changes[-1]["pressure_gpa"]) < 45
    assert "NaCl at 60 GPa" in output
    assert "enthalpy" in output
    assert "Phase of lowest enthalpy:" in output


@pytest.mark.filterwarnings("ignore:Issues encountered")
def test_files_of_a_series(series: tuple[Path, str]) -> None:
    folder, _ = series
    enthalpies = rows_of(folder / "enthalpies.csv")
    assert {float(row["pressure_gpa"]) for row in enthalpies} == {0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0}
    for row in enthalpies:
        structure = Structure.from_file(folder / row["file"])
        assert structure.volume / len(structure) == pytest.approx(float(row["volume_per_atom_a3"]), rel=1e-3)
    page = (folder / "report.html").read_text()
    assert "0GPa/report.html" in page
    assert "data:image/svg+xml;base64," in page
    assert (folder / "enthalpies.png").is_file()


def test_a_finished_series_is_repeated_from_its_files(series: tuple[Path, str], run: Run) -> None:
    folder, _ = series
    before = (folder / "enthalpies.csv").read_bytes()
    outcome = run("predict", "--resume", "--out", folder, "--json")
    assert outcome.code == 0, outcome.err
    content = json.loads(outcome.out)
    assert content["pressures_gpa"] == [0.0, 60.0]
    assert [item["space_group_number"] for item in content["lowest_enthalpy"]][::-1][0] == 221
    assert (folder / "enthalpies.csv").read_bytes() == before
    for arguments in (("KCl",), ("NaCl", "--pressure", "0,50"), ("NaCl", "--seed", "4")):
        assert run("predict", *arguments, "--resume", "--out", folder).code == 2


@given(st.lists(st.integers(0, 400), min_size=2, max_size=8, unique=True))
def test_intermediate_pressures_fill_the_intervals(values: list[int]) -> None:
    pressures = sorted(map(float, values))
    grid = with_intermediate(pressures)
    assert grid == sorted(set(grid))
    assert set(pressures) <= set(grid)
    longest = (pressures[-1] - pressures[0]) / 6
    assert max(b - a for a, b in pairwise(grid)) <= longest + 1e-5
    assert len(grid) <= 6 + len(pressures)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("NaCl", "--pressure", "0,x"), "0,20,60"),
        (("NaCl", "--pressure", "0,5000"), "less than or equal to 1000"),
        (("NaCl", "--pressure", "0,nan"), "finite"),
        (("NaCl", "--pressure", "0,inf"), "finite"),
        (("NaCl", "--pressure", "5,5"), "at least two different pressures"),
        (("NaCl", "KCl", "--pressure", "0,5"), "one formula"),
        (("NaCl", "--pressure", "0,5", "--no-relax"), "no enthalpies"),
        (("NaCl", "--pressure", ",".join(map(str, range(60)))), "too many"),
    ],
)
def test_bad_pressures_are_refused(run: Run, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    outcome = run("predict", *arguments, "--out", tmp_path / "run")
    assert outcome.code == 2
    assert words in outcome.sentence
    assert not (tmp_path / "run").exists()


def test_an_interrupted_series_is_resumed(start: Start, run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start("predict", "KCl", "--pressure", "0,10", *QUICK, "--out", folder)
    end = time.monotonic() + 120
    while not (folder / "0GPa" / "checkpoint" / "candidates.json").is_file():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 130
    assert f"alphacrystal predict --resume --out {folder}" in error
    assert run("predict", "--resume", "--out", folder).code == 0
    assert rows_of(folder / "10GPa" / "summary.csv")[0]["space_group_number"] == "221"
