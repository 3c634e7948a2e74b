"""Output that takes ASCII only, and file names that are no text: no failure, and valid JSON."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alphacrystal import PredictConfig, predict

Run = Callable[..., Any]
QUICK = ("--candidates", "2", "--max-atoms", "4", "--no-relax")
ENVIRONMENTS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C": {"LC_ALL": "C"},
    "C without UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
}
NAMES = {"letters": "Å·→".encode(), "no UTF-8": b"a\xff\xfe", "surrogate": b"\xed\xb3\xbf"}


Output = tuple[bytes, bytes]
Say = Callable[..., Output]


@pytest.fixture
def said(start: Callable[..., Any]) -> Say:
    """A function that runs the command line with an output of that encoding, and returns what it printed.

    Variables of the locale count when Python starts, so these cases have a process that starts anew.
    """

    def say(folder: Path, environment: str, *arguments: str | bytes, code: int = 0) -> Output:
        variables = ENVIRONMENTS[environment]
        if "PYTHONIOENCODING" in variables:
            with contextlib.chdir(folder):
                process = start(*map(os.fsdecode, arguments), **variables)
            out, err = (os.fsencode(text) for text in process.communicate())
        else:
            process = subprocess.run(
                [sys.executable, "-c", "from alphacrystal.cli import main; main()", *arguments],
                capture_output=True,
                cwd=folder,
                env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "80"} | variables,
                check=False,
            )
            out, err = process.stdout, process.stderr
        assert b"Traceback" not in err
        assert b"Internal failure" not in err
        assert process.returncode == code, err
        if "ascii" in environment or "without" in environment:
            assert (out + err).isascii()
        return out, err

    return say


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run in a folder of each name."""
    place = tmp_path_factory.mktemp("runs")
    first, *others = map(os.fsdecode, NAMES.values())
    predict("NaCl", PredictConfig(candidates=2, max_atoms=4, relax=False), folder=place / first / "run")
    for name in others:
        shutil.copytree(place / first, place / name)
    return place


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ("ascii", "surrogate"),
        ("C without UTF-8", "no UTF-8"),
        pytest.param("latin-1", "letters", marks=pytest.mark.slow),
    ],
)
def test_run_is_written_into_a_folder_of_any_name(
    said: Say, tmp_path: Path, environment: str, name: str
) -> None:
    out, _ = said(tmp_path, environment, "predict", "NaCl", *QUICK, "--out", NAMES[name])
    assert b"Fm-3m (225)" in out
    folder = tmp_path / os.fsdecode(NAMES[name])
    assert json.loads((folder / "run.json").read_text())["complete"] is True


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ("ascii", "letters"),
        ("C without UTF-8", "no UTF-8"),
        *(
            pytest.param(environment, name, marks=pytest.mark.slow)
            for environment in ENVIRONMENTS
            for name in NAMES
        ),
    ],
)
def test_run_in_a_folder_of_any_name_is_shown(said: Say, runs: Path, environment: str, name: str) -> None:
    run = NAMES[name] + b"/run"
    assert b"Fm-3m (225)" in said(runs, environment, "view", run)[0]
    (line,) = said(runs, environment, "view", run, "--json")[0].splitlines()
    assert json.loads(line)["rows"][0]["space_group_number"] == 225
    _, err = said(runs, environment, "view", NAMES[name] + b"/none", code=2)
    assert err.startswith(b"Error: There is no folder")


@pytest.mark.parametrize("environment", ["ascii", pytest.param("C without UTF-8", marks=pytest.mark.slow)])
def test_other_verbs_print_what_the_encoding_takes(said: Say, runs: Path, environment: str) -> None:
    run = NAMES["letters"] + b"/run"
    cif = run + b"/structures/001_NaCl_sg225.cif"
    assert b"100.0%" in said(runs, environment, "evaluate", run, run)[0]
    assert b"yes" in said(runs, environment, "evaluate", cif, cif, "--metrics", "none")[0]
    pair = said(runs, environment, "evaluate", cif, cif, "--metrics", "none", "--json")[0]
    assert json.loads(pair)["rank"] == 1
    assert b"true" in said(runs, environment, "evaluate", cif, cif, "--metrics", "none", "--csv")[0]
    assert b"Fm-3m (225)" in said(runs, environment, "inspect", "NaCl", "--top", "2")[0]
    (line,) = said(runs, environment, "inspect", "NaCl", "--top", "2", "--json")[0].splitlines()
    assert json.loads(line)["formula"] == "NaCl"
    assert b"--lattice" in said(runs, environment, "predict", "--help")[0]
    _, err = said(runs, environment, "predict", "NaÅ", code=2)
    assert err.startswith(b"Error: Formula 'Na")
    out, _ = said(runs, environment, "predict", "--resume", "--out", run)
    assert b"finished: there is nothing to resume" in out


def test_files_of_a_run_hold_names_that_are_no_text(said: Say, runs: Path, tmp_path: Path) -> None:
    """The name of a structure file is written into the tables and pages of its relaxation."""
    cif = tmp_path / os.fsdecode(b"\xff=1.cif")
    source = runs / os.fsdecode(NAMES["letters"]) / "run" / "structures" / "001_NaCl_sg225.cif"
    cif.write_bytes(source.read_bytes())
    said(tmp_path, "ascii", "rank", os.fsencode(cif), "--workers", "1", "--out", b"ranked\xff")
    folder = tmp_path / os.fsdecode(b"ranked\xff")
    (candidate,) = json.loads((folder / "results.json").read_text())["candidates"]
    assert candidate["provenance"]["file"] == cif.name
    lines, _ = said(tmp_path, "ascii", "evaluate", os.fsencode(cif), os.fsencode(cif), "--csv")
    assert b"=1.cif" in lines
