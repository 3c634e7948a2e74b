"""inspect, relax, view, data, model, and the help of every verb."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

Run = Callable[..., Any]
Rows = Callable[[Path], list[dict[str, str]]]


def halite(symbols: tuple[str, str] = ("Na", "Cl"), a: float = 5.7) -> Structure:
    return Structure.from_spacegroup(225, Lattice.cubic(a), symbols, [[0, 0, 0], [0.5, 0.5, 0.5]])


@pytest.mark.parametrize(
    "verb",
    [
        [],
        ["predict"],
        ["inspect"],
        ["relax"],
        ["rank"],
        ["evaluate"],
        ["view"],
        ["serve"],
        *(["data", name] for name in ("build", "subset", "stats", "references")),
        ["benchmark", "speed"],
        *(["train", name] for name in ("distance", "symmetry", "group", "lattice")),
        *(["model", name] for name in ("list", "card")),
    ],
    ids=" ".join,
)
def test_help_explains_every_verb(run: Run, verb: list[str]) -> None:
    for flag in ("--help", "-h"):
        outcome = run(*verb, flag)
        assert outcome.code == 0
        assert "Usage: " in outcome.out
        assert outcome.err == ""


def test_version_is_shown(run: Run) -> None:
    assert run("--version").out.startswith("alphacrystal 0.")


def test_help_is_quick_and_light_as_a_process() -> None:
    code = (
        "import sys; sys.argv = ['alphacrystal', '--help']\n"
        "from alphacrystal.cli import main\n"
        "try: main()\n"
        "finally: assert not {'torch', 'pymatgen', 'ase', 'scipy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.slow
def test_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -c 'from alphacrystal.cli import main; main()' model card symmetry | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, check=False)
    assert done.stdout.strip() == b"{"
    assert done.stderr == b""


def test_inspect_writes_one_object_a_line_with_the_documented_fields(run: Run, tmp_path: Path) -> None:
    assert (
        run("inspect", "Zr4Al3", "PbO", "--top", "4", "--max-atoms", "14", "--output", "think.jsonl").code
        == 0
    )
    first, second = map(json.loads, (tmp_path / "think.jsonl").read_text().splitlines())
    assert (first["formula"], second["formula"]) == ("Zr4Al3", "PbO")
    assert first.keys() == {"formula", "cells", "hypotheses"}
    for cell in first["cells"]:
        fields = {"cell_formula", "z", "species", "expected_distances", "bin_edges", "probabilities"}
        assert fields <= cell.keys()
        atoms = len(cell["species"])
        assert cell["species"].count("Zr") == 4 * cell["z"]
        probabilities, distances = np.array(cell["probabilities"]), np.array(cell["expected_distances"])
        assert probabilities.shape == (atoms, atoms, len(cell["bin_edges"]) - 1)
        assert distances.shape == (atoms, atoms)
        assert np.all(np.diff(cell["bin_edges"]) > 0)
        assert probabilities.min() >= 0
        np.testing.assert_allclose(probabilities.sum(-1), 1, atol=1e-3)
        np.testing.assert_allclose(probabilities, probabilities.transpose(1, 0, 2), atol=1e-9)
        np.testing.assert_allclose(distances, distances.T, atol=1e-9)
        assert np.all(np.diag(distances) == 0)
    assert len(first["hypotheses"]) == 4
    scores = [hypothesis["log_probability"] for hypothesis in first["hypotheses"]]
    assert scores == sorted(scores, reverse=True)
    for hypothesis in first["hypotheses"]:
        assert hypothesis.keys() == {
            "space_group",
            "wyckoff",
            "z",
            "lattice",
            "lattice_std",
            "log_probability",
        }
        assert 1 <= hypothesis["space_group"] <= 230
        assert hypothesis["wyckoff"].keys() == {"Zr", "Al"}
        assert list(hypothesis["lattice"]) == ["a", "b", "c", "alpha", "beta", "gamma"]
        assert hypothesis["lattice_std"].keys() == hypothesis["lattice"].keys()


def test_inspect_prints_to_standard_output_or_as_a_table(run: Run, tmp_path: Path) -> None:
    outcome = run("inspect", "NaCl", "--cell", "Na2Cl2", "--json")
    (cell,) = json.loads(outcome.out)["cells"]
    assert cell["cell_formula"] == "Na2Cl2"
    outcome = run("inspect", "NaCl", "--top", "3")
    assert outcome.code == 0
    assert "Fm-3m (225)" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_inspect_goes_on_after_a_bad_line_of_a_list(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("formula,cell\nNaCl,Na2Cl2\nXx,\nMgO,\n")
    outcome = run("inspect", "--from", "list.csv", "--output", "out.jsonl", "--max-atoms", "8")
    assert outcome.code == 2
    assert "Xx" in outcome.err
    formulas = [json.loads(line)["formula"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert formulas == ["NaCl", "MgO"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["NaXx"], "Xx"),
        ([], "Give at least one formula"),
        (["NaCl", "--space-group", "231"], "space group 231"),
        (["CaF2", "--cell", "CaF2", "--space-group", "227"], "the primitive cell can hold Ca2F4"),
        (["NaCl", "--cell", "Na2Cl"], "not a multiple of NaCl"),
        (["NaCl", "--output", "missing/x.jsonl"], "missing/x.jsonl cannot be written"),
        (["NaCl", "--models", "nowhere"], "nowhere"),
    ],
)
def test_inspect_refuses_bad_input(run: Run, arguments: list[str], sentence: str) -> None:
    outcome = run("inspect", *arguments)
    assert outcome.code == 2
    assert sentence in outcome.sentence


def test_relax_reads_the_usual_files(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    halite().to(str(tmp_path / "halite.cif"))
    halite(("K", "Cl"), 6.3).to(str(tmp_path / "POSCAR"))
    AseAtomsAdaptor.get_atoms(halite(("Mg", "O"), 4.25)).write(tmp_path / "MgO.extxyz", format="extxyz")
    outcome = run("relax", "halite.cif", "POSCAR", "MgO.extxyz", "--out", "run", "--workers", "1")
    assert outcome.code == 0, outcome.err
    for formula in ("KCl", "MgO", "NaCl"):
        (row,) = rows_of(tmp_path / "run" / formula / "summary.csv")
        assert (row["space_group_number"], row["cell_formula"], row["converged"]) == ("225", formula, "true")
    assert float(row["energy_per_atom_ev"]) == pytest.approx(-3.67, abs=0.03)
    assert float(row["formation_energy_per_atom_ev"]) == pytest.approx(-2.09, abs=0.05)


def test_relax_puts_several_formulas_into_subfolders(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    halite().to(str(tmp_path / "a.cif"))
    halite(("Mg", "O"), 4.3).to(str(tmp_path / "b.cif"))
    frames = [AseAtomsAdaptor.get_atoms(halite(a=a)) for a in (5.5, 5.9)]
    from ase.io import write

    write(tmp_path / "c.extxyz", frames, format="extxyz")
    outcome = run("relax", "a.cif", "b.cif", "c.extxyz", "--out", "run", "--workers", "1", "--fmax", "0.2")
    assert outcome.code == 0, outcome.err
    index = rows_of(tmp_path / "run" / "index.csv")
    assert [(row["formula"], row["status"]) for row in index] == [("NaCl", "done"), ("MgO", "done")]
    results = (tmp_path / "run" / "NaCl" / "candidates.extxyz").read_text()
    assert results.count("Lattice=") == 3
    (row,) = rows_of(tmp_path / "run" / "NaCl" / "summary.csv")  # all three are the same crystal
    assert row["space_group_number"] == "225"


def test_relax_lists_every_frame_of_a_file_that_stays_distinct(
    run: Run, tmp_path: Path, rows_of: Rows
) -> None:
    from ase.io import write

    sphalerite = Structure.from_spacegroup(
        216, Lattice.cubic(6), ["Na", "Cl"], [[0, 0, 0], [0.25, 0.25, 0.25]]
    )
    frames = [AseAtomsAdaptor.get_atoms(structure) for structure in (halite(), sphalerite)]
    write(tmp_path / "two.extxyz", frames, format="extxyz")
    assert run("relax", "two.extxyz", "--out", "run", "--workers", "1", "--steps", "5").code == 0
    found = [row["space_group_number"] for row in rows_of(tmp_path / "run" / "summary.csv")]
    assert found == ["225", "216"]


@pytest.mark.slow
def test_interrupted_relax_keeps_what_is_finished(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, rows_of: Rows
) -> None:
    halite().to(str(tmp_path / "a.cif"))
    layered = Structure.from_spacegroup(
        166, Lattice.hexagonal(2.82, 14.05), ["Li", "Co", "O"], [[0, 0, 0.5], [0, 0, 0], [0, 0, 0.24]]
    )
    big = layered * (2, 2, 1)
    big.perturb(0.1)
    big.to(str(tmp_path / "b.cif"))
    process = start(
        "relax",
        *(tmp_path / name for name in ("a.cif", "b.cif")),
        *("--out", tmp_path / "run", "--workers", "1", "--fmax", "0.0001", "--steps", "10000"),
    )
    while not (tmp_path / "run" / "NaCl" / "run.json").is_file():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted; the relaxed structures are listed above and on disk." in err
    assert "Fm-3m (225)" in out
    assert rows_of(tmp_path / "run" / "NaCl" / "summary.csv")


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "no structure file x.cif"),
        ({"x.cif": "data_x\n_cell_length_a 4\n"}, "holds no data block"),
        ({"x.cif": ""}, "x.cif is empty"),
    ],
)
def test_relax_names_the_file_it_cannot_read(
    run: Run, tmp_path: Path, files: dict[str, str], sentence: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    outcome = run("relax", "x.cif", "--out", "run")
    assert outcome.code == 2
    assert sentence in outcome.sentence
    assert not (tmp_path / "run").exists()


def test_relax_refuses_unknown_potential_and_elements_before_it_starts(run: Run, tmp_path: Path) -> None:
    halite(("Am", "O"), 5.0).to(str(tmp_path / "x.cif"))
    assert "does not know the element Am" in run("relax", "x.cif", "--out", "run").sentence
    outcome = run("relax", "x.cif", "--out", "run", "--potential", "m4gnet")
    assert outcome.code == 2
    assert "no potential named" in outcome.sentence
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("finished_run")
def test_view_shows_an_earlier_run(run: Run) -> None:
    outcome = run("view", "run", "--rows", "1")
    assert outcome.code == 0
    assert "Fm-3m (225)" in outcome.out
    assert "The other 2 are in run/summary.csv" in outcome.out


def test_view_draws_the_figures_of_the_rows_it_shows(run: Run, tmp_path: Path) -> None:
    run("predict", "NaCl", "--no-relax", "--candidates", "3", "--out", "run")
    outcome = run("view", "run", "--rows", "1", "--figures", "--json")
    assert outcome.code == 0
    assert json.loads(outcome.out)["formula"] == "NaCl"
    assert "Figures: 8 files in run/figures" in outcome.err
    names = {path.name for path in (tmp_path / "run" / "figures").iterdir()}
    assert {"probability_volume.png", "crystals.svg", "001_NaCl_sg225_xrd.svg"} <= names


@pytest.mark.usefixtures("finished_list")
def test_view_of_a_list_names_its_runs(run: Run) -> None:
    outcome = run("view", "batch")
    assert outcome.code == 2
    assert "MgO, NaCl" in outcome.sentence


def test_models_are_listed_and_their_cards_printed(run: Run) -> None:
    outcome = run("model", "list")
    assert outcome.code == 0
    for name in ("symmetry", "group", "lattice", "distance"):
        assert name in outcome.out
        card = json.loads(run("model", "card", name).out)
        assert card["name"] == name
        assert card["metrics"]


def test_records_are_built_cut_and_counted(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "crystals"
    source.mkdir()
    for cation, a in (("Na", 5.7), ("K", 6.3), ("Rb", 6.6), ("Li", 5.1)):
        halite((cation, "Cl"), a).to(str(source / f"{cation}Cl.cif"))
    halite(("Mg", "O"), 4.2).to(str(source / "POSCAR_MgO"), fmt="poscar")
    outcome = run("data", "build", "crystals", "--out", "all.jsonl.gz")
    assert outcome.code == 0
    assert "5 records written" in outcome.out
    with gzip.open(tmp_path / "all.jsonl.gz", "rt") as stream:
        records = [json.loads(line) for line in stream]
    assert {record["reduced_formula"] for record in records} == {"NaCl", "KCl", "RbCl", "LiCl", "MgO"}
    assert all(record["split"] in ("train", "val") for record in records)

    outcome = run("data", "subset", "all.jsonl.gz", "--elements", "K, Rb,Cl", "--out", "some.jsonl")
    assert outcome.code == 0
    lines = (tmp_path / "some.jsonl").read_text().splitlines()
    assert {json.loads(line)["reduced_formula"] for line in lines} == {"KCl", "RbCl"}
    outcome = run("data", "stats", "some.jsonl", "--plot", "counts")
    assert outcome.code == 0
    assert "Drawn: counts.png" in outcome.out
    assert (tmp_path / "counts.svg").is_file()
    assert "structures                                 2" in outcome.out
    assert "Cl 2" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["stats", "missing.jsonl"], "missing.jsonl"),
        (["stats", "bad.jsonl"], "bad.jsonl line 1"),
        (["stats", "empty"], "holds no structures.jsonl, CIF, POSCAR, XYZ or"),
        (["build", "bad.jsonl", "--out", "out.csv"], "must end in .jsonl"),
        (["build", "bad.jsonl", "--out", "bad.jsonl"], "exists already"),
        (["build", "bad.jsonl", "--out", "/proc/out.jsonl"], "/proc/out.jsonl cannot be written"),
        (["subset", "bad.jsonl", "--out", "out.jsonl", "--elements", "Xx"], "Xx"),
    ],
)
def test_data_refuses_bad_input_and_leaves_nothing(
    run: Run, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "bad.jsonl").write_text('{"id": 1}\n')
    (tmp_path / "empty").mkdir()
    outcome = run("data", *arguments)
    assert outcome.code == 2
    assert sentence in outcome.sentence
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.jsonl", "empty"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--source", "web"], "There is no source 'web': choose from files, optimade, materials-project."),
        ([], "Give the file or folder to build from."),
        (["--source", "optimade"], "--source optimade needs the URL of a database."),
        (["here", "--source", "optimade"], "'here' is no web address"),
        (["--source", "materials-project"], "set MP_API_KEY to yours"),
    ],
)
def test_data_build_needs_a_source_it_can_ask(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.delenv("MP_API_KEY", raising=False)
    outcome = run("data", "build", *arguments, "--out", "all.jsonl")
    assert outcome.code == 2
    assert sentence in outcome.sentence
    assert list(tmp_path.iterdir()) == []
