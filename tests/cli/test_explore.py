"""`alphacrystal explore`: chemical systems, their hulls, kills, and what is refused."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.diffraction import simulate_pattern

Run = Callable[..., Any]
Rows = Callable[[Path], list[dict[str, str]]]
Start = Callable[..., subprocess.Popen[str]]
#: Ionic compounds in small cells: about a second of processor time for each formula.
QUICK = ("--candidates", "2", "--max-atoms", "6", "--steps", "30", "--workers", "1")


def test_a_binary_system_has_its_compound_on_the_hull(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    outcome = run("explore", "Li-F", *QUICK, "--budget", "2formulas", "--out", "lif")
    assert outcome.code == 0, outcome.err
    assert "LiF" in outcome.out
    assert "--budget 4formulas" in outcome.out
    folder = tmp_path / "lif"
    rows = rows_of(folder / "hull.csv")
    best = next(row for row in rows if row["formula"] == "LiF")
    assert best["space_group_number"] == "225"
    assert float(best["energy_above_hull_per_atom_ev"]) == 0
    assert float(best["formation_energy_per_atom_ev"]) < -2
    assert best["known"].startswith("mp-")
    assert len(Structure.from_file(folder / best["file"])) == 8  # the conventional cell
    assert {row["formula"] for row in rows} >= {"Li", "F"}
    content = json.loads((folder / "hull.json").read_text())
    assert set(content["on_hull"]) >= {"Li", "F", "LiF"}
    low, high = content["chemical_potentials_ev"]["LiF"][1]
    assert low < high <= 0
    page = (folder / "hull.html").read_text()
    assert "LiF" in page
    assert re.findall(r'<(?:script|img|link)[^>]*(?:src|href)="(?!data:)', page) == []
    assert (folder / "hull.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (folder / "hull.svg").read_text()
    events = [json.loads(line) for line in (folder / "explore_events.jsonl").read_text().splitlines()]
    progress = [(event["done"], event["total"]) for event in events if event["stage"] == "formulas"]
    assert progress == [(0, 2), (1, 2), (2, 2)]
    # The same command with a larger budget continues, and computes nothing twice.
    before = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/*/run.json")}
    again = run("explore", "--resume", "--out", "lif", "--budget", "3formulas", "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out)["predicted"] == 3
    assert all(path.stat().st_mtime_ns == changed for path, changed in before.items())
    other = run("explore", "Na-F", *QUICK, "--budget", "2formulas", "--out", "lif")
    assert other.code == 2
    assert "is of Li-F" in other.err


@pytest.mark.slow
def test_a_pattern_is_compared_with_the_phases(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    salt = Structure.from_spacegroup(225, Lattice.cubic(4.03), ["Li", "F"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    pattern = simulate_pattern(salt, np.arange(20, 110, 0.05), rng=np.random.default_rng(0))
    np.savetxt(tmp_path / "lif.xy", np.column_stack([pattern.two_theta, pattern.intensity]))
    measured = ("--xrd", "lif.xy", "--wavelength", "CuKa")
    outcome = run("explore", "Li-F", *QUICK, *measured, "--budget", "2formulas", "--out", "lif")
    assert outcome.code == 0, outcome.err
    assert re.search(r"Agreement with the pattern 1: LiF Fm-3m, R_wp [\d.]+ %, 0 unexplained", outcome.out)
    rows = rows_of(tmp_path / "lif" / "hull.csv")
    best = min((row for row in rows if row["r_wp"]), key=lambda row: float(row["r_wp"]))
    assert (best["formula"], best["space_group_number"]) == ("LiF", "225")
    assert "Agreement with the pattern 1: LiF" in (tmp_path / "lif" / "hull.html").read_text()
    several = run("explore", "Li-F", *QUICK, *measured, "--pressure", "0,20", "--out", "two")
    assert several.code == 2
    assert "lif.xy was measured at one pressure" in several.err
    missing = run("explore", "Li-F", *QUICK, "--xrd", "none.xy", "--wavelength", "CuKa", "--out", "none")
    assert missing.code == 2
    assert "none.xy" in missing.err
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_a_list_of_systems_has_a_table_and_continues(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    (tmp_path / "list.txt").write_text("# fluorides\nLi-F\nF Li\nNa,F\n")
    command = ("explore", "--from", "list.txt", *QUICK, "--no-report", "--out", "all")
    outcome = run(*command, "--budget", "1formulas")
    assert outcome.code == 0, outcome.err
    rows = rows_of(tmp_path / "all" / "systems.csv")
    assert [row["system"] for row in rows] == ["Li-F", "Na-F"]
    assert [row["status"] for row in rows] == ["done", "done"]
    assert rows[0]["on_hull"] == "LiF"
    assert (tmp_path / "all" / rows[1]["folder"] / "hull.csv").is_file()
    runs = {path: path.stat().st_mtime_ns for path in (tmp_path / "all").glob("*/runs/*/*/run.json")}
    assert len(runs) == 2
    again = run(*command, "--budget", "10min", "--json")  # both have ended: they are only read
    assert again.code == 0, again.err
    assert [json.loads(line)["predicted"] for line in again.out.splitlines()] == [1, 1]
    assert all(path.stat().st_mtime_ns == changed for path, changed in runs.items())


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("Li-F\nLi-Xx\n", (), "line 2: 'Xx' is no element symbol"),
        ("# nothing\n", (), "names no chemical system"),
        ("Li-F\n", ("Na-F",), "Give the elements once"),
        ("Li-F\n", ("--dispersion", "auto"), "one scale of energies"),
        ("Li-F\n", ("--resume",), "--resume is for one system"),
    ],
)
def test_bad_lists_are_refused(
    run: Run, tmp_path: Path, content: str, options: tuple[str, ...], words: str
) -> None:
    (tmp_path / "list.txt").write_text(content)
    outcome = run("explore", "--from", "list.txt", *options, "--out", "all")
    assert outcome.code == 2
    assert words in outcome.err
    assert not (tmp_path / "all" / "systems.csv").exists()


@pytest.mark.slow
def test_enthalpies_of_several_pressures_have_their_own_hulls(
    run: Run, tmp_path: Path, rows_of: Rows
) -> None:
    """The elements are predicted, for the shipped references are of zero pressure."""
    outcome = run(
        "explore",
        "Na-Cl",
        *QUICK,
        "--pressure",
        "0,5",
        "--budget",
        "5formulas",
        "--out",
        "nacl",
        "--no-report",
    )
    assert outcome.code == 0, outcome.err
    rows = rows_of(tmp_path / "nacl" / "5GPa" / "hull.csv")
    assert {row["energy_per_atom_ev"] for row in rows} == {""}
    assert all(row["enthalpy_per_atom_ev"] for row in rows)
    assert {row["source"] for row in rows} == {"predicted"}
    assert (tmp_path / "nacl" / "0GPa" / "hull.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("Li",), "two to four elements"),
        (("Li-Be-B-C-N",), "two to four elements"),
        (("Li-Xx",), "'Xx' is no element"),
        (("Li-Li",), "twice"),
        ((), "Name a chemical system"),
        (("Li-F", "--elements", "Li,F"), "once"),
        (("Li-F", "--budget", "much"), "cannot be read"),
        (("Li-F", "--budget", "0formulas"), "cannot be read"),
        (("Li-F", "--budget", "1.5formulas"), "whole number"),
        (("Li-F", "--dispersion", "auto"), "one scale"),
        (("Li-F", "--pressure", "9999"), "pressure"),
        (("Li-F", "--resume"), "--resume needs the folder"),
        (("Li-F", "--resume", "--out", "nothing"), "holds no exploration"),
        (("Li-F", "--potential", "unheard"), "unheard"),
    ],
)
def test_bad_input_is_one_sentence(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    outcome = run("explore", *arguments)
    assert outcome.code == 2
    assert sentence in outcome.err
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "runs").exists()


def test_a_damaged_log_is_refused(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    folder.joinpath("explore.json").write_text(
        '{"format_version": 1, "rounds": [{"tasks": [{"formula": "../x"}]}]}'
    )
    outcome = run("explore", "Li-F", "--out", "damaged")
    assert outcome.code == 2
    assert "damaged" in outcome.err


@pytest.mark.slow
def test_a_killed_exploration_ends_in_the_same_hull(start: Start, tmp_path: Path, rows_of: Rows) -> None:
    arguments = ("explore", "Li-F", *QUICK, "--budget", "4formulas", "--no-report", "--out")
    undisturbed = start(*arguments, tmp_path / "whole")
    _, err = undisturbed.communicate(timeout=600)
    assert undisturbed.returncode == 0, err
    for finished in (0, 1, 3):
        process = start(*arguments, tmp_path / "killed")
        while len(list(tmp_path.glob("killed/runs/*/*/run.json"))) < finished + 1 and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.communicate()
    last = start("explore", "--resume", "--budget", "4formulas", "--no-report", "--out", tmp_path / "killed")
    _, err = last.communicate(timeout=600)
    assert last.returncode == 0, err
    assert (tmp_path / "killed" / "hull.csv").read_bytes() == (tmp_path / "whole" / "hull.csv").read_bytes()


@pytest.mark.slow
def test_an_interrupted_exploration_has_the_hull_of_its_finished_formulas(
    start: Start, tmp_path: Path, rows_of: Rows
) -> None:
    folder = tmp_path / "out"
    arguments = ("explore", "Li-F", *QUICK, "--budget", "6formulas", "--no-report", "--out", folder)
    process = start(*arguments)
    events = folder / "explore_events.jsonl"
    while process.poll() is None and not (events.is_file() and '"done": 1,' in events.read_text()):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 130, err
    assert "--resume" in err
    assert "Traceback" not in err
    tasks = json.loads((folder / "explore.json").read_text())["rounds"][0]["tasks"]
    reasons = [task["reason"].split()[0] for task in tasks]
    assert reasons == ["known", "expected", "probability", "expected", "probability", "expected"]
    finished = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/*/run.json")}
    rows = rows_of(folder / "hull.csv")
    predicted = {row["formula"] for row in rows if row["source"] == "predicted"}
    assert predicted
    assert predicted <= {path.parent.name for path in finished}
    last = start("explore", "--resume", "--budget", "6formulas", "--no-report", "--out", folder)
    _, err = last.communicate(timeout=600)
    assert last.returncode == 0, err
    assert all(path.stat().st_mtime_ns == changed for path, changed in finished.items())
