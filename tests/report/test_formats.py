"""Run folders of earlier and later formats."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from alphacrystal.errors import InputError
from alphacrystal.report import finished_run, index_row, read_run_folder, write_figures, write_run_folder

DATA = Path(__file__).parent / "data"


@pytest.fixture
def old_run(tmp_path: Path) -> Path:
    """A folder of format 1 as version 0.1.0 wrote it, without its page."""
    return Path(shutil.copytree(DATA / "old_run", tmp_path / "run"))


def test_a_folder_of_format_1_is_read(old_run: Path) -> None:
    run = read_run_folder(old_run)
    assert (run.format_version, run.pressure_gpa, run.complete) == (1, 0.0, True)
    assert [row.space_group_number for row in run.rows] == [225, 221, 194]
    assert [row.formation_energy_per_atom_ev for row in run.rows] == [-2.086867, -1.974528, -2.053989]
    assert [row.enthalpy_per_atom_ev for row in run.rows] == [None] * 3
    assert index_row("NaCl", run).formation_energy_per_atom_ev == -2.086867
    assert finished_run(old_run, page=False) is not None


def test_energies_under_pressure_were_enthalpies_in_format_1(tmp_path: Path) -> None:
    folder = shutil.copytree(DATA / "old_pressure_run", tmp_path / "run")
    run = read_run_folder(folder)
    assert run.pressure_gpa == 10.0
    assert [row.enthalpy_per_atom_ev for row in run.rows] == [-2.410319, -2.362342]
    assert [row.energy_per_atom_ev for row in run.rows] == [None, None]
    files = write_figures(folder, 1)
    drawing = next(file for file in files if file.name == "energy_volume.svg").read_text(encoding="utf-8")
    assert "<!-- enthalpy (eV/atom) -->" in drawing
    assert "<!-- NaCl, 10 GPa -->" in drawing


def test_figures_of_format_1_are_drawn(old_run: Path) -> None:
    stems = {file.stem for file in write_figures(old_run, 1)}
    assert stems == {"energy_volume", "crystals", "001_NaCl_sg225_distances", "001_NaCl_sg225_xrd"}


@pytest.mark.parametrize("file", ["run.json", "results.json"])
def test_a_newer_format_is_refused_with_one_sentence(tmp_path: Path, make_prediction, run, file) -> None:
    write_run_folder(tmp_path, make_prediction(count=1), run, page=False)
    path = tmp_path / file
    content = json.loads(path.read_text()) | {"format_version": 3}
    del content["formula"]  # a newer format may have other keys
    path.write_text(json.dumps(content))
    sentence = r"was written by a newer AlphaCrystal \(format 3; this version reads up to 2\): upgrade\.$"
    with pytest.raises(InputError, match=sentence):
        write_figures(tmp_path, 1)


def test_an_unversioned_folder_has_format_1(old_run: Path) -> None:
    path = old_run / "run.json"
    content = json.loads(path.read_text())
    del content["format_version"]
    path.write_text(json.dumps(content))
    assert read_run_folder(old_run).format_version == 1
