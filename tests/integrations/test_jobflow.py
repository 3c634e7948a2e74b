"""Predictions and relaxations as jobs of a workflow; runs where jobflow is installed."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.report import read_run_folder

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the databases that jobflow can talk to
    jobflow = pytest.importorskip("jobflow", reason="needs the extra jobflow")

from alphacrystal.integrations.jobflow import PredictMaker, RelaxMaker

pytestmark = pytest.mark.filterwarnings("ignore")  # jobflow's own, and its stores'


def test_prediction_feeds_a_relaxation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    predict = PredictMaker(settings={"candidates": 2, "max_atoms": 4, "relax": False}).make("NaCl")
    relax = RelaxMaker(settings={"fmax": 0.1}).make(predict.output.structures[0])
    flow = jobflow.Flow([predict, relax])
    responses = jobflow.run_locally(flow, log=False, create_folders=True, ensure_success=True)
    found = responses[predict.uuid][1].output
    assert found.formula == "NaCl"
    assert found.rows[0]["space_group_number"] == 225
    assert len(found.structures) == len(found.rows) == len(read_run_folder(Path(found.folder)).rows)
    assert Path(found.folder).is_relative_to(tmp_path)
    relaxed = responses[relax.uuid][1].output
    assert relaxed.converged
    assert relaxed.energy_per_atom_ev == pytest.approx(-3.67, abs=0.03)
    assert len(relaxed.structure) == len(found.structures[0])


def test_relaxations_follow_one_another_as_in_atomate2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The calls that atomate2's DoubleRelaxMaker makes.
    monkeypatch.chdir(tmp_path)
    crystal = Structure.from_spacegroup(225, Lattice.cubic(5.5), ["Na", "Cl"], [[0] * 3, [0.5] * 3])
    first = RelaxMaker(settings={"fmax": 0.5}).make(crystal, prev_dir=None)
    second = RelaxMaker(settings={"fmax": 0.05}).make(first.output.structure, prev_dir=first.output.dir_name)
    responses = jobflow.run_locally(
        jobflow.Flow([first, second]), log=False, create_folders=True, ensure_success=True
    )
    output = responses[second.uuid][1].output
    assert output.converged
    assert Path(output.dir_name).is_relative_to(tmp_path)


def test_flow_of_atomate2_takes_the_maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flows = pytest.importorskip("atomate2.vasp.flows.core", reason="needs atomate2")
    monkeypatch.chdir(tmp_path)
    crystal = Structure.from_spacegroup(225, Lattice.cubic(5.5), ["Na", "Cl"], [[0] * 3, [0.5] * 3])
    flow = flows.DoubleRelaxMaker(
        relax_maker1=RelaxMaker(settings={"fmax": 0.5}), relax_maker2=RelaxMaker(settings={"fmax": 0.05})
    ).make(crystal)
    responses = jobflow.run_locally(flow, log=False, create_folders=True, ensure_success=True)
    assert responses[flow.jobs[-1].uuid][1].output.converged
