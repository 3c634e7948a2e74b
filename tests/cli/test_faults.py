"""Potentials that fail and disks that fill up: what broke is marked, the rest goes on, nothing is lost."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Rows = Callable[[Path], list[dict[str, str]]]
Install = Callable[[str, dict[str, str]], Path]
QUICK = ("--candidates", "3", "--max-atoms", "4", "--no-relax")

POTENTIALS = """
import numpy as np
from ase.calculators.calculator import all_changes
from ase.calculators.lj import LennardJones


class Sick(LennardJones):
    '''Lennard-Jones, ill for cells of two atoms only.'''

    illness = None

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        if len(atoms) == 2:
            self.spoil(atoms)


class NotANumber(Sick):
    def spoil(self, atoms):
        self.results["energy"] = float("nan")
        self.results["forces"] = np.full((2, 3), np.nan)


class Exploding(Sick):
    def spoil(self, atoms):
        # Pressed apart without end, and lower in energy the larger the cell.
        self.results["energy"] = -100.0 * atoms.get_volume()
        self.results["stress"] = np.array([-100.0, -100.0, -100.0, 0.0, 0.0, 0.0])


class Raising(Sick):
    def spoil(self, atoms):
        raise ArithmeticError("the network has no answer")


class AllRaising(LennardJones):
    def calculate(self, *args, **kwargs):
        raise ArithmeticError("the network has no answer")


def make(kind):
    return kind(sigma=2.6, epsilon=0.1, rc=8.0, ro=7.0, smooth=True)


def nan():
    return make(NotANumber)


def exploding():
    return make(Exploding)


def raising():
    return make(Raising)


def hopeless():
    return make(AllRaising)


def unloadable():
    raise OSError("the weights file is gone")


def argon_only():
    from alphacrystal.relaxation import AsePotential

    return AsePotential("argon_only", make(LennardJones), frozenset({"Ar"}))
"""
NAMES = ("nan", "exploding", "raising", "hopeless", "unloadable", "argon_only")


@pytest.fixture
def sick(potentials: Install) -> Path:
    return potentials(POTENTIALS, {name: name for name in NAMES})


@pytest.mark.usefixtures("sick")
@pytest.mark.parametrize("potential", ["nan", "exploding", "raising"])
def test_candidate_that_cannot_be_relaxed_is_marked_and_the_rest_goes_on(
    run: Run, tmp_path: Path, rows_of: Rows, potential: str
) -> None:
    options = ("--candidates", "4", "--max-atoms", "4", "--workers", "1", "--potential", potential)
    outcome = run("predict", "NaCl", *options, "--out", "run")
    assert outcome.code == 0, outcome.err
    rows = rows_of(tmp_path / "run" / "summary.csv")
    assert rows
    assert {row["cell_formula"] for row in rows} == {"Na2Cl2"}
    assert "candidates could not be relaxed" in " ".join(outcome.out.split())
    lines = (tmp_path / "run" / "checkpoint" / "relaxations.jsonl").read_text().splitlines()
    sickly = [item for item in map(json.loads, lines) if len(item["structure"]["sites"]) == 2]
    assert sickly
    assert {item["status"] for item in sickly} <= {"failed", "exploded"}
    assert all(item["reason"] for item in sickly)


@pytest.mark.usefixtures("sick")
def test_run_without_one_relaxed_structure_says_so(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    options = ("--candidates", "2", "--max-atoms", "4", "--workers", "1", "--potential", "hopeless")
    outcome = run("predict", "NaCl", *options, "--out", "run")
    assert outcome.code == 1
    said = " ".join(outcome.out.split())
    assert "No candidate could be relaxed (2 × " in said
    assert "the network has no answer" in said
    assert rows_of(tmp_path / "run" / "summary.csv") == []
    assert (tmp_path / "run" / "candidates.extxyz").read_text().count("Lattice=") == 2


@pytest.mark.usefixtures("sick")
@pytest.mark.parametrize(
    ("potential", "sentence"),
    [
        ("unloadable", "The potential unloadable cannot be loaded: OSError: the weights file is gone"),
        ("argon_only", "argon_only does not know the elements"),
    ],
)
def test_unusable_potential_is_named_and_the_candidates_are_kept(
    run: Run, tmp_path: Path, potential: str, sentence: str
) -> None:
    options = ("--candidates", "2", "--max-atoms", "4", "--workers", "1", "--potential", potential)
    outcome = run("predict", "NaCl", *options, "--out", "run")
    assert outcome.code == 2
    assert sentence in outcome.sentence
    assert (tmp_path / "run" / "checkpoint" / "candidates.json").is_file()


@pytest.fixture
def small_files() -> Iterator[Callable[[int], None]]:
    """A function that lets no file grow beyond some bytes, undone after the test."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 300, 3_000, 20_000])
def test_file_that_cannot_grow_ends_the_run_with_one_sentence_and_resume_finishes_it(
    run: Run, tmp_path: Path, small_files: Callable[[int], None], size: int
) -> None:
    small_files(size)
    outcome = run("predict", "NaCl", *QUICK, "--out", "run")
    small_files(resource.RLIM_INFINITY)
    assert outcome.code == 1
    assert "Cannot write " in outcome.sentence
    assert "the disk is full" in outcome.sentence
    outcome = run("predict", "NaCl", *QUICK, "--resume", "--out", "run")
    assert outcome.code == 0, outcome.err
    assert json.loads((tmp_path / "run" / "run.json").read_text())["complete"] is True


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 300, 3_000, 20_000])
def test_list_that_met_a_full_disk_can_be_repeated(
    run: Run, tmp_path: Path, small_files: Callable[[int], None], size: int, rows_of: Rows
) -> None:
    small_files(size)
    outcome = run("predict", "NaCl", "MgO", *QUICK, "--out", "run")
    small_files(resource.RLIM_INFINITY)
    assert outcome.code == 1
    assert "the disk is full" in outcome.err
    # A run that could write nothing leaves no folder.
    again = ("--resume",) if (tmp_path / "run").is_dir() and any((tmp_path / "run").iterdir()) else ()
    assert run("predict", "NaCl", "MgO", *QUICK, *again, "--out", "run").code == 0
    assert [row["status"] for row in rows_of(tmp_path / "run" / "index.csv")] == ["done", "done"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for 200 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_full_disk_ends_the_run_with_one_sentence_and_resume_finishes_it(run: Run, small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    for free in (0, 4096, 16384, 65536):
        folder = small_disk / f"run{free}"
        ballast.write_bytes(bytes(200 * 1024 - free))
        outcome = run("predict", "NaCl", *QUICK, "--out", folder)
        assert outcome.code == 1, free
        assert "the disk is full" in outcome.sentence
        ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    assert run("predict", "NaCl", *QUICK, "--resume", "--out", folder).code == 0
    assert (folder / "report.html").is_file()


def test_failure_of_our_own_is_one_sentence_with_exit_code_1(run: Run, finished_run: Path) -> None:
    # A temporary file that is a folder.
    (finished_run / "checkpoint" / "candidates.json").unlink()
    (finished_run / "checkpoint" / ".candidates.json.tmp").mkdir()
    (finished_run / "run.json").unlink()
    outcome = run("predict", "--resume", "--out", "run")
    assert outcome.code == 1
    assert "candidates.json" in outcome.sentence
