"""`alphacrystal predict` from formula to run folder."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Lattice, Structure

Run = Callable[..., Any]
Rows = Callable[[Path], list[dict[str, str]]]
FEW = ("--candidates", "3", "--max-atoms", "4")
QUICK = (*FEW, "--no-relax")
ONE_PROCESS = ("--workers", "1")
ENERGY_COLUMNS = (
    "energy_per_atom_ev",
    "formation_energy_per_atom_ev",
    "energy_rank",
    "converged",
    "max_force_ev_per_a",
)


def halite() -> Structure:
    return Structure.from_spacegroup(225, Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_relaxed_run_writes_every_file_and_finds_halite(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    outcome = run("predict", "NaCl", *FEW, *ONE_PROCESS, "--out", "run")
    assert outcome.code == 0
    folder = tmp_path / "run"
    for name in (
        "summary.csv",
        "results.json",
        "candidates.extxyz",
        "report.html",
        "run.json",
        "events.jsonl",
    ):
        assert (folder / name).stat().st_size > 0
    rows = rows_of(folder / "summary.csv")
    assert rows[0]["space_group_number"] == "225"
    assert all(row[name] for row in rows for name in ENERGY_COLUMNS)
    assert rows[0]["energy_rank"] == rows[0]["chemical_rank"] == "1"
    best = Structure.from_file(folder / rows[0]["file"])
    assert best.matches(halite(), ltol=0.2, stol=0.3, angle_tol=5)
    facts = json.loads((folder / "run.json").read_text())
    assert facts["complete"] is True
    names = {"symmetry", "group", "lattice", "distance", "orbit_distance", "coordinates"}
    assert set(facts["model_hashes"]) == names
    assert {"generate", "relax", "rank"} <= facts["timings_s"].keys()
    assert "NaCl: relax (tight)" in outcome.err


def test_table_fits_80_columns(run: Run) -> None:
    run("predict", "Zr4Al3", "--candidates", "4", "--max-atoms", "7", *ONE_PROCESS, "--out", "run")
    outcome = run("view", "run")
    assert outcome.code == 0
    table = [line for line in outcome.out.splitlines() if not line.startswith(("Note: ", "Cell contents "))]
    assert max(map(len, table)) <= 80
    assert "…" not in outcome.out
    assert "Zr4Al3: " in outcome.out
    assert "report.html" in outcome.out


def test_without_relaxation_the_same_files_have_no_energies(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    run("predict", "NaCl", *FEW, *ONE_PROCESS, "--out", "with")
    run("predict", "NaCl", *QUICK, "--out", "without")
    names = [
        {path.name for path in (tmp_path / folder).iterdir()} - {"checkpoint"}
        for folder in ("with", "without")
    ]
    assert names[0] == names[1]
    rows = rows_of(tmp_path / "without" / "summary.csv")
    assert len(rows) == 3
    assert all(row[name] == "" for row in rows for name in ENERGY_COLUMNS)
    assert [row["chemical_rank"] for row in rows] == ["1", "2", "3"]


@pytest.mark.parametrize(
    "options",
    [
        QUICK,
        (*FEW, *ONE_PROCESS),
        # Who finishes first must not matter.
        pytest.param(("--candidates", "20", "--workers", "2"), marks=pytest.mark.slow),
    ],
    ids=["unrelaxed", "relaxed", "relaxed by two workers"],
)
def test_same_seed_gives_the_same_bytes(run: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    for name in ("a", "b"):
        assert run("predict", "MgF2", *options, "--max-atoms", "6", "--seed", "7", "--out", name).code == 0
    first, second = ((tmp_path / name / "summary.csv").read_bytes() for name in ("a", "b"))
    assert first == second
    structures = [sorted(path.name for path in (tmp_path / name / "structures").iterdir()) for name in "ab"]
    assert structures[0] == structures[1] != []
    for cif in (tmp_path / "a" / "structures").iterdir():
        assert cif.read_bytes() == (tmp_path / "b" / "structures" / cif.name).read_bytes()


def test_default_folder_is_named_after_the_formula(run: Run, tmp_path: Path) -> None:
    assert run("predict", "LiFe2(ClO)2", "--candidates", "1", "--no-relax", "--max-atoms", "7").code == 0
    assert run("predict", "LiFe2(ClO)2", "--candidates", "1", "--no-relax", "--max-atoms", "7").code == 0
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert len(names) == 2
    assert all(name.startswith("LiFe2Cl2O2-2") for name in names)


def test_notes_about_the_formula_are_shown_and_kept(run: Run, tmp_path: Path) -> None:
    outcome = run("predict", "Fe0.5O0.5", *QUICK, "--out", "run")
    assert "Fe0.5O0.5 was read as FeO" in " ".join(outcome.out.split())
    assert "was read as FeO" in json.loads((tmp_path / "run" / "run.json").read_text())["notes"][0]


@pytest.mark.parametrize(
    ("options", "cells"),
    [
        (["--z", "2"], {"Na2Cl2"}),
        (["--z", "1,2"], {"NaCl", "Na2Cl2"}),
        (["--cell", "Na2Cl2"], {"Na2Cl2"}),
        (["--max-atoms", "2"], {"NaCl"}),
    ],
)
def test_cell_content_is_what_was_asked_for(
    run: Run, tmp_path: Path, rows_of: Rows, options: list[str], cells: set[str]
) -> None:
    assert run("predict", "NaCl", "--candidates", "4", "--no-relax", *options, "--out", "run").code == 0
    found = {row["cell_formula"] for row in rows_of(tmp_path / "run" / "summary.csv")}
    assert found
    assert found <= cells


def test_space_group_and_lattice_are_what_was_asked_for(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    options = ["--space-group", "225", "--lattice", "5.9,5.9,5.9,90,90,90", "--no-relax", "--candidates", "1"]
    assert run("predict", "NaCl", *options, "--out", "run").code == 0
    (row,) = rows_of(tmp_path / "run" / "summary.csv")
    assert row["space_group_number"] == "225"
    assert float(row["volume_per_atom_a3"]) == pytest.approx(5.9**3 / 8, rel=1e-6)


def test_pressure_gives_enthalpies_of_denser_crystals(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    options = ["--space-group", "225", "--candidates", "1", "--max-atoms", "2", *ONE_PROCESS]
    for pressure in ("0", "10"):
        assert run("predict", "NaCl", *options, "--pressure", pressure, "--out", pressure).code == 0
    (free,), (pressed,) = (rows_of(tmp_path / name / "summary.csv") for name in ("0", "10"))
    volumes = [float(row["volume_per_atom_a3"]) for row in (free, pressed)]
    assert volumes[1] < 0.95 * volumes[0]
    # H - E = pV, and E has risen too.
    work = 10 * volumes[1] / 160.21766
    assert float(pressed["enthalpy_per_atom_ev"]) - float(free["energy_per_atom_ev"]) > work
    assert pressed["formation_energy_per_atom_ev"] == ""
    assert (pressed["energy_per_atom_ev"], free["enthalpy_per_atom_ev"]) == ("", "")
    page = (tmp_path / "10" / "report.html").read_text()
    assert "at 10 GPa" in page
    assert "Enthalpy (eV/atom)" in page
    assert json.loads((tmp_path / "10" / "run.json").read_text())["pressure_gpa"] == 10


def test_r2scan_potential_relaxes_too(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    options = ["--space-group", "225", "--candidates", "1", "--max-atoms", "2", *ONE_PROCESS]
    assert run("predict", "NaCl", *options, "--potential", "chgnet-r2scan", "--out", "run").code == 0
    (row,) = rows_of(tmp_path / "run" / "summary.csv")
    assert -7 < float(row["energy_per_atom_ev"]) < -6.7
    assert json.loads((tmp_path / "run" / "run.json").read_text())["potential"] == "chgnet-r2scan"


def test_settings_come_from_the_file_and_flags_override_them(run: Run, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("candidates = 2\nrelax = false\nmax_atoms = 4\nseed = 5\n")
    assert run("predict", "NaCl", "--config", "run.toml", "--seed", "6", "--out", "run").code == 0
    settings = json.loads((tmp_path / "run" / "run.json").read_text())["configuration"]
    expected = tomllib.loads((tmp_path / "run.toml").read_text()) | {"seed": 6}
    assert {name: settings[name] for name in expected} == expected


def test_loosely_relaxed_candidates_are_not_called_converged(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    assert (
        run("predict", "TiO2", "--candidates", "8", "--max-atoms", "6", *ONE_PROCESS, "--out", "run").code
        == 0
    )
    rows = rows_of(tmp_path / "run" / "summary.csv")
    assert rows
    for row in rows:
        assert row["converged"] == "false" or float(row["max_force_ev_per_a"]) <= 0.1
