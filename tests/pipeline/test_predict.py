"""The main job from Python: what it writes, what it refuses before it starts, what it leaves when stopped."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from pymatgen.core import Lattice, Structure

import alphacrystal
from alphacrystal.config import PredictConfig
from alphacrystal.crystal import as_atoms
from alphacrystal.errors import AlphaCrystalError, InputError, PotentialError, WeightsError
from alphacrystal.pipeline.candidate_copies import UNRELAXED_COPY
from alphacrystal.pipeline.predict import predict
from alphacrystal.report import read_run_folder

torch.set_num_threads(1)

QUICK = PredictConfig(candidates=3, max_atoms=4, relax=False)
RELAXED = PredictConfig(candidates=4, max_atoms=4, workers=1)


class StopError(Exception):
    """Raised by a progress callback."""


def test_prediction_is_what_the_folder_says(tmp_path: Path) -> None:
    stages: list[tuple[str, int, int]] = []
    prediction = predict("NaCl", RELAXED, folder=tmp_path / "run", progress=lambda *step: stages.append(step))
    assert prediction.complete
    assert prediction.formula == "NaCl"
    assert [row.rank for row in prediction.ranked] == list(range(1, len(prediction.ranked) + 1))
    assert prediction.ranked[0].space_group_number == 225
    made = [own for own in prediction.candidates if not own.provenance.get("unrelaxed_copy")]
    assert len(made) == 4
    assert {"generate", "relax (loose)", "relax (tight)"} == {stage for stage, _, _ in stages} - {
        "relax (unrelaxed)"
    }
    assert all(0 <= done <= total for _, done, total in stages)
    assert len(list((tmp_path / "run" / "structures").iterdir())) == len(prediction.ranked)
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert (events[-1]["stage"], events[-1]["event"]) == ("run", "end")
    sizes = {len(candidate.structure) for candidate in prediction.candidates}
    assert {len(distogram.species) for distogram in prediction.distograms} == sizes


def test_formula_alone_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    prediction = alphacrystal.predict("LiFe2(ClO)2", candidates=2, max_atoms=7, relax=False)
    assert prediction.folder is not None
    assert re.fullmatch(r"runs/LiFe2Cl2O2-\d{8}-\d{6}", str(prediction.folder))
    assert read_run_folder(prediction.folder).rows == tuple(prediction.rows)
    again = alphacrystal.predict("NaCl", QUICK, folder=str(tmp_path / "run"), candidates=2)
    assert len(again.candidates) == 2
    with pytest.raises(InputError, match="no setting colour"):
        alphacrystal.predict("NaCl", colour="red")


@pytest.mark.parametrize(
    ("text", "config", "error"),
    [
        ("Xx", QUICK, InputError),
        ("NaCl", QUICK.model_copy(update={"cell": "Na3Cl"}), InputError),
        ("CaF2", QUICK.model_copy(update={"cell": "CaF2", "space_group": 227}), InputError),
        ("AmO2", RELAXED, InputError),
        ("NaCl", RELAXED.model_copy(update={"potential": "m4gnet"}), PotentialError),
        ("NaCl", QUICK.model_copy(update={"models": Path("nowhere")}), WeightsError),
    ],
)
def test_what_cannot_work_is_refused_before_the_folder_is_made(
    tmp_path: Path, text: str, config: PredictConfig, error: type[AlphaCrystalError]
) -> None:
    with pytest.raises(error):
        predict(text, config, folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("kind", "stage"),
    [
        (KeyboardInterrupt, "relax (loose)"),
        pytest.param(KeyboardInterrupt, "relax (tight)", marks=pytest.mark.slow),
        pytest.param(StopError, "relax (loose)", marks=pytest.mark.slow),
        (StopError, "relax (tight)"),
    ],
)
def test_stopped_run_lists_what_is_finished_and_goes_on(
    tmp_path: Path, kind: type[BaseException], stage: str
) -> None:
    def stop(name: str, done: int, total: int) -> None:
        if name == stage and done == 1:
            raise kind

    folder = tmp_path / "run"
    with pytest.raises(kind):
        predict("NaCl", RELAXED, folder=folder, progress=stop)
    facts = json.loads((folder / "run.json").read_text())
    assert facts["complete"] is False
    assert facts["relaxed"] >= 1
    assert facts["structures"] >= 1
    lines = (folder / "checkpoint" / "relaxations.jsonl").read_text().splitlines()
    prediction = predict("NaCl", RELAXED, folder=folder, resume=True)
    assert prediction.complete
    after = (folder / "checkpoint" / "relaxations.jsonl").read_text().splitlines()
    assert after[: len(lines)] == lines
    keys = [(item["stage"], item["index"]) for item in map(json.loads, after)]
    assert len(set(keys)) == len(keys)


def test_interrupt_before_any_relaxation_leaves_the_chemical_list(tmp_path: Path) -> None:
    def stop(name: str, done: int, total: int) -> None:
        if name == "relax (loose)":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict("NaCl", RELAXED, folder=tmp_path / "run", progress=stop)
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (facts["relaxed"], facts["potential"]) == (0, None)
    assert facts["structures"] >= 2


def test_resumed_run_must_be_the_same_request(tmp_path: Path) -> None:
    predict("NaCl", QUICK, folder=tmp_path / "run")
    with pytest.raises(InputError, match="is of NaCl, not of KCl"):
        predict("KCl", QUICK, folder=tmp_path / "run", resume=True)
    with pytest.raises(InputError, match="started with seed = 0"):
        predict("NaCl", QUICK.model_copy(update={"seed": 1}), folder=tmp_path / "run", resume=True)
    assert predict("ClNa", QUICK, folder=tmp_path / "run", resume=True).complete


def test_structures_of_files_are_relaxed(tmp_path: Path) -> None:
    halite = Structure.from_spacegroup(225, Lattice.cubic(5.9), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    halite.to(str(tmp_path / "halite.cif"))
    (folder,) = alphacrystal.relax(str(tmp_path / "halite.cif"), RELAXED, folder=tmp_path / "run")
    (cif,) = (folder / "structures").iterdir()
    found = Structure.from_file(cif)
    assert found.lattice.a == pytest.approx(5.72, abs=0.05)
    (other,) = alphacrystal.relax([as_atoms(halite)], RELAXED, folder=tmp_path / "atoms")
    (cif,) = (other / "structures").iterdir()
    assert Structure.from_file(cif).lattice.a == pytest.approx(found.lattice.a, abs=1e-3)


def test_nothing_in_the_list_is_left_half_relaxed(tmp_path: Path) -> None:
    config = PredictConfig(candidates=12, top=10, max_atoms=4, workers=1, steps=400)
    run = predict("NaCl", config, folder=tmp_path / "run")
    energies = [row.relaxation.energy_per_atom for row in run.ranked if row.relaxation is not None]
    assert len(energies) == len(run.ranked)
    for row in run.ranked:
        assert row.relaxation is not None
        assert row.relaxation.converged or row.relaxation.reason == UNRELAXED_COPY
