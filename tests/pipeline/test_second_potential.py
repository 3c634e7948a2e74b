"""A second potential: energies of the list in further columns, resumable, and refused before a run."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alphacrystal.composition import parse_formula
from alphacrystal.config import PredictConfig, make_config
from alphacrystal.errors import InputError, PotentialError
from alphacrystal.pipeline.predict import predict
from alphacrystal.pipeline.preflight import check_request
from alphacrystal.pipeline.second_potential import RERANK, with_second_energies
from alphacrystal.pipeline.store import RunStore
from alphacrystal.relaxation import load_potential
from alphacrystal.report import EventLog, Prediction, read_run_folder

SMALL: dict[str, Any] = {"candidates": 5, "max_atoms": 4, "workers": 1, "rerank": "chgnet-r2scan"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Prediction:
    return predict("NaCl", folder=tmp_path_factory.mktemp("runs") / "nacl", **SMALL)


def test_energies_are_those_of_the_second_potential_at_the_listed_structures(finished: Prediction) -> None:
    potential = load_potential("chgnet-r2scan")
    seconds = [item.second for item in finished.ranked]
    assert len(seconds) > 2
    for item, second in zip(finished.ranked, seconds, strict=True):
        assert second is not None
        energy = potential.evaluate([item.primitive]).energies[0] / len(item.primitive)
        assert second.energy_per_atom == pytest.approx(energy, abs=3e-4)
        assert second.formation_energy_per_atom == pytest.approx(second.energy_per_atom + 4.83, abs=0.5)
    above = [second.above_lowest for second in seconds if second]
    assert min(above) == 0
    assert sorted(second.energy_rank for second in seconds if second) == list(range(1, len(seconds) + 1))
    by_rank = sorted((s for s in seconds if s), key=lambda s: s.energy_rank)
    assert [s.energy_per_atom for s in by_rank] == sorted(s.energy_per_atom for s in by_rank)


def test_the_order_of_the_list_stays(finished: Prediction, tmp_path: Path) -> None:
    without = predict("NaCl", folder=tmp_path / "run", page=False, **{**SMALL, "rerank": None})
    assert [item.candidate_index for item in without.ranked] == [
        item.candidate_index for item in finished.ranked
    ]
    assert [row.energy_per_atom_ev for row in without.rows] == [
        row.energy_per_atom_ev for row in finished.rows
    ]
    assert all(row.second_potential == "" for row in without.rows)
    assert "E 2nd" not in str(without)


def test_table_files_and_page_show_it(finished: Prediction) -> None:
    assert finished.folder is not None
    text = str(finished)
    assert "E 2nd" in text
    assert "by chgnet-r2scan, eV/atom" in text
    assert "Second potential chgnet-r2scan: lowest is row" in text
    assert max(map(len, text.splitlines()[:12])) <= 80
    with (finished.folder / "summary.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["second_potential"] for row in rows} == {"chgnet-r2scan"}
    results = json.loads((finished.folder / "results.json").read_text())
    assert results["structures"][0]["second_energy_per_atom_ev"] == float(
        rows[0]["second_energy_per_atom_ev"]
    )
    assert read_run_folder(finished.folder).rows == tuple(finished.rows)
    page = (finished.folder / "report.html").read_text()
    assert "Second potential (eV/atom)" in page
    assert "Second potential chgnet-r2scan" in page
    frame = finished.to_dataframe()
    assert frame["second_above_lowest_per_atom_ev"].min() == 0


def test_an_interrupted_second_potential_continues(
    finished: Prediction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alphacrystal.pipeline.store import RunStore

    add, computed = RunStore.add_relaxation, []

    def interrupted(self: RunStore, stage: str, index: int, relaxation: Any) -> None:
        if stage == RERANK:
            computed.append(index)
            if len(computed) == 3:
                raise KeyboardInterrupt
        add(self, stage, index, relaxation)

    monkeypatch.setattr(RunStore, "add_relaxation", interrupted)
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        predict("NaCl", folder=folder, page=False, **SMALL)
    partial = read_run_folder(folder)
    assert not partial.complete
    assert sum(row.second_energy_per_atom_ev is not None for row in partial.rows) == 2
    monkeypatch.undo()
    again: list[int] = []

    def counted(self: RunStore, stage: str, index: int, relaxation: Any) -> None:
        again.append(index)
        assert stage == RERANK  # nothing else is computed again
        add(self, stage, index, relaxation)

    monkeypatch.setattr(RunStore, "add_relaxation", counted)
    resumed = predict("NaCl", folder=folder, resume=True, page=False, **SMALL)
    assert resumed.complete
    assert resumed.rows == finished.rows
    again.clear()
    predict("NaCl", folder=folder, resume=True, page=False, **SMALL)
    assert again == []


def test_a_few_steps_lower_the_energy(finished: Prediction, tmp_path: Path) -> None:
    relaxed = predict("NaCl", folder=tmp_path / "run", page=False, rerank_steps=5, **SMALL)
    pairs = [
        (before.second.energy_per_atom, after.second.energy_per_atom)
        for before, after in zip(finished.ranked, relaxed.ranked, strict=True)
        if before.second and after.second
    ]
    assert all(after <= before + 3e-4 for before, after in pairs)
    assert any(after < before - 1e-3 for before, after in pairs)
    assert [item.structure for item in relaxed.ranked] == [item.structure for item in finished.ranked]


def test_enthalpies_under_pressure(tmp_path: Path) -> None:
    run = predict("NaCl", folder=tmp_path / "run", page=False, pressure=20.0, **SMALL)
    row, second = run.rows[0], run.ranked[0].second
    assert second is not None
    assert row.second_energy_per_atom_ev is None
    assert row.second_enthalpy_per_atom_ev == pytest.approx(second.energy_per_atom, abs=1e-6)
    potential = load_potential("chgnet-r2scan")
    crystal = run.ranked[0].primitive
    energy = potential.evaluate([crystal]).energies[0] / len(crystal)
    volume_work = 20.0 / 160.21766340 * crystal.volume / len(crystal)
    assert second.energy_per_atom == pytest.approx(energy + volume_work, abs=1e-3)


def test_a_second_potential_of_pbe_data_gets_the_dispersion_of_the_run(tmp_path: Path) -> None:
    pytest.importorskip("dftd3", reason="needs the extra dispersion")
    settings = SMALL | {"potential": "chgnet-r2scan", "rerank": "chgnet", "candidates": 2}
    run = predict("NaCl", folder=tmp_path / "run", page=False, dispersion="d3", **settings)
    potential = load_potential("chgnet+d3")
    for item in run.ranked:
        assert item.second is not None
        assert item.second.potential == "chgnet+d3"
        energy = potential.evaluate([item.primitive]).energies[0] / len(item.primitive)
        assert item.second.energy_per_atom == pytest.approx(energy, abs=3e-4)
        assert item.second.formation_energy_per_atom is None


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"rerank": "no-such"}, "no potential named 'no-such'"),
        ({"rerank": "chgnet"}, "is the potential of the relaxation already"),
        ({"rerank": "chgnet-r2scan", "relax": False}, "--rerank needs relaxed structures"),
        ({"rerank_steps": 5}, "name it with --rerank"),
        ({"rerank": "ase:os:getcwd"}, "no potential"),
    ],
)
def test_bad_requests_are_one_sentence_before_anything_is_written(
    settings: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with pytest.raises((InputError, PotentialError), match=sentence):
        predict("NaCl", folder=folder, **settings)
    assert not folder.exists()


def test_elements_beyond_the_second_potential_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHACRYSTAL_POTENTIALS", str(tmp_path))
    (tmp_path / "few.py").write_text(
        "from ase.calculators.lj import LennardJones\n"
        "from alphacrystal.relaxation import AsePotential\n"
        "def make_potential():\n"
        "    return AsePotential('few', LennardJones(), frozenset({'Ar'}))\n"
    )
    with pytest.raises(
        InputError, match="few does not know the elements Cl, Na; choose another with --rerank"
    ):
        check_request(parse_formula("NaCl"), make_config(rerank="few"))


@pytest.mark.parametrize("package", [("sevennet-l3i5", "sevenn"), ("chgnet-r2scan+d3", "dftd3")])
def test_a_missing_extra_is_named(package: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphacrystal.runtime.registry.find_spec", lambda name: None)
    with pytest.raises(PotentialError, match=f"needs the package {package[1]}"):
        check_request(parse_formula("NaCl"), PredictConfig(rerank=package[0]))


def test_a_row_on_which_the_potentials_disagree_is_flagged(finished: Prediction, tmp_path: Path) -> None:
    request = check_request(parse_formula("NaCl"), make_config(**SMALL))
    assert not any("disagreement" in item.flags for item in finished.ranked)
    first, *others = finished.ranked
    assert first.relaxation is not None
    assert first.relaxation.energy_per_atom is not None
    wrong = replace(first.relaxation, energy_per_atom=first.relaxation.energy_per_atom - 0.3)
    with EventLog(tmp_path / "events.jsonl") as events:
        store = RunStore(finished.folder, events)
        listed, notes = with_second_energies(request, [replace(first, relaxation=wrong), *others], store)
    assert notes == []
    assert ["disagreement" in item.flags for item in listed] == [True, *[False] * len(others)]
